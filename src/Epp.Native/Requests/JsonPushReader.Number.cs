using System.Globalization;
using System.Text;

namespace Epp.Native.Requests;

/// <summary>Numbers.</summary>
internal sealed partial class JsonPushReader
{
    /// <summary>Decimal exponent of the largest double, 1.79…e308.</summary>
    private const int MaxDoubleExponent = 308;

    private void BeginNumber(byte c, int start)
    {
        Announce(JsonKind.Number, start);
        _number[0] = c;
        _numberLength = 1;
        _numberIsReal = false;
        _integerDigits = c == '-' ? 0 : 1;
        _state = c switch { (byte)'-' => State.Minus, (byte)'0' => State.Zero, _ => State.Integer };
    }

    private int ReadNumber(ReadOnlySpan<byte> chunk, int i)
    {
        var start = i;
        for (; i < chunk.Length; i++)
        {
            var next = NextNumberState(_state, chunk[i]);
            if (next == State.Failed)
            {
                break;
            }

            _state = next;
            _integerDigits += next is State.Integer or State.Zero ? 1 : 0;
        }

        Keep(chunk[start..i]);
        if (i == chunk.Length)
        {
            return i;
        }

        switch (_state)
        {
            case State.Minus:
                Fail(chunk[i], "in numeric literal");
                break;
            case State.Point:
                Fail(chunk[i], "after decimal point in numeric literal");
                break;
            case State.Exponent or State.ExponentSign:
                Fail(chunk[i], "in exponent of numeric literal");
                break;
            default:
                EndNumber(_consumed + i);
                break;
        }

        return i;
    }

    private static State NextNumberState(State state, byte c)
    {
        if (c is >= (byte)'0' and <= (byte)'9')
        {
            return state switch
            {
                State.Minus => c == '0' ? State.Zero : State.Integer,
                State.Integer => State.Integer,
                State.Point or State.Fraction => State.Fraction,
                State.Zero => State.Failed,
                _ => State.ExponentDigits,
            };
        }

        return c switch
        {
            (byte)'.' when state is State.Zero or State.Integer => State.Point,
            (byte)'e' or (byte)'E' when state is State.Zero or State.Integer or State.Fraction => State.Exponent,
            (byte)'+' or (byte)'-' when state == State.Exponent => State.ExponentSign,
            _ => State.Failed,
        };
    }

    private void Keep(ReadOnlySpan<byte> digits)
    {
        _numberIsReal |= _state is not (State.Integer or State.Zero or State.Minus);
        var room = MaxNumberBytes - _numberLength;
        if (room > 0)
        {
            digits[..Math.Min(room, digits.Length)].CopyTo(_number.AsSpan(_numberLength));
        }

        _numberLength = (int)Math.Min((long)_numberLength + digits.Length, int.MaxValue);
    }

    private void EndNumber(int end)
    {
        var text = _number.AsSpan(0, Math.Min(_numberLength, MaxNumberBytes));
        if ((_numberIsReal || _numberLength > MaxDoubleExponent) && NumberError is null && IsBeyondDouble(text))
        {
            NumberError = GoJson.CannotUnmarshal("number " + Encoding.ASCII.GetString(text), "float64");
        }

        EndValue(_next, JsonKind.Number, end, text);
    }

    private bool IsBeyondDouble(ReadOnlySpan<byte> text)
    {
        // A number that does not fit the buffer is judged by its integer digits alone: a double cannot hold that many.
        return _numberLength > MaxNumberBytes
            ? _integerDigits > MaxDoubleExponent + 1
            : double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && double.IsInfinity(value);
    }
}
