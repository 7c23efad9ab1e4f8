namespace Epp.Native.Wire;

/// <summary>What a MessagePack value is, told by its first byte.</summary>
public enum MsgPackKind : byte
{
    /// <summary>No value: the bytes end here, or the byte is reserved (0xc1).</summary>
    None = 0,

    /// <summary>nil.</summary>
    Nil,

    /// <summary>true or false.</summary>
    Bool,

    /// <summary>An integer of any width, signed or not.</summary>
    Number,

    /// <summary>float32 or float64.</summary>
    Real,

    /// <summary>str.</summary>
    Text,

    /// <summary>bin.</summary>
    Binary,

    /// <summary>array.</summary>
    Array,

    /// <summary>map.</summary>
    Map,

    /// <summary>ext; skipped, never read.</summary>
    Extension,
}
