using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

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
                BigNumber.Write(_out, value);
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
}
