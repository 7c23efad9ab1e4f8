using System.Text;
using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>
/// Walks JSON that <see cref="RequestScanner"/> has accepted, in place, across the segments of a body. It trusts the syntax and checks
/// only that it stays inside its range: over anything else it ends early, it does not throw. A copy is a bookmark.
/// </summary>
internal ref struct BodyReader
{
    /// <summary>Longer names come out empty.</summary>
    private const int MaxNameBytes = 32;

    private const int CharacterBytes = 4;

    /// <summary>One unescaped character, and behind it the last key or name; on the heap, so that spans of it may leave a method.</summary>
    [ThreadStatic]
    private static byte[]? _scratch;

    private readonly BodyBuffer _body;
    private readonly int _end;
    private ReadOnlySpan<byte> _span;
    private int _base;
    private int _at;
    private bool _isPlain;

    /// <summary>A reader at the first byte of a value.</summary>
    public BodyReader(BodyBuffer body, JsonField field)
    {
        _body = body;
        _base = field.Start;
        _end = field.Start + field.Length;
    }

    /// <summary>Offset of the next byte in the body.</summary>
    public readonly int Position => _base + _at;

    /// <summary>Goes to a byte of the body.</summary>
    public void Seek(int position)
    {
        _base = position;
        _at = 0;
        _span = default;
    }

    /// <summary>The next byte without taking it; −1 at the end.</summary>
    public int Peek() => Fill() ? _span[_at] : -1;

    /// <summary>Takes a byte; −1 at the end.</summary>
    public int Read() => Fill() ? _span[_at++] : -1;

    /// <summary>Takes blanks, commas and colons, which carry nothing once the syntax is known; returns the next byte, −1 at the end.</summary>
    public int SkipBlanks()
    {
        while (Fill())
        {
            var c = _span[_at];
            if (c is not ((byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' or (byte)',' or (byte)':'))
            {
                return c;
            }

            _at++;
        }

        return -1;
    }

    /// <summary>Goes to the next element of a list whose <c>[</c> is taken; false, with <c>]</c> taken, behind the last.</summary>
    public bool NextElement()
    {
        var c = SkipBlanks();
        if (c is ']' or -1)
        {
            Read();
            return false;
        }

        return true;
    }

    /// <summary>
    /// Goes to the value of the next member of a map whose <c>{</c> is taken; false, with <c>}</c> taken, behind the last.
    /// <paramref name="key"/> is unescaped and valid until the next key or name on this thread; a long one comes out empty.
    /// </summary>
    public bool NextMember(out ReadOnlySpan<byte> key)
    {
        key = default;
        if (SkipBlanks() is not '"')
        {
            Read();
            return false;
        }

        Read();
        key = ReadName();
        SkipBlanks();
        return true;
    }

    /// <summary>Reads the rest of a short string, opening quote taken; valid as the key of <see cref="NextMember"/>.</summary>
    public ReadOnlySpan<byte> ReadName()
    {
        var scratch = Scratch();
        var length = ReadText(scratch, CharacterBytes, MaxNameBytes);
        return length > MaxNameBytes ? default : scratch.AsSpan(CharacterBytes, length);
    }

    /// <summary>
    /// Reads the rest of a string, opening quote taken, to <paramref name="buffer"/>[<paramref name="at"/>…]; returns its length, or
    /// <paramref name="maxBytes"/> + 1 where it does not fit.
    /// </summary>
    public int ReadText(byte[] buffer, int at, int maxBytes)
    {
        var length = 0;
        while (NextText(out var part))
        {
            if (length + part.Length <= maxBytes)
            {
                part.CopyTo(buffer.AsSpan(at + length));
            }

            length = Math.Min(length + part.Length, maxBytes + 1);
        }

        return length;
    }

    /// <summary>
    /// The next piece of a string, unescaped, opening quote taken; valid until the next call on this thread. False, with the closing
    /// quote taken, at its end.
    /// </summary>
    public bool NextText(out ReadOnlySpan<byte> part)
    {
        part = default;
        if (!Fill())
        {
            return false;
        }

        var rest = _span[_at..];
        var n = rest.IndexOfAny((byte)'"', (byte)'\\');
        if (n != 0)
        {
            part = n < 0 ? rest : rest[..n];
            _at += part.Length;
            return true;
        }

        _at++;
        if (rest[0] == '"')
        {
            return false;
        }

        var scratch = Scratch();
        part = scratch.AsSpan(0, ReadEscape(scratch));
        return true;
    }

    /// <summary>Takes one value.</summary>
    public void SkipValue()
    {
        var depth = 0;
        do
        {
            switch (SkipBlanks())
            {
                case '"':
                    _at++;
                    SkipText();
                    break;
                case '{' or '[':
                    _at++;
                    depth++;
                    break;
                case '}' or ']':
                    _at++;
                    depth--;
                    break;
                case -1:
                    return;
                default:
                    SkipScalar();
                    break;
            }
        }
        while (depth > 0);
    }

    /// <summary>Takes one value and returns where it lies.</summary>
    public JsonField ReadField()
    {
        var kind = SkipBlanks() switch
        {
            '"' => JsonKind.Text,
            '{' => JsonKind.Map,
            '[' => JsonKind.List,
            't' or 'f' => JsonKind.Bool,
            'n' => JsonKind.Null,
            -1 => JsonKind.None,
            _ => JsonKind.Number,
        };
        var start = Position;
        _isPlain = true;
        SkipValue();
        return new JsonField(kind, start, Position - start) { IsPlain = kind == JsonKind.Text && _isPlain };
    }

    private static byte[] Scratch() => _scratch ??= new byte[CharacterBytes + MaxNameBytes];

    private void SkipText()
    {
        while (Fill())
        {
            var n = _span[_at..].IndexOfAny((byte)'"', (byte)'\\');
            if (n < 0)
            {
                _at = _span.Length;
                continue;
            }

            _at += n;
            if (_span[_at++] == '"')
            {
                return;
            }

            _isPlain = false;
            Read();
        }
    }

    private void SkipScalar()
    {
        while (Fill() && _span[_at] is not ((byte)',' or (byte)'}' or (byte)']' or (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t'))
        {
            _at++;
        }
    }

    private int ReadEscape(Span<byte> scratch)
    {
        var c = Read();
        if (c != 'u')
        {
            scratch[0] = JsonPushReader.Unescape((byte)c);
            return 1;
        }

        var unit = ReadUnit();
        if (char.IsHighSurrogate(unit))
        {
            var behind = Position;
            if (Read() == '\\' && Read() == 'u' && ReadUnit() is var low && char.IsLowSurrogate(low))
            {
                return new Rune(unit, low).EncodeToUtf8(scratch);
            }

            Seek(behind);
        }

        return (Rune.TryCreate(unit, out var rune) ? rune : Rune.ReplacementChar).EncodeToUtf8(scratch);
    }

    private char ReadUnit()
    {
        var unit = 0;
        for (var i = 0; i < 4; i++)
        {
            unit = (unit << 4) | (JsonPushReader.HexValue((byte)Read()) & 15);
        }

        return (char)unit;
    }

    private bool Fill()
    {
        if (_at < _span.Length)
        {
            return true;
        }

        _base += _at;
        _at = 0;
        _span = _body.Slice(_base, _end - _base);
        return !_span.IsEmpty;
    }
}
