using System.Globalization;
using System.Numerics;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Parsing;

/// <summary>Names, literals, and what follows them: attributes, elements, calls, filters, tests.</summary>
internal sealed partial class TemplateParser
{
    /// <summary>Most digits of an integer literal.</summary>
    private const int MaxDigits = 1000;

    private Node ParsePrimary()
    {
        var token = Current;
        switch (token.Kind)
        {
            case TokenKind.Name:
                return ParseName();
            case TokenKind.Text:
                return ParseText();
            case TokenKind.Integer:
                _at++;
                return new Node(NodeKind.Const, token.Line) { Constant = Integer(Text(token)) };
            case TokenKind.Float:
                _at++;
                return new Node(NodeKind.Const, token.Line) { Constant = Float(Text(token)) };
            case TokenKind.LeftParen when Enter():
                _at++;
                var tuple = ParseTuple(inParentheses: true);
                Expect(TokenKind.RightParen, "')'");
                _nesting--;
                return tuple;
            case TokenKind.LeftBracket when Enter():
                return ParseList();
            case TokenKind.LeftBrace when Enter():
                return ParseDict();
            default:
                return Fail(token.Kind == TokenKind.End ? "unexpected end of the template" : $"unexpected '{Utf8(Text(token))}'");
        }
    }

    private Node ParseName()
    {
        var token = Current;
        var name = Text(token);
        Value constant = default;
        if (name.SequenceEqual("true"u8) || name.SequenceEqual("True"u8))
        {
            constant = Value.True;
        }
        else if (name.SequenceEqual("false"u8) || name.SequenceEqual("False"u8))
        {
            constant = Value.False;
        }
        else if (name.SequenceEqual("none"u8) || name.SequenceEqual("None"u8))
        {
            constant = Value.None;
        }

        if (constant.IsMissing)
        {
            return ParsePlainName();
        }

        _at++;
        return new Node(NodeKind.Const, token.Line) { Constant = constant };
    }

    private Node ParseText()
    {
        var line = Line;
        var text = new byte[16];
        var length = 0;
        while (Kind == TokenKind.Text)
        {
            var raw = Text(Current)[1..^1];
            if (text.Length - length < raw.Length + 4)
            {
                Array.Resize(ref text, (length + raw.Length + 4) * 2);
            }

            if (!StringLiteral.TryUnescape(raw, text, ref length))
            {
                return Fail("a string with a bad escape");
            }

            _at++;
        }

        return new Node(NodeKind.Const, line) { Constant = Value.Text(text.AsSpan(0, length).ToArray()) };
    }

    private static Value Float(ReadOnlySpan<byte> text)
    {
        Span<byte> digits = stackalloc byte[64];
        var clean = text.Length <= digits.Length ? digits[..WithoutUnderscores(text, digits)] : text;
        return Value.Float(double.TryParse(clean, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) ? value : double.NaN);
    }

    private static int WithoutUnderscores(ReadOnlySpan<byte> text, Span<byte> digits)
    {
        var length = 0;
        foreach (var c in text)
        {
            if (c != '_')
            {
                digits[length++] = c;
            }
        }

        return length;
    }

    private Value Integer(ReadOnlySpan<byte> text)
    {
        if (text.Length > MaxDigits)
        {
            Fail($"a number with more than {MaxDigits} digits");
            return Value.None;
        }

        var radix = 10;
        if (text.Length > 2 && text[0] == '0')
        {
            radix = (text[1] | 0x20) switch { 'x' => 16, 'o' => 8, 'b' => 2, _ => 10 };
            text = radix == 10 ? text : text[2..];
        }

        var value = BigInteger.Zero;
        foreach (var c in text)
        {
            value = c == '_' ? value : value * radix + Utf8Text.DigitValue(c);
        }

        return Value.Big(value);
    }

    private Node ParseList()
    {
        var line = Line;
        Node[] items = [];
        var count = 0;
        _at++;
        while (Kind is not (TokenKind.RightBracket or TokenKind.End))
        {
            if (count > 0)
            {
                Expect(TokenKind.Comma, "','");
            }

            if (Kind != TokenKind.RightBracket)
            {
                Append(ref items, ref count, ParseExpression());
            }
        }

        Expect(TokenKind.RightBracket, "']'");
        _nesting--;
        return Done(new Node(NodeKind.List, line) { Items = Trimmed(items, count) });
    }

    private Node ParseDict()
    {
        var line = Line;
        Node[] items = [];
        var count = 0;
        _at++;
        while (Kind is not (TokenKind.RightBrace or TokenKind.End))
        {
            if (count > 0)
            {
                Expect(TokenKind.Comma, "','");
            }

            if (Kind != TokenKind.RightBrace)
            {
                Append(ref items, ref count, ParseExpression());
                Expect(TokenKind.Colon, "':'");
                Append(ref items, ref count, ParseExpression());
            }
        }

        Expect(TokenKind.RightBrace, "'}'");
        _nesting--;
        return Done(new Node(NodeKind.Dict, line) { Items = Trimmed(items, count) });
    }

    private Node ParsePostfix(Node node)
    {
        while (true)
        {
            var line = Line;
            switch (Kind)
            {
                case TokenKind.Dot:
                    _at++;
                    node = ParseDot(node, line);
                    break;
                case TokenKind.LeftBracket when Enter():
                    _at++;
                    node = Done(new Node(NodeKind.Element, line) { A = node, B = ParseSubscript() });
                    _nesting--;
                    break;
                case TokenKind.LeftParen:
                    node = ParseCall(node);
                    break;
                default:
                    return node;
            }
        }
    }

    private Node ParseCall(Node callee)
    {
        var line = Line;
        return Done(new Node(NodeKind.Call, line) { A = callee, Call = ParseArguments() });
    }

    private Node ParseDot(Node node, int line)
    {
        var token = Current;
        if (Skip(TokenKind.Name))
        {
            var name = Text(token);
            return Done(new Node(NodeKind.Attribute, line)
            {
                A = node,
                Constant = Value.Text(name.ToArray()),
                Id = (int)Methods.Find(name),
            });
        }

        if (!Skip(TokenKind.Integer))
        {
            return Fail("expected a name or a number after '.'");
        }

        var index = new Node(NodeKind.Const, line) { Constant = Integer(Text(token)) };
        return Done(new Node(NodeKind.Element, line) { A = node, B = index });
    }

    private Node ParseSubscript()
    {
        var line = Line;
        Node[] items = [];
        var count = 0;
        while (Kind is not (TokenKind.RightBracket or TokenKind.End))
        {
            if (count > 0)
            {
                Expect(TokenKind.Comma, "','");
            }

            Append(ref items, ref count, ParseSlice());
        }

        Expect(TokenKind.RightBracket, "']'");
        return count == 1 ? items[0] : Done(new Node(NodeKind.Tuple, line) { Items = Trimmed(items, count) });
    }

    private Node ParseSlice()
    {
        var line = Line;
        var first = Kind == TokenKind.Colon ? null : ParseExpression();
        if (!Skip(TokenKind.Colon))
        {
            return first!;
        }

        var last = Kind is TokenKind.Colon or TokenKind.RightBracket or TokenKind.Comma ? null : ParseExpression();
        var step = Skip(TokenKind.Colon) && Kind is not (TokenKind.RightBracket or TokenKind.Comma) ? ParseExpression() : null;
        return Done(new Node(NodeKind.Slice, line) { A = first, B = last, C = step });
    }
}
