using System.Buffers.Binary;

namespace Epp.Integration.Tests.Tokens;

/// <summary>Batches as vLLM publishes them: <c>[ts, [["BlockStored", [hash …], nil, [id …], block size, nil, "GPU"]], rank]</c>.</summary>
internal static class StoredEvents
{
    public const int Block = 16;

    /// <summary>The full blocks of a prompt, as hex digits of the payload.</summary>
    public static string Hex(int[] ids, ulong firstHash)
    {
        var blocks = ids.Length / Block;
        List<byte> bytes = [0x93, 0xcb, 0, 0, 0, 0, 0, 0, 0, 0, 0x91, 0x97, 0xab, .. "BlockStored"u8, 0xdc, 0, (byte)blocks];
        Span<byte> number = stackalloc byte[8];
        for (var i = 0; i < blocks; i++)
        {
            BinaryPrimitives.WriteUInt64BigEndian(number, firstHash + (ulong)i);
            bytes.Add(0xcf);
            bytes.AddRange(number);
        }

        bytes.AddRange([0xc0, 0xdc, (byte)(blocks * Block >> 8), (byte)(blocks * Block)]);
        foreach (var id in ids[..(blocks * Block)])
        {
            bytes.AddRange([0xcd, (byte)(id >> 8), (byte)id]);
        }

        bytes.AddRange([Block, 0xc0, 0xa3, .. "GPU"u8, 0]);
        return Convert.ToHexStringLower([.. bytes]);
    }
}
