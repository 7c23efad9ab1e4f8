using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary><c>'{}'.format(...)</c>.</summary>
internal sealed partial class Renderer
{
    private Value FormatBraces(in Value format, Arguments arguments)
    {
        var mark = _out.Length;
        var next = 0;
        WriteBraces(format.Span, arguments, ref next, depth: 0);
        return Cut(mark);
    }

    private void WriteBraces(ReadOnlySpan<byte> rest, Arguments arguments, ref int next, int depth)
    {
        while (!rest.IsEmpty && !HasFailed)
        {
            var brace = rest.IndexOfAny((byte)'{', (byte)'}');
            _out.Write(brace < 0 ? rest : rest[..brace]);
            if (brace < 0)
            {
                return;
            }

            var isDouble = brace + 1 < rest.Length && rest[brace + 1] == rest[brace];
            if (isDouble)
            {
                _out.WriteByte(rest[brace]);
                rest = rest[(brace + 2)..];
                continue;
            }

            var length = rest[brace] == '{' ? FieldLength(rest[(brace + 1)..]) : -1;
            if (length < 0 || depth > 1)
            {
                TypeError("a single brace in a format string");
                return;
            }

            WriteField(rest.Slice(brace + 1, length), arguments, ref next, depth);
            rest = rest[(brace + length + 2)..];
        }
    }

    private static int FieldLength(ReadOnlySpan<byte> text)
    {
        var open = 1;
        for (var i = 0; i < text.Length; i++)
        {
            open += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
            if (open == 0)
            {
                return i;
            }
        }

        return -1;
    }

    private void WriteField(ReadOnlySpan<byte> field, Arguments arguments, ref int next, int depth)
    {
        var end = field.IndexOfAny((byte)'!', (byte)':');
        var name = end < 0 ? field : field[..end];
        if (!TryField(name, arguments, ref next, out var value))
        {
            return;
        }

        var rest = end < 0 ? default : field[end..];
        if (rest.StartsWith("!"u8))
        {
            if (rest.Length < 2 || rest[1] is not ((byte)'s' or (byte)'r') || (rest.Length > 2 && rest[2] != ':'))
            {
                TypeError("an unknown conversion in a format string");
                return;
            }

            var mark = _out.Length;
            if (rest[1] == 'r')
            {
                Repr(value, 0);
            }
            else
            {
                Print(value);
            }

            value = Cut(mark);
            rest = rest[2..];
        }

        WriteWithSpec(value, rest.IsEmpty ? rest : rest[1..], arguments, ref next, depth);
    }

    private void WriteWithSpec(in Value value, ReadOnlySpan<byte> spec, Arguments arguments, ref int next, int depth)
    {
        if (spec.IndexOf((byte)'{') >= 0)
        {
            var mark = _out.Length;
            WriteBraces(spec, arguments, ref next, depth + 1);
            spec = Cut(mark).Span;
        }

        if (spec.IsEmpty)
        {
            Print(value);
        }
        else if (FormatSpec.TryParse(spec, out var parsed))
        {
            FormatValue(value, parsed);
        }
        else
        {
            TypeError("an invalid format specifier");
        }
    }

    private bool TryField(ReadOnlySpan<byte> name, Arguments arguments, ref int next, out Value value)
    {
        value = default;
        var end = name.IndexOfAny((byte)'.', (byte)'[');
        var first = end < 0 ? name : name[..end];
        if (first.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0)
        {
            // Numbering is automatic or given, never both: next is -1 once a number was given.
            var isAutomatic = first.IsEmpty;
            var index = next;
            if ((isAutomatic ? next < 0 : next > 0)
                || (!isAutomatic && !FormatSpec.TryNumber(ref first, FormatSpec.MaxWidth, out index)))
            {
                TypeError("automatic and manual field numbers in one format string");
                return false;
            }

            next = isAutomatic ? next + 1 : -1;
            value = index < arguments.Count ? _stack[arguments.Start + index] : default;
        }
        else
        {
            value = FindNamed(arguments, first);
        }

        if (value.IsMissing)
        {
            TypeError("a field of the format string has no argument");
            return false;
        }

        return TryPath(end < 0 ? default : name[end..], ref value);
    }

    /// <summary>Attributes and elements behind the name of a field.</summary>
    private bool TryPath(ReadOnlySpan<byte> path, ref Value value)
    {
        while (!path.IsEmpty)
        {
            var isElement = path[0] == '[';
            var end = isElement ? path.IndexOf((byte)']') : path[1..].IndexOfAny((byte)'.', (byte)'[') + 1;
            end = !isElement && end == 0 ? path.Length : end;
            if (end <= 1)
            {
                TypeError("an empty attribute in a format string");
                return false;
            }

            var key = Text(path[1..end]);
            var index = isElement ? IndexIn(key) : key;
            value = !isElement && TryAttribute(value, key, Methods.Find(key.Span), out var attribute) ? attribute : GetElement(value, index);
            path = path[(isElement ? end + 1 : end)..];
        }

        return true;
    }
}
