using System.Text;
using Epp.Native.Memory;

namespace Epp.Bench;

/// <summary>Bodies of our own making, the same in every run.</summary>
internal static class Bodies
{
    private static readonly string[] Words =
        ["the", "cache", "holds", "every", "block", "of", "a", "prompt", "until", "another", "one", "needs", "its", "place", "said", "\\\"quote\\\"", "line\\n", "naïve"];

    /// <summary>A chat completion of close to <paramref name="bytes"/> bytes: a system message of a quarter, then turns of about 2 KB.</summary>
    public static byte[] Chat(int bytes)
    {
        var text = new StringBuilder(bytes + 128);
        text.Append("""{"model":"meta-llama/Llama-3.1-8B-Instruct","stream":true,"temperature":0.7,"max_tokens":512,"messages":[{"role":"system","content":" """);
        var random = new Random(1);
        Fill(text, random, bytes / 4);
        for (var turn = 0; text.Length < bytes - 40; turn++)
        {
            text.Append(turn % 2 == 0 ? "\"},{\"role\":\"user\",\"content\":\"" : "\"},{\"role\":\"assistant\",\"content\":\"");
            Fill(text, random, Math.Min(bytes - 5, text.Length + 2000));
        }

        return Encoding.UTF8.GetBytes(text.Append("\"}]}").ToString());
    }

    /// <summary>The body in the pieces a gateway sends.</summary>
    public static BodyBuffer Buffer(byte[] body)
    {
        var buffer = new BodyBuffer();
        buffer.Append(body);
        return buffer;
    }

    /// <summary>One event of a chat completion's stream, as engines send it: about 250 bytes.</summary>
    public static byte[] ChatEvent(int index) => Encoding.UTF8.GetBytes(
        $$$"""data: {"id":"chatcmpl-6f1e5a2b","object":"chat.completion.chunk","created":1767225600,"model":"meta-llama/Llama-3.1-8B-Instruct","choices":[{"index":0,"delta":{"content":" word{{{index}}}"},"logprobs":null,"finish_reason":null}]}""" + "\n\n");

    /// <summary>The last events: token counts, then the end mark.</summary>
    public static byte[] LastEvents() => Encoding.UTF8.GetBytes(
        """data: {"id":"chatcmpl-6f1e5a2b","object":"chat.completion.chunk","created":1767225600,"model":"meta-llama/Llama-3.1-8B-Instruct","choices":[],"usage":{"prompt_tokens":4096,"completion_tokens":100,"total_tokens":4196}}""" + "\n\ndata: [DONE]\n\n");

    private static void Fill(StringBuilder text, Random random, int length)
    {
        while (text.Length < length)
        {
            text.Append(Words[random.Next(Words.Length)]).Append(' ');
        }
    }
}
