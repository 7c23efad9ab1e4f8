namespace Epp.Native.Requests;

/// <summary>Type of a JSON value; flags, so that a set of allowed types is one number.</summary>
[Flags]
public enum JsonKind : byte
{
    /// <summary>No value: the key is missing.</summary>
    None = 0,
    Text = 1,
    Number = 2,
    Bool = 4,
    Null = 8,
    Map = 16,
    List = 32,
}

/// <summary>Where one JSON value lies in the body: bytes [<paramref name="Start"/>, <paramref name="Start"/> + <paramref name="Length"/>), quotes and brackets included.</summary>
public readonly record struct JsonField(JsonKind Kind, int Start, int Length)
{
    /// <summary>True for a string known to hold no escape: its bytes between the quotes are its text.</summary>
    public bool IsPlain { get; init; }
}
