using System.Buffers.Binary;
using System.Text;

namespace Epp.Lab.Workers;

/// <summary>Token ids of a simulated prompt.</summary>
internal static class PromptIds
{
    static readonly byte[][] Marks = [.. ModelDirectory.Marks.Select(Encoding.UTF8.GetBytes)];

    /// <summary>
    /// With 1 byte a token the ids of <see cref="ModelDirectory"/>'s tokenizer: each byte is its own id, a mark's are above. With 4 a number
    /// that nobody else computes, at about the density of real text; bytes that fill no token are left out.
    /// </summary>
    public static uint[] Of(ReadOnlySpan<byte> prompt, int bytesPerToken)
    {
        if (bytesPerToken == 1)
        {
            return OfBytes(prompt);
        }
        var ids = new uint[Math.Max(1, prompt.Length / bytesPerToken)];
        for (var i = 0; i < prompt.Length / bytesPerToken; i++)
        {
            ids[i] = BinaryPrimitives.ReadUInt32LittleEndian(prompt[(i * 4)..]);
        }
        return ids;
    }

    static uint[] OfBytes(ReadOnlySpan<byte> prompt)
    {
        var ids = new List<uint>(prompt.Length);
        while (!prompt.IsEmpty)
        {
            var mark = 0;
            while (mark < Marks.Length && !prompt.StartsWith(Marks[mark]))
            {
                mark++;
            }
            ids.Add(mark < Marks.Length ? 256 + (uint)mark : prompt[0]);
            prompt = prompt[(mark < Marks.Length ? Marks[mark].Length : 1)..];
        }
        return [.. ids];
    }
}
