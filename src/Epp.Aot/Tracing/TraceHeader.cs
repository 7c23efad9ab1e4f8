using Epp.Native.Wire;

namespace Epp.Aot.Tracing;

/// <summary>The <c>traceparent</c> that the worker gets in place of the client's; empty = the client's stays. Not thread-safe.</summary>
internal sealed class TraceHeader
{
    private readonly byte[] _text = new byte[TraceParent.Length];
    private bool _set;

    /// <summary>The header's name.</summary>
    public static ReadOnlySpan<byte> Name => "traceparent"u8;

    public void Set(in TraceParent context)
    {
        context.Write(_text);
        _set = true;
    }

    public void Clear() => _set = false;

    /// <summary>Adds the header to a mutation, if there is one to set.</summary>
    public void Encode(ProtoWriter writer)
    {
        if (_set)
        {
            ExtProcEncoder.SetHeader(writer, Name, _text);
        }
    }
}
