using Epp.Native.Tokens.Patterns;

namespace Epp.Native.Tokens.Loading;

/// <summary>Reads a pattern: <c>{"String": …}</c> or <c>{"Regex": …}</c>.</summary>
internal static class PatternReader
{
    public static TextPattern Read(JsonPlace place)
    {
        if (place["String"] is { IsNull: false } literal)
        {
            var bytes = literal.Bytes();
            return bytes.Length > 0 ? new LiteralPattern(bytes) : throw literal.Error("an empty string matches nothing of use");
        }

        if (place["Regex"] is not { IsNull: false } regex)
        {
            throw place.Error("expected String or Regex");
        }

        try
        {
            return KnownPatterns.Create(regex.Text());
        }
        catch (PatternSyntaxException e)
        {
            throw regex.Error(e.Message);
        }
    }
}
