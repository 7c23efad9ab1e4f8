using System.Buffers.Binary;

namespace Epp.Native.KvEvents.Dynamo;

/// <summary>
/// The last of the four frames of Dynamo's ZMQ event plane (kv-routing §2.1): topic, publisher id (8 bytes, big-endian), sequence (8 bytes,
/// big-endian), frame. A frame is <c>u8 version = 1 | u32 length, big-endian | envelope</c>.
/// </summary>
public static class DynamoZmqMessage
{
    /// <summary>Frames of one message.</summary>
    public const int Frames = 4;

    /// <summary>Bytes before the envelope.</summary>
    public const int HeaderBytes = 5;

    private const byte Version = 1;

    /// <summary>False where the frame has another version or is shorter than it says; bytes after the envelope are ignored.</summary>
    public static bool TryUnwrap(ReadOnlySpan<byte> frame, out ReadOnlySpan<byte> envelope)
    {
        envelope = default;
        if (frame.Length < HeaderBytes || frame[0] != Version)
        {
            return false;
        }

        var length = BinaryPrimitives.ReadUInt32BigEndian(frame[1..]);
        if (length > (uint)(frame.Length - HeaderBytes))
        {
            return false;
        }

        envelope = frame.Slice(HeaderBytes, (int)length);
        return true;
    }

    /// <summary>The number in a frame of 8 bytes.</summary>
    public static bool TryReadNumber(ReadOnlySpan<byte> frame, out ulong value)
    {
        value = frame.Length == 8 ? BinaryPrimitives.ReadUInt64BigEndian(frame) : 0;
        return frame.Length == 8;
    }
}
