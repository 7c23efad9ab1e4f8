using System.Globalization;
using System.Text;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;
using Categories = Epp.Native.Tokens.Unicode.Categories;

namespace Epp.Native.Templates.Rendering;

/// <summary><c>repr</c> of lists, dicts and text.</summary>
internal sealed partial class Renderer
{
    private void ReprList(in Value list, int depth)
    {
        var isTuple = list.Kind == ValueKind.Tuple && _rules.IsPython;
        _out.WriteByte((byte)(isTuple ? '(' : '['));
        var items = list.Items;
        for (var i = 0; i < items.Length && Charge(1) && !_out.Overflowed; i++)
        {
            _out.Write(i > 0 ? ", "u8 : default);
            Repr(items[i], depth + 1);
        }

        _out.Write(isTuple && items.Length == 1 ? ",)"u8 : isTuple ? ")"u8 : "]"u8);
    }

    private void ReprPairs(ReadOnlySpan<Value> pairs, int depth)
    {
        _out.WriteByte((byte)'{');
        for (var i = 0; i < pairs.Length && Charge(1) && !_out.Overflowed; i += 2)
        {
            _out.Write(i > 0 ? ", "u8 : default);
            Repr(pairs[i], depth + 1);
            _out.Write(": "u8);
            Repr(pairs[i + 1], depth + 1);
        }

        _out.WriteByte((byte)'}');
    }

    private void ReprText(ReadOnlySpan<byte> text)
    {
        var quote = _rules.IsPython && (text.IndexOf((byte)'\'') < 0 || text.IndexOf((byte)'"') >= 0) ? (byte)'\'' : (byte)'"';
        _out.WriteByte(quote);
        var plain = 0;
        for (var i = 0; i < text.Length;)
        {
            var rune = Utf8Text.First(text[i..], out var length);
            if (NeedsEscape(rune, quote))
            {
                _out.Write(text[plain..i]);
                WriteEscape(rune, quote);
                plain = i + length;
            }

            i += length;
        }

        _out.Write(text[plain..]);
        _out.WriteByte(quote);
    }

    private bool NeedsEscape(Rune rune, byte quote)
    {
        if (rune.IsAscii)
        {
            return rune.Value is < 0x20 or 0x7F or '\\' || rune.Value == quote;
        }

        return !CaseMap.IsPrintable(rune.Value) || (!_rules.IsPython && Categories.IsNonspacingOrEnclosing(rune.Value));
    }

    private void WriteEscape(Rune rune, byte quote)
    {
        var value = rune.Value;
        var simple = value switch { '\n' => 'n', '\r' => 'r', '\t' => 't', '\\' => '\\', 0 when !_rules.IsPython => '0', _ => '\0' };
        if (value == quote || simple != '\0')
        {
            _out.WriteByte((byte)'\\');
            _out.WriteByte(value == quote ? quote : (byte)simple);
        }
        else if (!_rules.IsPython)
        {
            _out.Write("\\u{"u8);
            WriteHex(value, value < 0x10 ? 1 : value < 0x100 ? 2 : value < 0x1000 ? 3 : value < 0x10000 ? 4 : value < 0x100000 ? 5 : 6);
            _out.WriteByte((byte)'}');
        }
        else
        {
            _out.Write(value < 0x100 ? "\\x"u8 : value < 0x10000 ? "\\u"u8 : "\\U"u8);
            WriteHex(value, value < 0x100 ? 2 : value < 0x10000 ? 4 : 8);
        }
    }

    private void WriteHex(int value, int digits)
    {
        for (var shift = (digits - 1) * 4; shift >= 0; shift -= 4)
        {
            _out.WriteByte("0123456789abcdef"u8[(value >> shift) & 15]);
        }
    }

    private void ReprBytes(ReadOnlySpan<byte> bytes)
    {
        var quote = bytes.IndexOf((byte)'\'') < 0 || bytes.IndexOf((byte)'"') >= 0 ? (byte)'\'' : (byte)'"';
        _out.WriteByte(quote);
        foreach (var b in bytes)
        {
            if (b < 0x7F)
            {
                if (NeedsEscape(new Rune((char)b), quote))
                {
                    WriteEscape(new Rune((char)b), quote);
                }
                else
                {
                    _out.WriteByte(b);
                }
            }
            else
            {
                _out.Write("\\x"u8);
                WriteHex(b, 2);
            }
        }

        _out.WriteByte(quote);
    }
}
