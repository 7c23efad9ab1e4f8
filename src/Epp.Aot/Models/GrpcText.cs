using Epp.Native.Memory;
using Epp.Native.Requests;

namespace Epp.Aot.Models;

/// <summary>
/// The text of a gRPC request as the body of a completions request: the engine encodes both alike, and the tokenizer reads the latter
/// (contract §3.3).
/// </summary>
internal static class GrpcText
{
    /// <summary>Longest text that is encoded; longer ones are matched by their bytes.</summary>
    public const int MaxBytes = 4 << 20;

    /// <summary>Bytes of an escaped byte: <c>\u00XX</c>.</summary>
    private const int EscapedBytes = 6;

    /// <summary>Room that is enough for <see cref="AsCompletions"/>.</summary>
    public static int MostBytes(RequestScanner scan) => (scan.GrpcPrompt.TextBytes * EscapedBytes) + 16;

    /// <summary>Writes the body; returns its length.</summary>
    public static int AsCompletions(RequestScanner scan, BodyBuffer body, Span<byte> into)
    {
        var head = "{\"prompt\":\""u8;
        head.CopyTo(into);
        var at = head.Length;
        var prompt = scan.GrpcPrompt;
        for (var position = prompt.Start; position < prompt.End;)
        {
            var part = body.Slice(position, prompt.End - position);
            position += part.Length;
            foreach (var c in part)
            {
                if (c is (byte)'"' or (byte)'\\')
                {
                    into[at++] = (byte)'\\';
                    into[at++] = c;
                }
                else if (c >= 0x20)
                {
                    into[at++] = c;
                }
                else
                {
                    "\\u00"u8.CopyTo(into[at..]);
                    into[at + 4] = (byte)('0' + (c >> 4));
                    into[at + 5] = "0123456789abcdef"u8[c & 15];
                    at += EscapedBytes;
                }
            }
        }

        "\"}"u8.CopyTo(into[at..]);
        return at + 2;
    }
}
