using System.Buffers.Text;

namespace Epp.Native.Templates.Writing;

/// <summary>
/// The prompt as it grows, and every text being built: what is written behind a mark is cut off again as a value. Beyond its limit it
/// drops what is written and says so. Reused; not thread-safe.
/// </summary>
internal sealed class TextBuffer
{
    /// <summary>Kept between renderings.</summary>
    private const int KeptBytes = 4 << 20;

    private byte[] _bytes = new byte[8192];
    private int _limit = int.MaxValue;

    public int Length { get; private set; }

    public bool Overflowed { get; private set; }

    public ReadOnlySpan<byte> Written => _bytes.AsSpan(0, Length);

    public void Reset(int limit)
    {
        if (_bytes.Length > KeptBytes)
        {
            _bytes = new byte[8192];
        }

        _limit = limit;
        Length = 0;
        Overflowed = false;
    }

    public ReadOnlySpan<byte> From(int mark) => _bytes.AsSpan(mark, Length - mark);

    public void CutTo(int mark) => Length = Math.Min(mark, Length);

    public void Write(ReadOnlySpan<byte> text)
    {
        if (TryReserve(text.Length))
        {
            text.CopyTo(_bytes.AsSpan(Length));
            Length += text.Length;
        }
    }

    public void WriteByte(byte c)
    {
        if (TryReserve(1))
        {
            _bytes[Length++] = c;
        }
    }

    public void Repeat(byte c, int count)
    {
        if (count > 0 && TryReserve(count))
        {
            _bytes.AsSpan(Length, count).Fill(c);
            Length += count;
        }
    }

    public void WriteInt(long value)
    {
        if (TryReserve(20) && Utf8Formatter.TryFormat(value, _bytes.AsSpan(Length), out var written))
        {
            Length += written;
        }
    }

    /// <summary>Appends what is already written, so that no copy outside is needed.</summary>
    public void WriteFrom(int start, int length)
    {
        if (TryReserve(length))
        {
            _bytes.AsSpan(start, length).CopyTo(_bytes.AsSpan(Length));
            Length += length;
        }
    }

    private bool TryReserve(int count)
    {
        if (count > _limit - Length)
        {
            Overflowed = true;
            return false;
        }

        if (_bytes.Length - Length < count)
        {
            Array.Resize(ref _bytes, (int)Math.Min(Array.MaxLength, Math.Max((long)_bytes.Length * 2, (long)Length + count)));
        }

        return true;
    }
}
