using System.Text;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tests.Tokens;

[Trait("Category", "Unit")]
public sealed class CodePointTableTests
{
    [Fact]
    public void At_EveryCodePoint_IsTheValueOfTheTable()
    {
        Span<byte> utf8 = stackalloc byte[4];
        foreach (var table in (CodePointTable[])[Categories.Table, Decompositions.Default.Inert])
        {
            for (var c = 0; c < CodePointTable.CodePoints; c++)
            {
                if (Rune.IsValid(c))
                {
                    var length = Utf8Text.Write(c, utf8);
                    Assert.True(table.At(utf8, 0, out var next) == table[c] && next == length, $"U+{c:X4}");
                }
            }
        }
    }
}
