namespace Epp.Native.Templates.Values;

/// <summary>Type of a <see cref="Value"/>.</summary>
internal enum ValueKind : byte
{
    /// <summary>No value at all: an argument that was not given.</summary>
    Missing,

    /// <summary>The rendering has failed.</summary>
    Failed,
    Undefined,
    None,
    Bool,
    Int,

    /// <summary>An integer beyond 64 bits; <see cref="Value.Ref"/> is a boxed BigInteger, or the bytes in which its decimal digits stand.</summary>
    Big,
    Float,

    /// <summary>UTF-8 text.</summary>
    Text,

    /// <summary>Python's bytes, only made by <c>str.encode</c>.</summary>
    Bytes,
    List,
    Tuple,

    /// <summary>Keys, values or items of a dict: prints with its name, has no index.</summary>
    View,
    Dict,
    Range,

    /// <summary>Something that can be walked once: what map, select and their like return.</summary>
    Iterator,
    Namespace,
    Loop,
    Macro,

    /// <summary>A method bound to its receiver.</summary>
    Method,
    Function,
    Cycler,
    Joiner,
    Self,
}
