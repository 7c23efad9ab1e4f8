using System.Globalization;
using System.Text;

namespace Epp.Native.Templates;

/// <summary><c>str</c> and <c>repr</c>.</summary>
internal sealed partial class Renderer
{
    /// <summary>Lists and dicts inside each other when printed; Python stops at about 1,000.</summary>
    private const int MaxPrintDepth = 150;

    /// <summary>Writes a value as <c>{{ value }}</c> does.</summary>
    private void Print(in Value value)
    {
        var mark = _out.Length;
        PrintValue(value);
        ChargeBytes(_out.Length - mark);
        if (_out.Overflowed)
        {
            CheckMemory();
        }
    }

    private void PrintValue(in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Text:
                _out.Write(value.Span);
                break;
            case ValueKind.Undefined or ValueKind.Missing or ValueKind.Failed:
                break;
            case ValueKind.Self when !_rules.IsPython:
                break;
            default:
                Repr(value, 0);
                break;
        }
    }

    private void Repr(in Value value, int depth)
    {
        switch (value.Kind)
        {
            case ValueKind.None:
                _out.Write(_rules.LowercaseWords ? "none"u8 : "None"u8);
                break;
            case ValueKind.Bool when _rules.LowercaseWords:
                _out.Write(value.Bits != 0 ? "true"u8 : "false"u8);
                break;
            case ValueKind.Bool:
                _out.Write(value.Bits != 0 ? "True"u8 : "False"u8);
                break;
            case ValueKind.Int:
                _out.WriteInt(value.Bits);
                break;
            case ValueKind.Big:
                Charge(64);
                BigNumber.Write(_out, value.Integer);
                break;
            case ValueKind.Float when depth > 0 && !_rules.IsPython:
                PythonNumber.WriteDebug(_out, value.Double);
                break;
            case ValueKind.Float:
                PythonNumber.Write(_out, value.Double, !_rules.PlainFloats);
                break;
            case ValueKind.Undefined:
                _out.Write(_rules.IsPython ? "Undefined"u8 : "undefined"u8);
                break;
            case ValueKind.Text:
                if (value.Flag == Value.Markup && _rules.IsPython)
                {
                    _out.Write("Markup("u8);
                    ReprText(value.Span);
                    _out.WriteByte((byte)')');
                    break;
                }

                ReprText(value.Span);
                break;
            default:
                ReprOther(value, depth);
                break;
        }
    }

    private void ReprOther(in Value value, int depth)
    {
        if (depth > MaxPrintDepth)
        {
            Fail(TemplateErrorKind.DepthLimit, "a value nested too deep to print");
            return;
        }

        switch (value.Kind)
        {
            case ValueKind.List or ValueKind.Tuple:
                ReprList(value, depth);
                break;
            case ValueKind.View:
                _out.Write(value.Flag == Value.Keys ? "dict_keys("u8 : value.Flag == Value.Values ? "dict_values("u8 : "dict_items("u8);
                ReprList(value.As(ValueKind.List), depth);
                _out.WriteByte((byte)')');
                break;
            case ValueKind.Dict:
                ReprPairs(value.Items, depth);
                break;
            case ValueKind.Namespace:
                var space = (MutableState)value.Ref!;
                _out.Write(_rules.IsPython ? "<Namespace "u8 : default);
                ReprPairs(space.Values.AsSpan(0, space.Count), depth);
                _out.Write(_rules.IsPython ? ">"u8 : default);
                break;
            case ValueKind.Bytes:
                _out.WriteByte((byte)'b');
                ReprBytes(value.Span);
                break;
            default:
                ReprObject(value);
                break;
        }
    }

    private void ReprObject(in Value value)
    {
        switch (value.Kind)
        {
            case ValueKind.Range:
                _out.Write("range("u8);
                _out.WriteInt(value.Items[0].Bits);
                _out.Write(", "u8);
                _out.WriteInt(value.Items[1].Bits);
                if (value.Items[2].Bits != 1)
                {
                    _out.Write(", "u8);
                    _out.WriteInt(value.Items[2].Bits);
                }

                _out.WriteByte((byte)')');
                break;
            case ValueKind.Loop:
                var loop = (LoopState)value.Ref!;
                _out.Write(_rules.IsPython ? "<LoopContext "u8 : "<loop "u8);
                _out.WriteInt(loop.Index + (_rules.IsPython ? 1 : 0));
                _out.WriteByte((byte)'/');
                _out.WriteInt(loop.Items.Length);
                _out.WriteByte((byte)'>');
                break;
            case ValueKind.Macro:
                _out.Write("<Macro "u8);
                ReprMacroName(((MacroState)value.Ref!).Node.Constant);
                _out.WriteByte((byte)'>');
                break;
            case ValueKind.Iterator when !_rules.IsPython:
                _out.Write("<iterator>"u8);
                break;
            case ValueKind.Self:
                _out.Write("<TemplateReference None>"u8);
                break;
            default:
                ReprAddress(value);
                break;
        }
    }

    private void ReprMacroName(in Value name)
    {
        if (name.Kind == ValueKind.Text)
        {
            ReprText(name.Span);
        }
        else
        {
            _out.Write("anonymous"u8);
        }
    }

    /// <summary>Python prints the address of such an object, which nobody can predict.</summary>
    private void ReprAddress(in Value value)
    {
        _out.WriteByte((byte)'<');
        if (value.Kind == ValueKind.Iterator)
        {
            foreach (var c in ((IteratorState)value.Ref!).Name)
            {
                _out.WriteByte((byte)c);
            }
        }
        else if (value.Kind == ValueKind.Method && value.Length < LoopCycle)
        {
            _out.Write("built-in method "u8);
            foreach (var c in ((MethodId)value.Length).ToString())
            {
                _out.WriteByte((byte)char.ToLowerInvariant(c));
            }

            _out.Write(" of "u8);
            foreach (var c in TypeName(((Value[])value.Ref!)[value.Start]))
            {
                _out.WriteByte((byte)c);
            }
        }
        else
        {
            foreach (var c in TypeName(value))
            {
                _out.WriteByte((byte)c);
            }
        }

        _out.Write(" object at 0x0>"u8);
    }

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

        return !CaseMap.IsPrintable(rune) || (!_rules.IsPython
            && Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark);
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
