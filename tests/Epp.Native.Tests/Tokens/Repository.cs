namespace Epp.Native.Tests.Tokens;

/// <summary>Where this checkout and its committed tokenizers are.</summary>
internal static class Repository
{
    public static string Root { get; } = Find();

    /// <summary>tests/golden/tokenizers</summary>
    public static string Tokenizers { get; } = Path.Combine(Root, "tests", "golden", "tokenizers");

    private static string Find()
    {
        for (var at = AppContext.BaseDirectory; at is not null; at = Path.GetDirectoryName(at))
        {
            if (File.Exists(Path.Combine(at, "Epp.slnx")))
            {
                return at;
            }
        }

        throw new InvalidOperationException("these tests run inside a checkout: no Epp.slnx above " + AppContext.BaseDirectory);
    }
}
