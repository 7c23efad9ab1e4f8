namespace Epp.Native.Tokens.Unicode;

/// <summary>
/// General categories as the tokenizers library knows them, one bit each. Controls that are white space (U+0009 to U+000D, U+0085) are a
/// category of their own, which makes <c>\s</c> a union of categories.
/// </summary>
internal static class Categories
{
    public const uint Unassigned = 1u << 0;
    public const uint UppercaseLetter = 1u << 1;
    public const uint LowercaseLetter = 1u << 2;
    public const uint TitlecaseLetter = 1u << 3;
    public const uint ModifierLetter = 1u << 4;
    public const uint OtherLetter = 1u << 5;
    public const uint Letter = UppercaseLetter | LowercaseLetter | TitlecaseLetter | ModifierLetter | OtherLetter;
    public const uint Mark = (1u << 6) | (1u << 7) | (1u << 8);
    public const uint DecimalDigit = 1u << 9;
    public const uint Number = DecimalDigit | (1u << 10) | (1u << 11);
    public const uint ConnectorPunctuation = 1u << 12;
    public const uint Punctuation = ConnectorPunctuation | (1u << 13) | (1u << 14) | (1u << 15) | (1u << 16) | (1u << 17) | (1u << 18);
    public const uint Symbol = (1u << 19) | (1u << 20) | (1u << 21) | (1u << 22);
    public const uint Separator = (1u << 23) | (1u << 24) | (1u << 25);
    public const uint Format = 1u << 27;
    public const uint WhiteSpaceControl = 1u << 30;
    public const uint Control = (1u << 26) | WhiteSpaceControl;
    public const uint Surrogate = 1u << 29;
    public const uint Other = Unassigned | Control | Format | (1u << 28) | Surrogate;
    public const uint WhiteSpace = Separator | WhiteSpaceControl;

    // In the order of their numbers, two letters each; the last one, white-space controls, has no name of its own.
    private const string Names = "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCoCs";

    public static CodePointTable Table { get; } = new(UnicodeData.Categories);

    /// <summary>Marks that take no room of their own.</summary>
    public static bool IsNonspacingOrEnclosing(int codePoint) => Table[codePoint] is 6 or 8;

    /// <summary>The bits of a category such as <c>Lu</c> or a group such as <c>L</c>; 0 where there is none.</summary>
    public static uint Named(string name)
    {
        uint mask = 0;
        for (var i = 0; i < Names.Length / 2; i++)
        {
            if (name.Length is 1 or 2 && Same(Names[2 * i], name[0]) && (name.Length == 1 || Same(Names[(2 * i) + 1], name[1])))
            {
                mask |= 1u << i;
            }
        }

        return (mask & (1u << 26)) != 0 ? mask | WhiteSpaceControl : mask;
    }

    private static bool Same(char a, char b) => char.ToLowerInvariant(a) == char.ToLowerInvariant(b);
}
