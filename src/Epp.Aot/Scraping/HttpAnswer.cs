using System.Buffers.Text;

namespace Epp.Aot.Scraping;

/// <summary>How far a received answer got.</summary>
internal enum HttpProgress
{
    NeedMore = 0,
    Complete,
    Malformed,
}

/// <summary>
/// An HTTP/1.x answer in a buffer (RFC 9112): status line, Content-Length, chunked or until close. Parsed from the start whenever bytes
/// were added; nothing is changed until the answer is complete, then chunks are joined in place. Never throws.
/// </summary>
internal readonly record struct HttpAnswer(int Status, int BodyStart, int BodyLength, bool KeepAlive, int End)
{
    /// <summary>Chunks of one answer: every added byte walks them again, so an answer of tiny ones must not be endless.</summary>
    private const int MaxChunks = 16384;

    /// <param name="buffer">Everything received for this answer.</param>
    /// <param name="closed">True when the peer has closed: no more will come.</param>
    /// <param name="answer">Valid when complete.</param>
    public static HttpProgress Parse(Span<byte> buffer, bool closed, out HttpAnswer answer)
    {
        answer = default;
        var start = 0;
        while (true)
        {
            var headLength = buffer[start..].IndexOf("\r\n\r\n"u8);
            if (headLength < 0)
            {
                return closed || buffer.Length - start > ScraperOptions.MaxHeadBytes ? HttpProgress.Malformed : HttpProgress.NeedMore;
            }

            if (headLength > ScraperOptions.MaxHeadBytes || !TryHead(buffer.Slice(start, headLength), out var head))
            {
                return HttpProgress.Malformed;
            }

            start += headLength + 4;
            if (head.Status >= 200)
            {
                return Body(buffer, start, head, closed, out answer);
            }
        }
    }

    private static HttpProgress Body(Span<byte> buffer, int start, in Head head, bool closed, out HttpAnswer answer)
    {
        answer = default;
        if (head.Status is 204 or 304)
        {
            answer = new HttpAnswer(head.Status, start, 0, head.KeepAlive, start);
            return HttpProgress.Complete;
        }

        if (head.Chunked)
        {
            return Chunks(buffer, start, head, closed, out answer);
        }

        if (head.Length < 0)
        {
            // Without a length the close ends the body.
            answer = new HttpAnswer(head.Status, start, buffer.Length - start, false, buffer.Length);
            return closed ? HttpProgress.Complete : HttpProgress.NeedMore;
        }

        if (head.Length > ScraperOptions.MaxBodyBytes)
        {
            return HttpProgress.Malformed;
        }

        var length = (int)head.Length;
        answer = new HttpAnswer(head.Status, start, length, head.KeepAlive, start + length);
        return buffer.Length - start >= length ? HttpProgress.Complete : closed ? HttpProgress.Malformed : HttpProgress.NeedMore;
    }

    private static HttpProgress Chunks(Span<byte> buffer, int start, in Head head, bool closed, out HttpAnswer answer)
    {
        answer = default;
        var more = closed ? HttpProgress.Malformed : HttpProgress.NeedMore;
        // The first pass only looks for the end: bytes may still be missing. The second one moves.
        for (var join = false; ; join = true)
        {
            var at = start;
            var length = 0;
            var chunks = 0;
            while (true)
            {
                var line = buffer[at..].IndexOf("\r\n"u8);
                if (line < 0)
                {
                    return buffer.Length - at > 1024 ? HttpProgress.Malformed : more;
                }

                if (!Utf8Parser.TryParse(buffer.Slice(at, line), out uint size, out var digits, 'x') || digits == 0 || size > ScraperOptions.MaxBodyBytes)
                {
                    return HttpProgress.Malformed;
                }

                at += line + 2;
                if (++chunks > MaxChunks)
                {
                    return HttpProgress.Malformed;
                }

                if (size == 0)
                {
                    break;
                }

                if (buffer.Length - at < size + 2)
                {
                    return more;
                }

                if (buffer[at + (int)size] != (byte)'\r' || buffer[at + (int)size + 1] != (byte)'\n')
                {
                    return HttpProgress.Malformed;
                }

                if (join)
                {
                    buffer.Slice(at, (int)size).CopyTo(buffer[(start + length)..]);
                }

                length += (int)size;
                at += (int)size + 2;
            }

            if (!TryTrailers(buffer, ref at))
            {
                return buffer.Length - at > ScraperOptions.MaxHeadBytes ? HttpProgress.Malformed : more;
            }

            if (join)
            {
                answer = new HttpAnswer(head.Status, start, length, head.KeepAlive, at);
                return HttpProgress.Complete;
            }
        }
    }

    private static bool TryTrailers(ReadOnlySpan<byte> buffer, ref int at)
    {
        while (true)
        {
            var line = buffer[at..].IndexOf("\r\n"u8);
            if (line < 0)
            {
                return false;
            }

            at += line + 2;
            if (line == 0)
            {
                return true;
            }
        }
    }

    private static bool TryHead(ReadOnlySpan<byte> text, out Head head)
    {
        head = default;
        var end = text.IndexOf("\r\n"u8);
        var status = end < 0 ? text : text[..end];
        if (status.Length < 12 || !status.StartsWith("HTTP/1."u8) || status[8] != (byte)' '
            || !Utf8Parser.TryParse(status.Slice(9, 3), out int code, out var used) || used != 3 || code < 100)
        {
            return false;
        }

        head = new Head { Status = code, Length = -1, KeepAlive = status[7] != (byte)'0' };
        while (end >= 0)
        {
            text = text[(end + 2)..];
            end = text.IndexOf("\r\n"u8);
            var line = end < 0 ? text : text[..end];
            var colon = line.IndexOf((byte)':');
            if (colon <= 0 || !head.Take(line[..colon], line[(colon + 1)..].Trim(" \t"u8)))
            {
                return false;
            }
        }

        return true;
    }

    private struct Head
    {
        public int Status;
        public long Length;
        public bool Chunked;
        public bool KeepAlive;

        /// <summary>Reads one header; false where its value makes the answer unreadable.</summary>
        public bool Take(ReadOnlySpan<byte> name, ReadOnlySpan<byte> value)
        {
            if (Is(name, "content-length"u8))
            {
                var ok = Utf8Parser.TryParse(value, out long length, out var used) && used == value.Length && length >= 0 && (Length < 0 || Length == length);
                Length = length;
                return ok;
            }

            if (Is(name, "transfer-encoding"u8))
            {
                Chunked = Is(value, "chunked"u8);
                return Chunked;
            }

            if (Is(name, "connection"u8))
            {
                KeepAlive = Is(value, "keep-alive"u8) || (KeepAlive && !Is(value, "close"u8));
            }

            return !Is(name, "content-encoding"u8) || Is(value, "identity"u8);
        }

        private static bool Is(ReadOnlySpan<byte> text, ReadOnlySpan<byte> lower) => System.Text.Ascii.EqualsIgnoreCase(text, lower);
    }
}
