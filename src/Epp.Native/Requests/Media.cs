using Epp.Hashing;
using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>
/// Images, videos and sounds in an estimated prompt (plugins §5.1): aligned to a token, then as many copies of the low 32 bits of
/// XXH64(reference) as the engine is thought to spend tokens. The counts are the estimate backend's defaults.
/// </summary>
internal static class Media
{
    /// <summary>Tokens of an image of unknown size: 640 × 360 / 1024.</summary>
    private const int UnknownImageTokens = 225;

    /// <summary>Pixels of one token.</summary>
    private const int TokenPixels = 1024;

    /// <summary>10 s at 2 frames/s of 640 × 360 pixels.</summary>
    private const int VideoTokens = 20 * UnknownImageTokens;

    /// <summary>Template tokens of a sound; 12.5 tokens/s come on top.</summary>
    private const int SoundBaseTokens = 14;

    /// <summary>128 kbit/s turns bytes into seconds.</summary>
    private const int SoundBytesPerSecond = 16000;

    /// <summary>Most tokens of one item, whatever its header claims.</summary>
    private const int MaxTokens = 1 << 20;

    [ThreadStatic]
    private static byte[]? _buffer;

    /// <summary>An image by URL; data URLs are looked into for the size.</summary>
    public static void Image(BodyBuffer body, JsonField url, ref BlockChain chain)
    {
        var count = UnknownImageTokens;
        if (TryDataUrlSize(body, url, out var width, out var height))
        {
            count = Tokens(width, height);
        }

        Write(Hash(body, url, default), count, ref chain);
    }

    /// <summary>An image by its base64 text.</summary>
    public static void ImageData(BodyBuffer body, JsonField data, ref BlockChain chain)
    {
        var buffer = Buffer();
        var text = Beginning(body, data, buffer.AsSpan(ImageSize.MaxBytes));
        var known = ImageSize.TryRead(text, buffer.AsSpan(0, ImageSize.MaxBytes), out var width, out var height);
        Write(Hash(body, data, default), known ? Tokens(width, height) : UnknownImageTokens, ref chain);
    }

    /// <summary>A video by URL.</summary>
    public static void Video(BodyBuffer body, JsonField url, ref BlockChain chain) => Write(Hash(body, url, default), VideoTokens, ref chain);

    /// <summary>A sound in the request.</summary>
    public static void Audio(BodyBuffer body, JsonField data, JsonField format, ref BlockChain chain)
    {
        var bytes = Math.Max(0, data.Length - 2) / 4 * 3;
        var seconds = bytes > 0 ? (double)bytes / SoundBytesPerSecond : 10;
        Write(Hash(body, data, format), SoundBaseTokens + (int)(12.5 * seconds), ref chain);
    }

    private static int Tokens(int width, int height) => (int)Math.Clamp((long)width * height / TokenPixels, 1, MaxTokens);

    private static void Write(ulong hash, int count, ref BlockChain chain)
    {
        chain.Align();
        for (var i = 0; i < count && !chain.IsFull; i++)
        {
            chain.WriteToken((uint)hash);
        }
    }

    private static ulong Hash(BodyBuffer body, JsonField first, JsonField second)
    {
        var hash = new XxHash64(0);
        Append(body, first, ref hash);
        Append(body, second, ref hash);
        return hash.Digest();
    }

    private static void Append(BodyBuffer body, JsonField field, ref XxHash64 hash)
    {
        if (field.Kind != JsonKind.Text)
        {
            return;
        }

        var reader = new BodyReader(body, field);
        reader.Read();
        while (reader.NextText(out var part))
        {
            hash.Append(part);
        }
    }

    private static bool TryDataUrlSize(BodyBuffer body, JsonField url, out int width, out int height)
    {
        width = height = 0;
        Span<byte> prefix = stackalloc byte[11];
        if (url.Kind != JsonKind.Text || !Beginning(body, url, prefix).SequenceEqual("data:image/"u8))
        {
            return false;
        }

        var buffer = Buffer();
        var text = Beginning(body, url, buffer.AsSpan(ImageSize.MaxBytes));
        var at = text.IndexOf("base64,"u8);
        return at >= 0 && ImageSize.TryRead(text[(at + 7)..], buffer.AsSpan(0, ImageSize.MaxBytes), out width, out height);
    }

    /// <summary>The first bytes of a string, unescaped, as many as fit.</summary>
    private static ReadOnlySpan<byte> Beginning(BodyBuffer body, JsonField field, Span<byte> buffer)
    {
        var reader = new BodyReader(body, field);
        reader.Read();
        var length = 0;
        while (length < buffer.Length && reader.NextText(out var part))
        {
            var n = Math.Min(part.Length, buffer.Length - length);
            part[..n].CopyTo(buffer[length..]);
            length += n;
        }

        return buffer[..length];
    }

    /// <summary>Room for the decoded beginning of an image and, behind it, its base64 text.</summary>
    private static byte[] Buffer() => _buffer ??= new byte[ImageSize.MaxBytes + (ImageSize.MaxBytes / 3 * 4) + 64];
}
