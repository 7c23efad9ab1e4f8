using System.Buffers.Binary;

namespace Epp.Lab.Workers;

/// <summary>Token ids of a simulated prompt.</summary>
internal static class PromptIds
{
    /// <summary>
    /// With 1 byte a token the ids of <see cref="ModelDirectory"/>'s tokenizer: each byte is its own id. With 4 a number that nobody else
    /// computes, at about the density of real text; bytes that fill no token are left out.
    /// </summary>
    public static uint[] Of(ReadOnlySpan<byte> prompt, int bytesPerToken)
    {
        var ids = new uint[Math.Max(1, prompt.Length / bytesPerToken)];
        for (var i = 0; i < prompt.Length / bytesPerToken; i++)
        {
            ids[i] = bytesPerToken == 1 ? prompt[i] : BinaryPrimitives.ReadUInt32LittleEndian(prompt[(i * 4)..]);
        }
        return ids;
    }
}
