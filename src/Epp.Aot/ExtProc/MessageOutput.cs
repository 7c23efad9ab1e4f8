using System.Buffers;
using Epp.Native.Memory;

namespace Epp.Aot.ExtProc;

/// <summary>
/// Writes whole messages. Every <c>GetSpan</c> and <c>Advance</c> of the server's pipe takes its locks, so a message is one of each,
/// not one for each of its parts: 17 % of the time of a response chunk went there.
/// </summary>
internal static class MessageOutput
{
    /// <summary>Head, body and tail behind each other.</summary>
    public static void WriteMessage(this IBufferWriter<byte> output, ReadOnlySpan<byte> head, ReadOnlySpan<byte> body, ReadOnlySpan<byte> tail)
    {
        var total = head.Length + body.Length + tail.Length;
        var span = output.GetSpan(total);
        head.CopyTo(span);
        body.CopyTo(span[head.Length..]);
        tail.CopyTo(span[(head.Length + body.Length)..]);
        output.Advance(total);
    }

    /// <summary>Head, a piece of a held body and tail behind each other.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="head">Before the piece.</param>
    /// <param name="body">Holds the piece; null where it is empty.</param>
    /// <param name="offset">Where the piece begins.</param>
    /// <param name="bytes">Its length.</param>
    /// <param name="tail">Behind it.</param>
    public static void WriteMessage(this IBufferWriter<byte> output, ReadOnlySpan<byte> head, BodyBuffer? body, int offset, int bytes, ReadOnlySpan<byte> tail)
    {
        var total = head.Length + bytes + tail.Length;
        var span = output.GetSpan(total);
        head.CopyTo(span);
        body?.CopyTo(offset, span.Slice(head.Length, bytes));
        tail.CopyTo(span[(head.Length + bytes)..]);
        output.Advance(total);
    }
}
