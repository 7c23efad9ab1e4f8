namespace Epp.Native.Requests;

/// <summary>
/// What a <see cref="JsonPushReader"/> asks and tells. Values carry a node, a small number the sink gives meaning to: the place in the
/// document. Node <see cref="JsonPushReader.Skip"/> is a value nobody asks about; everything inside it is skipped too.
/// </summary>
internal interface IJsonSink
{
    /// <summary>The node of the value under <paramref name="key"/> (unescaped) in a map at <paramref name="parent"/>.</summary>
    byte Child(byte parent, ReadOnlySpan<byte> key);

    /// <summary>The node of the elements of a list at <paramref name="parent"/>.</summary>
    byte Element(byte parent);

    /// <summary>A value begins at byte <paramref name="start"/>. True asks for the unescaped text of a string.</summary>
    bool Begin(byte node, JsonKind kind, int start);

    /// <summary>
    /// The value at <paramref name="node"/> ended before byte <paramref name="end"/>. <paramref name="text"/>: the string asked for,
    /// the number as written (at most <see cref="JsonPushReader.MaxNumberBytes"/>), <c>true</c>, <c>false</c> or <c>null</c>; else empty.
    /// </summary>
    void End(byte node, JsonKind kind, int end, ReadOnlySpan<byte> text);
}
