using System.Buffers.Text;

namespace Epp.Native.Requests;

/// <summary>Width and height of a PNG, GIF or JPEG from its first bytes.</summary>
internal static class ImageSize
{
    /// <summary>Bytes of the file that are looked at; a JPEG whose frame header lies behind them counts as unknown.</summary>
    public const int MaxBytes = 48 * 1024;

    /// <summary>
    /// Reads the size of the image in <paramref name="base64"/>, the beginning of a base64 text, decoding into
    /// <paramref name="buffer"/> (<see cref="MaxBytes"/>). False where it is none of the three formats or cut short.
    /// </summary>
    public static bool TryRead(ReadOnlySpan<byte> base64, Span<byte> buffer, out int width, out int height)
    {
        width = height = 0;
        Base64.DecodeFromUtf8(base64[..Math.Min(base64.Length, buffer.Length / 3 * 4)], buffer, out _, out var n, isFinalBlock: false);
        ReadOnlySpan<byte> image = buffer[..n];
        if (image is [0x89, (byte)'P', (byte)'N', (byte)'G', 13, 10, 26, 10, ..])
        {
            return image.Length >= 24 && image[12..16].SequenceEqual("IHDR"u8) && Set(Big32(image[16..]), Big32(image[20..]), ref width, ref height);
        }

        if (image.StartsWith("GIF87a"u8) || image.StartsWith("GIF89a"u8))
        {
            return image.Length >= 10 && Set(image[6] | (image[7] << 8), image[8] | (image[9] << 8), ref width, ref height);
        }

        return image is [0xFF, 0xD8, ..] && TryReadJpeg(image[2..], ref width, ref height);
    }

    /// <summary>Marker segments up to the first start of frame: FF Cx, length, precision, height, width (ITU T.81 B.2.2).</summary>
    private static bool TryReadJpeg(ReadOnlySpan<byte> image, ref int width, ref int height)
    {
        while (image.Length >= 4 && image[0] == 0xFF)
        {
            var marker = image[1];
            if (marker is 0xFF or (>= 0xD0 and <= 0xD7) or 0x01)
            {
                image = image[(marker == 0xFF ? 1 : 2)..];
                continue;
            }

            var length = (image[2] << 8) | image[3];
            if (marker is >= 0xC0 and <= 0xCF and not (0xC4 or 0xC8 or 0xCC))
            {
                return image.Length >= 9 && Set((image[7] << 8) | image[8], (image[5] << 8) | image[6], ref width, ref height);
            }

            if (length < 2 || image.Length < length + 2)
            {
                return false;
            }

            image = image[(length + 2)..];
        }

        return false;
    }

    private static int Big32(ReadOnlySpan<byte> b) => (b[0] << 24) | (b[1] << 16) | (b[2] << 8) | b[3];

    private static bool Set(int w, int h, ref int width, ref int height)
    {
        (width, height) = (w, h);
        return w > 0 && h > 0;
    }
}
