using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens;

/// <summary>A growing run of bytes, reused from call to call. Stops at a limit and says so, instead of growing without bound.</summary>
internal sealed class ByteBuffer(int initialBytes = 1024)
{
    /// <summary>No text, however normalized, becomes longer than this.</summary>
    public const int MaxBytes = 256 << 20;

    // What is kept from one call to the next.
    private const int KeptBytes = 1 << 20;

    private byte[] _bytes = new byte[initialBytes];

    public int Length { get; private set; }

    /// <summary>Whether something did not fit.</summary>
    public bool Overflowed { get; private set; }

    public ReadOnlySpan<byte> Span => _bytes.AsSpan(0, Length);

    public void Clear()
    {
        (Length, Overflowed) = (0, false);
        if (_bytes.Length > KeptBytes)
        {
            _bytes = new byte[KeptBytes];
        }
    }

    public void Append(ReadOnlySpan<byte> bytes)
    {
        if (Reserve(bytes.Length))
        {
            bytes.CopyTo(_bytes.AsSpan(Length));
            Length += bytes.Length;
        }
    }

    public void AppendCodePoint(int codePoint)
    {
        if (Reserve(4))
        {
            Length += Utf8Text.Write(codePoint, _bytes.AsSpan(Length));
        }
    }

    private bool Reserve(int more)
    {
        var needed = (long)Length + more;
        if (needed > MaxBytes)
        {
            Overflowed = true;
            return false;
        }

        if (needed > _bytes.Length)
        {
            Array.Resize(ref _bytes, (int)Math.Min(MaxBytes, Math.Max(needed, 2L * _bytes.Length)));
        }

        return true;
    }
}
