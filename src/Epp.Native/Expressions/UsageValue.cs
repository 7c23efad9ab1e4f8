namespace Epp.Native.Expressions;

/// <summary>What an expression is known to yield before it is evaluated; <see cref="Any"/> = only the response tells.</summary>
internal enum ValueKind : byte
{
    /// <summary>No value: an unknown field, a division by zero, an overflow, an operation that the types do not have.</summary>
    Error = 0,
    Any,
    Bool,
    Int,
    Double,
}

/// <summary>A value of <see cref="UsageExpression"/>.</summary>
internal readonly struct UsageValue
{
    private readonly long _bits;

    private UsageValue(ValueKind kind, long bits)
    {
        Kind = kind;
        _bits = bits;
    }

    public static UsageValue Error => default;

    public ValueKind Kind { get; }

    public bool IsNumber => Kind is ValueKind.Int or ValueKind.Double;

    public bool IsTrue => Kind == ValueKind.Bool && _bits != 0;

    public bool IsFalse => Kind == ValueKind.Bool && _bits == 0;

    public long Int => _bits;

    /// <summary>The number, whichever kind it is.</summary>
    public double Double => Kind == ValueKind.Double ? BitConverter.Int64BitsToDouble(_bits) : _bits;

    public static UsageValue Of(bool value) => new(ValueKind.Bool, value ? 1 : 0);

    public static UsageValue Of(long value) => new(ValueKind.Int, value);

    public static UsageValue Of(double value) => new(ValueKind.Double, BitConverter.DoubleToInt64Bits(value));
}
