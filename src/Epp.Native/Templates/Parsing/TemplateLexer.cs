using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Parsing;

/// <summary>
/// Cuts a template into tokens, with jinja2's rules for blanks: trim_blocks, lstrip_blocks, <c>-</c> and <c>+</c>, one trailing newline
/// dropped. Line ends are those of the flavour: jinja2 makes them all LF, minijinja keeps CRLF.
/// </summary>
internal sealed partial class TemplateLexer(byte[] source, bool keepsLineEnds)
{
    private readonly byte[] _source = source;
    private Token[] _tokens = new Token[256];
    private int _count;
    private int _at;
    private int _line = 1;
    private int _lineAt;

    // True where the text that follows begins a line, as far as the rule of lstrip_blocks is concerned.
    private bool _lineStarting = true;

    /// <summary>The first error; null = none.</summary>
    public string? Error { get; private set; }

    public int ErrorLine { get; private set; }

    public ReadOnlySpan<Token> Tokens => _tokens.AsSpan(0, _count);

    /// <summary>The source with the flavour's line ends and without the last newline.</summary>
    public static byte[] Normalize(ReadOnlySpan<byte> source, bool keepsLineEnds)
    {
        var result = new byte[source.Length];
        var length = 0;
        for (var i = 0; i < source.Length; i++)
        {
            if (source[i] == '\r' && !keepsLineEnds)
            {
                result[length++] = (byte)'\n';
                i += i + 1 < source.Length && source[i + 1] == '\n' ? 1 : 0;
            }
            else
            {
                result[length++] = source[i];
            }
        }

        if (length > 0 && result[length - 1] == '\n')
        {
            length--;
            length -= length > 0 && result[length - 1] == '\r' ? 1 : 0;
        }

        return result.AsSpan(0, length).ToArray();
    }

    /// <summary>Reads the whole source; false with <see cref="Error"/>.</summary>
    public bool Run()
    {
        while (_at < _source.Length && Error is null)
        {
            var open = FindOpen(_at);
            if (open < 0)
            {
                AddData(_at, _source.Length);
                _at = _source.Length;
                break;
            }

            var kind = _source[open + 1];
            if (kind == '%' && TryRaw(open))
            {
                continue;
            }

            var sign = SignAt(open + 2);
            AddData(_at, TrimBefore(_at, open, sign, isVariable: kind == '{'));
            var after = open + (sign == 0 ? 2 : 3);
            if (kind == '#')
            {
                SkipComment(after);
            }
            else
            {
                Add(kind == '{' ? TokenKind.VariableBegin : TokenKind.BlockBegin, open, after - open);
                _at = after;
                ReadTag(isVariable: kind == '{');
            }
        }

        Add(TokenKind.End, _source.Length, 0);
        return Error is null;
    }

    private int FindOpen(int from)
    {
        while (true)
        {
            var found = _source.AsSpan(from).IndexOf((byte)'{');
            if (found < 0 || from + found + 1 >= _source.Length)
            {
                return -1;
            }

            from += found;
            if (_source[from + 1] is (byte)'{' or (byte)'%' or (byte)'#')
            {
                return from;
            }

            from++;
        }
    }

    private byte SignAt(int at) => at < _source.Length && _source[at] is (byte)'-' or (byte)'+' ? _source[at] : (byte)0;

    /// <summary>End of the text before a tag, after what its sign and lstrip_blocks take away.</summary>
    private int TrimBefore(int start, int end, byte sign, bool isVariable)
    {
        var text = _source.AsSpan(start, end - start);
        if (sign == '-')
        {
            return start + Utf8Text.TrimEnd(text).Length;
        }

        if (sign == '+' || isVariable)
        {
            return end;
        }

        var line = text.LastIndexOf((byte)'\n') + 1;
        return (line > 0 || _lineStarting) && Utf8Text.TrimEnd(text[line..]).IsEmpty ? start + line : end;
    }

    /// <summary>Moves behind the end of a tag at <see cref="_at"/> and what it takes away.</summary>
    private void EndTag(int length, byte sign, bool trimsNewline)
    {
        _at += length;
        if (sign == '-')
        {
            var rest = _source.AsSpan(_at);
            _at += rest.Length - Utf8Text.TrimStart(rest).Length;
        }
        else if (sign == 0 && trimsNewline)
        {
            var skip = keepsLineEnds && _at + 1 < _source.Length && _source[_at] == '\r' && _source[_at + 1] == '\n' ? 2 : 0;
            _at += skip == 0 && _at < _source.Length && _source[_at] == '\n' ? 1 : skip;
        }

        _lineStarting = _at > 0 && _source[_at - 1] == '\n';
    }

    private void SkipComment(int from)
    {
        var length = _source.AsSpan(from).IndexOf("#}"u8);
        if (length < 0)
        {
            Fail("a comment without end: add '#}'", from);
            return;
        }

        var sign = length > 0 ? SignAt(from + length - 1) : (byte)0;
        _at = from + length;
        EndTag(2, sign, trimsNewline: true);
    }

    /// <summary>Reads <c>{% raw %} ... {% endraw %}</c> at <paramref name="open"/>; false where it is another tag.</summary>
    private bool TryRaw(int open)
    {
        var sign = SignAt(open + 2);
        if (!TryWord(open + (sign == 0 ? 2 : 3), "raw"u8, out var end, out var endSign) || endSign == '+')
        {
            return false;
        }

        AddData(_at, TrimBefore(_at, open, sign, isVariable: false));
        _at = end;
        EndTag(2, endSign, trimsNewline: keepsLineEnds);
        for (var at = _at; ; at++)
        {
            var found = _source.AsSpan(at).IndexOf("{%"u8);
            if (found < 0)
            {
                Fail("raw text without end: add '{% endraw %}'", open);
                return true;
            }

            at += found;
            sign = SignAt(at + 2);
            if (TryWord(at + (sign == 0 ? 2 : 3), "endraw"u8, out end, out endSign))
            {
                AddData(_at, TrimBefore(_at, at, sign, isVariable: false));
                _at = end;
                EndTag(2, endSign, trimsNewline: true);
                return true;
            }
        }
    }

    /// <summary>Whether a tag holds just this word; where its <c>%}</c> is and the sign before that.</summary>
    private bool TryWord(int at, ReadOnlySpan<byte> word, out int end, out byte sign)
    {
        end = 0;
        sign = 0;
        var rest = Utf8Text.TrimStart(_source.AsSpan(Math.Min(at, _source.Length)));
        if (!rest.StartsWith(word))
        {
            return false;
        }

        rest = Utf8Text.TrimStart(rest[word.Length..]);
        if (rest.Length > 0 && rest[0] is (byte)'-' or (byte)'+')
        {
            sign = rest[0];
            rest = rest[1..];
        }

        end = _source.Length - rest.Length;
        return rest.StartsWith("%}"u8);
    }

    private void AddData(int start, int end)
    {
        if (end > start)
        {
            Add(TokenKind.Data, start, end - start);
        }
    }

    private void Add(TokenKind kind, int start, int length)
    {
        if (_count == _tokens.Length)
        {
            Array.Resize(ref _tokens, _count * 2);
        }

        _tokens[_count++] = new Token(kind, LineOf(start), start, length);
    }

    private int LineOf(int position)
    {
        if (position > _lineAt)
        {
            _line += _source.AsSpan(_lineAt, position - _lineAt).Count((byte)'\n');
            _lineAt = position;
        }

        return _line;
    }

    private void Fail(string message, int position)
    {
        if (Error is null)
        {
            Error = message;
            ErrorLine = LineOf(position);
        }
    }
}
