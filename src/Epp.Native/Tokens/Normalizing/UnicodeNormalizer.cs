using System.Buffers;
using System.Runtime.CompilerServices;
using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Normalizing;

/// <summary>NFC, NFD, NFKC and NFKD (Unicode Standard Annex 15), with the tables of the library that the engines use.</summary>
internal sealed class UnicodeNormalizer(bool compatibility, bool compose) : TextNormalizer
{
    private readonly Decompositions _tables = Decompositions.Default;
    private readonly CodePointTable _inert = Decompositions.Default.Inert;
    private readonly byte _inertBit = Bit(compatibility, compose);
    private readonly SearchValues<byte> _suspects = Suspects(Decompositions.Default.Inert, Bit(compatibility, compose));

    public override bool Keeps(ReadOnlySpan<byte> text)
    {
        for (var at = 0; at < text.Length;)
        {
            var offset = text[at..].IndexOfAny(_suspects);
            if (offset < 0)
            {
                return true;
            }

            if ((_inert.At(text, at + offset, out at) & _inertBit) == 0)
            {
                return false;
            }
        }

        return true;
    }

    private static byte Bit(bool compatibility, bool compose) => (byte)(1 << ((compatibility ? 2 : 0) + (compose ? 1 : 0)));

    // First bytes of code points that are not all inert.
    private static SearchValues<byte> Suspects(CodePointTable inert, byte bit)
    {
        Span<byte> utf8 = stackalloc byte[4];
        Span<bool> suspect = stackalloc bool[256];
        suspect.Clear();
        for (var c = 0; c < CodePointTable.CodePoints; c++)
        {
            if ((inert[c] & bit) == 0)
            {
                Utf8Text.Write(c, utf8);
                suspect[utf8[0]] = true;
            }
        }

        var bytes = new List<byte>();
        for (var b = 0; b < suspect.Length; b++)
        {
            if (suspect[b])
            {
                bytes.Add((byte)b);
            }
        }

        return SearchValues.Create([.. bytes]);
    }

    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state)
    {
        var buffer = state.CodePoints;
        for (var at = 0; at < text.Length;)
        {
            // Up to the next starter that nothing before it can reach: at most this much has to be held.
            buffer.Clear();
            do
            {
                _tables.Decompose(Utf8Text.Read(text, at, out at), compatibility, buffer);
            }
            while (at < text.Length && (_inert.At(text, at, out _) & _inertBit) == 0);

            Order(buffer.Items);
            if (compose)
            {
                buffer.Truncate(Compose(buffer.Items));
            }

            foreach (var c in buffer.Items)
            {
                output.AppendCodePoint(c);
            }
        }

        return TokenizeStatus.Ok;
    }

    // Canonical order: a stable sort of each run of combining marks by class.
    private void Order(Span<int> items)
    {
        for (var i = 0; i < items.Length;)
        {
            if (_tables.Class(items[i]) == 0)
            {
                i++;
                continue;
            }

            var end = i;
            while (end < items.Length && _tables.Class(items[end]) != 0)
            {
                end++;
            }

            SortByClass(items[i..end]);
            i = end;
        }
    }

    // Insertion for the few marks of real text; by counting where a hostile text stacks thousands.
    [SkipLocalsInit]
    private void SortByClass(Span<int> marks)
    {
        const int Few = 32;
        if (marks.Length <= Few)
        {
            for (var i = 1; i < marks.Length; i++)
            {
                var (mark, at) = (marks[i], i);
                var its = _tables.Class(mark);
                while (at > 0 && _tables.Class(marks[at - 1]) > its)
                {
                    marks[at] = marks[at - 1];
                    at--;
                }

                marks[at] = mark;
            }

            return;
        }

        Span<int> starts = stackalloc int[Decompositions.Classes + 1];
        starts.Clear();
        foreach (var mark in marks)
        {
            starts[_tables.Class(mark) + 1]++;
        }

        for (var i = 1; i < starts.Length; i++)
        {
            starts[i] += starts[i - 1];
        }

        var sorted = new int[marks.Length];
        foreach (var mark in marks)
        {
            sorted[starts[_tables.Class(mark)]++] = mark;
        }

        sorted.CopyTo(marks);
    }

    // Returns how many are left.
    private int Compose(Span<int> items)
    {
        var (written, starter, lastClass) = (0, -1, -1);
        foreach (var c in items)
        {
            int its = _tables.Class(c);
            if (starter >= 0 && (lastClass < its || lastClass == -1) && _tables.Pair(items[starter], c) is >= 0 and var pair)
            {
                items[starter] = pair;
                continue;
            }

            if (its == 0)
            {
                (starter, lastClass) = (written, -1);
            }
            else
            {
                lastClass = its;
            }

            items[written++] = c;
        }

        return written;
    }
}
