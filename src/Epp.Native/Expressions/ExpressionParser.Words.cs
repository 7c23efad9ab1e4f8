using System.Globalization;

namespace Epp.Native.Expressions;

/// <content>Numbers, names, and what is said about a mistake.</content>
internal sealed partial class ExpressionParser
{
    private const string Operands = "a number, usage.FIELD, true, false, has(…), int(…), double(…) or '('";

    private Operand Number(bool isNegative)
    {
        var start = _position;
        if (text.AsSpan(_position).StartsWith("0x", StringComparison.OrdinalIgnoreCase))
        {
            _position += 2;
            while (_position < text.Length && char.IsAsciiHexDigit(text[_position]))
            {
                _position++;
            }

            return Whole(text.AsSpan(start + 2, _position - start - 2), NumberStyles.AllowHexSpecifier, start, isNegative);
        }

        var isReal = false;
        for (var last = '0'; _position < text.Length; last = text[_position++])
        {
            var c = text[_position];
            if (c is not ((>= '0' and <= '9') or '.' or 'e' or 'E' or '+' or '-') || (c is '+' or '-' && last is not ('e' or 'E')))
            {
                break;
            }

            isReal |= c is '.' or 'e' or 'E';
        }

        var digits = text.AsSpan(start, _position - start);
        if (!isReal)
        {
            return Whole(digits, NumberStyles.None, start, isNegative);
        }

        if (digits[^1] != '.' && double.TryParse(digits, NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real))
        {
            return EndNumber(Add(ValueKind.Double, Operation.Literal, literal: UsageValue.Of(isNegative ? -real : real)));
        }

        return Fail(start, $"found '{digits}', expected a number such as 0.5 or 1e3");
    }

    private Operand Whole(ReadOnlySpan<char> digits, NumberStyles style, int start, bool isNegative)
    {
        const ulong Least = 1UL << 63;
        if (ulong.TryParse(digits, style, CultureInfo.InvariantCulture, out var value) && (value < Least || (isNegative && value == Least)))
        {
            return EndNumber(Add(ValueKind.Int, Operation.Literal, literal: UsageValue.Of(unchecked(isNegative ? -(long)value : (long)value))));
        }

        return Fail(start, $"found '{text.AsSpan(start, _position - start)}', expected a whole number of 64 bits");
    }

    private Operand EndNumber(Operand number) =>
        _position < text.Length && (char.IsAsciiLetterOrDigit(text[_position]) || text[_position] == '_')
            ? Fail(_position, $"found '{text[_position]}' behind a number, expected an operator")
            : number;

    private Operand Named()
    {
        var start = _position;
        var word = Word();
        switch (word)
        {
            case "true":
                return Add(ValueKind.Bool, Operation.Literal, literal: UsageValue.Of(true));
            case "false":
                return Add(ValueKind.Bool, Operation.Literal, literal: UsageValue.Of(false));
            case "usage":
                var field = Path(out var isMap);
                return isMap ? Fail(start, "is a map of counts; name a field of it, such as usage.prompt_tokens_details.cached_tokens") : Add(ValueKind.Any, Operation.Field, (int)field);
            case "has" when Take("("):
                return Has();
            case "int" when Take("("):
                return Conversion(Operation.ToInt, ValueKind.Int);
            case "double" when Take("("):
                return Conversion(Operation.ToDouble, ValueKind.Double);
            default:
                return word.Length == 0 ? Expected(Operands) : Fail(start, $"found '{word}', expected {Operands}");
        }
    }

    private Operand Has()
    {
        var at = Skip();
        if (Word() is not "usage")
        {
            _position = at;
            return Expected("usage.FIELD");
        }

        // has() asks for a field; what it guards may never be there.
        var before = ReadsUnknownField;
        var field = Path(out _);
        ReadsUnknownField = before;
        if (Error is null && !Take(")"))
        {
            Expected("')'");
        }

        return Add(ValueKind.Bool, Operation.Has, (int)field);
    }

    private Operand Conversion(Operation operation, ValueKind kind)
    {
        var at = Skip();
        var operand = Parenthesized();
        Require(operand, at, ValueKind.Double);
        return Add(kind, operation, operand.Node);
    }

    /// <summary>The field behind <c>usage</c>; <see cref="UsageField.Unknown"/> where no response has it.</summary>
    private UsageField Path(out bool isMap)
    {
        isMap = false;
        if (!Take("."))
        {
            Expected("'.' and a field of usage");
            return UsageField.Unknown;
        }

        var field = FieldName() switch
        {
            "prompt_tokens" => UsageField.Prompt,
            "completion_tokens" => UsageField.Completion,
            "total_tokens" => UsageField.Total,
            "prompt_tokens_details" => UsageField.Details,
            _ => UsageField.Unknown,
        };
        while (Take("."))
        {
            var inner = FieldName();
            field = field == UsageField.Details && inner is "cached_tokens" ? UsageField.Cached : UsageField.Unknown;
        }

        isMap = field == UsageField.Details;
        ReadsUnknownField |= field == UsageField.Unknown;
        return field;
    }

    private ReadOnlySpan<char> FieldName()
    {
        Skip();
        var name = Word();
        if (name.Length == 0)
        {
            Expected("a field of usage");
        }

        return name;
    }

    private ReadOnlySpan<char> Word()
    {
        var start = _position;
        while (_position < text.Length && (char.IsAsciiLetterOrDigit(text[_position]) || text[_position] == '_') && (_position > start || !char.IsAsciiDigit(text[_position])))
        {
            _position++;
        }

        return text.AsSpan(start, _position - start);
    }

    /// <summary>Takes an operator where it stands next; <c>&lt;</c> and <c>!</c> are no part of <c>&lt;=</c> and <c>!=</c>.</summary>
    private bool Take(string symbol)
    {
        if (Error is not null || !text.AsSpan(Skip()).StartsWith(symbol, StringComparison.Ordinal))
        {
            return false;
        }

        _position += symbol.Length;
        return true;
    }

    /// <summary>Skips white space and comments; returns the place of what follows.</summary>
    private int Skip()
    {
        while (_position < text.Length)
        {
            if (text[_position] is ' ' or '\t' or '\r' or '\n' or '\f')
            {
                _position++;
            }
            else if (text.AsSpan(_position).StartsWith("//", StringComparison.Ordinal))
            {
                var end = text.IndexOf('\n', _position);
                _position = end < 0 ? text.Length : end;
            }
            else
            {
                break;
            }
        }

        return _position;
    }
}
