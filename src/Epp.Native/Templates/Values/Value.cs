using System.Numerics;

namespace Epp.Native.Templates.Values;

/// <summary>
/// One value of the template language, 24 bytes. Text is a range of a byte array, lists and dicts are ranges of a value array (a dict
/// alternates keys and values): nothing changes once made, so ranges may be shared.
/// </summary>
internal readonly struct Value
{
    /// <summary>Flag of Text: made by <c>escape</c> or <c>safe</c>.</summary>
    public const byte Markup = 1;

    /// <summary>Flag of Tuple: a group of <c>groupby</c>, with the attributes grouper and list.</summary>
    public const byte Group = 1;

    /// <summary>Flags of View.</summary>
    public const byte Keys = 0, Values = 1, Pairs = 2;

    /// <summary>Flags of Undefined: a name, an attribute or element, something the sandbox forbids, or a hint.</summary>
    public const byte OfName = 0, OfAttribute = 1, Forbidden = 2, Hint = 3;

    public static readonly Value None = new(ValueKind.None, null, 0);
    public static readonly Value True = new(ValueKind.Bool, null, 1);
    public static readonly Value False = new(ValueKind.Bool, null, 0);
    public static readonly Value Failed = new(ValueKind.Failed, null, 0);
    public static readonly Value EmptyText = new(ValueKind.Text, Array.Empty<byte>(), 0);
    public static readonly Value EmptyList = new(ValueKind.List, Array.Empty<Value>(), 0);
    public static readonly Value EmptyDict = new(ValueKind.Dict, Array.Empty<Value>(), 0);

    public readonly object? Ref;
    public readonly long Bits;
    public readonly ValueKind Kind;
    public readonly byte Flag;

    public Value(ValueKind kind, object? reference, long bits, byte flag = 0)
    {
        Kind = kind;
        Ref = reference;
        Bits = bits;
        Flag = flag;
    }

    public int Start => (int)Bits;

    /// <summary>Bytes of Text, values of a list, pairs of a dict.</summary>
    public int Length => (int)(Bits >> 32);

    public bool IsMissing => Kind == ValueKind.Missing;

    /// <summary>Of an Undefined: which of the four it is.</summary>
    public int Cause => Flag & 3;

    /// <summary>Of an undefined attribute: the type it was looked up in.</summary>
    public ValueKind Owner => (ValueKind)(Flag >> 2);

    public bool IsUndefined => Kind == ValueKind.Undefined;

    public bool IsText => Kind == ValueKind.Text;

    /// <summary>True for List, Tuple and View: <see cref="Items"/> are the elements.</summary>
    public bool IsSequence => Kind is ValueKind.List or ValueKind.Tuple or ValueKind.View;

    /// <summary>True for Int and Bool.</summary>
    public bool IsSmall => Kind is ValueKind.Int or ValueKind.Bool;

    /// <summary>True for everything Python calls a number here.</summary>
    public bool IsNumber => Kind is ValueKind.Int or ValueKind.Bool or ValueKind.Float or ValueKind.Big;

    public double Double => BitConverter.Int64BitsToDouble(Bits);

    public BigInteger Integer => Ref is BigInteger big ? big : Kind == ValueKind.Big ? BigNumber.Parse(Span) : Bits;

    public ReadOnlySpan<byte> Span => Ref is byte[] bytes ? bytes.AsSpan(Start, Length) : default;

    /// <summary>Elements; of a dict key, value, key, value ...</summary>
    public ReadOnlySpan<Value> Items =>
        Ref is Value[] values ? values.AsSpan(Start, Kind == ValueKind.Dict ? Length * 2 : Length) : default;

    public static Value Int(long value) => new(ValueKind.Int, null, value);

    public static Value Bool(bool value) => value ? True : False;

    public static Value Float(double value) => new(ValueKind.Float, null, BitConverter.DoubleToInt64Bits(value));

    public static Value Big(BigInteger value) =>
        value >= long.MinValue && value <= long.MaxValue ? Int((long)value) : new Value(ValueKind.Big, value, 0);

    public static Value Text(byte[] bytes) => Range(ValueKind.Text, bytes, 0, bytes.Length);

    public static Value Range(ValueKind kind, object array, int start, int length, byte flag = 0) =>
        new(kind, array, (uint)start | ((long)length << 32), flag);

    public static Value Undefined(byte[] name, byte flag = OfName) => Range(ValueKind.Undefined, name, 0, name.Length, flag);

    /// <summary>An undefined attribute; <paramref name="of"/> is the type it was looked up in.</summary>
    public static Value Undefined(in Value name, byte flag, ValueKind of) =>
        new(ValueKind.Undefined, name.Ref, name.Bits, (byte)(flag | ((int)of << 2)));

    /// <summary>The same range as another type of list.</summary>
    public Value As(ValueKind kind, byte flag = 0) => new(kind, Ref, Bits, flag);

    /// <summary>A part of a text.</summary>
    public Value Slice(int start, int length) => new(Kind, Ref, (uint)(Start + start) | ((long)length << 32), Flag);

    public bool Is(ReadOnlySpan<byte> text) => Kind == ValueKind.Text && Span.SequenceEqual(text);
}
