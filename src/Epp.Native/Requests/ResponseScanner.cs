namespace Epp.Native.Requests;

/// <summary>
/// Finds the token counts in a response that passes by (contract §3.6): a JSON document, server-sent events, or gRPC frames. Chunks may be split
/// anywhere; an event is only read as JSON when it may hold counts. What is malformed is ignored and flagged. Allocates nothing per
/// chunk; holds at most <see cref="MaxHeldBytes"/> of an unfinished line. Not thread-safe; reused through <see cref="Reset"/>.
/// </summary>
public sealed class ResponseScanner
{
    /// <summary>Bytes of an unfinished line that are kept to look at it as a whole; longer lines are read as they come.</summary>
    public const int MaxHeldBytes = 16384;

    private const int FirstHeldBytes = 512;

    private readonly UsageDocument _document = new();
    private VllmGrpcUsage? _frames;
    private bool _isFramed;
    private byte[] _held = [];
    private int _heldLength;
    private bool _isStream;
    private RequestApi _api;
    private LongLine _long;

    private enum LongLine : byte
    {
        No,
        Ignored,
        Read,
    }

    /// <summary>The counts found so far.</summary>
    public TokenUsage Usage { get; private set; } = TokenUsage.None;

    /// <summary>True when a usage block was of the wrong type or held something that is not a count.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Events seen, the final <c>[DONE]</c> not among them; 0 where the response is no stream.</summary>
    public int Events { get; private set; }

    /// <summary>True once <c>data: [DONE]</c> went by.</summary>
    public bool IsDone { get; private set; }

    /// <summary>Forgets the last response.</summary>
    /// <param name="api">API of the request.</param>
    /// <param name="isStream">True for <c>text/event-stream</c>.</param>
    public void Reset(RequestApi api, bool isStream)
    {
        _api = api;
        _isStream = isStream;
        _heldLength = 0;
        _long = LongLine.No;
        Usage = TokenUsage.None;
        IsMalformed = false;
        IsDone = false;
        Events = 0;
        _isFramed = api is RequestApi.VllmGrpcGenerate or RequestApi.VllmGrpcEmbed;
        if (_isFramed)
        {
            (_frames ??= new VllmGrpcUsage()).Reset(api == RequestApi.VllmGrpcEmbed);
        }

        _document.Begin();
        if (_held.Length > FirstHeldBytes)
        {
            _held = [];
        }
    }

    /// <summary>Reads the next bytes of the response.</summary>
    public void Feed(ReadOnlySpan<byte> chunk)
    {
        if (_isFramed)
        {
            _frames!.Feed(chunk);
            return;
        }

        if (!_isStream)
        {
            _document.Feed(chunk);
            return;
        }

        while (!chunk.IsEmpty)
        {
            var n = chunk.IndexOf((byte)'\n');
            if (n < 0)
            {
                Hold(chunk);
                return;
            }

            if (_heldLength == 0 && _long == LongLine.No)
            {
                Line(chunk[..n]);
            }
            else
            {
                Hold(chunk[..n]);
                EndHeld();
            }

            chunk = chunk[(n + 1)..];
        }
    }

    /// <summary>Ends the response; a last line without a line feed counts.</summary>
    public void Complete()
    {
        if (_isFramed)
        {
            _frames!.Complete();
            (Usage, IsMalformed) = (_frames.Usage, _frames.IsMalformed);
        }
        else if (_isStream)
        {
            EndHeld();
        }
        else
        {
            EndDocument();
        }
    }

    private void Hold(ReadOnlySpan<byte> bytes)
    {
        if (_long == LongLine.No && _heldLength + bytes.Length <= MaxHeldBytes)
        {
            if (_held.Length < _heldLength + bytes.Length)
            {
                Array.Resize(ref _held, Math.Clamp((_heldLength + bytes.Length) * 2, FirstHeldBytes, MaxHeldBytes));
            }

            bytes.CopyTo(_held.AsSpan(_heldLength));
            _heldLength += bytes.Length;
            return;
        }

        if (_long == LongLine.No)
        {
            BeginLong(bytes);
        }
        else if (_long == LongLine.Read)
        {
            _document.Feed(bytes);
        }
    }

    private void BeginLong(ReadOnlySpan<byte> bytes)
    {
        // What is held may be shorter than the prefix; one more copy of its few bytes settles that.
        Span<byte> start = stackalloc byte[Prefix.Length];
        var n = Math.Min(_heldLength, start.Length);
        _held.AsSpan(0, n).CopyTo(start);
        bytes[..Math.Min(bytes.Length, start.Length - n)].CopyTo(start[n..]);
        _long = start.SequenceEqual(Prefix) ? LongLine.Read : LongLine.Ignored;
        if (_long == LongLine.Read)
        {
            Events++;
            _document.Begin();
            _document.Feed(_held.AsSpan(n, _heldLength - n));
            _document.Feed(bytes[(start.Length - n)..]);
        }

        _heldLength = 0;
    }

    private void EndHeld()
    {
        if (_long == LongLine.Read)
        {
            EndDocument();
        }
        else if (_long == LongLine.No && _heldLength > 0)
        {
            Line(_held.AsSpan(0, _heldLength));
        }

        _long = LongLine.No;
        _heldLength = 0;
    }

    private static ReadOnlySpan<byte> Prefix => "data:"u8;

    private void Line(ReadOnlySpan<byte> line)
    {
        if (!line.StartsWith(Prefix))
        {
            return;
        }

        line = line[Prefix.Length..].Trim(" \r"u8);
        if (line.SequenceEqual("[DONE]"u8))
        {
            IsDone = true;
            return;
        }

        Events++;
        if (line.IndexOf(_api == RequestApi.SglangGenerate ? "meta_info"u8 : "usage"u8) >= 0)
        {
            _document.Begin();
            _document.Feed(line);
            EndDocument();
        }
    }

    private void EndDocument()
    {
        if (_document.TryEnd(_api, _isStream, out var usage))
        {
            Usage = Usage.Then(usage);
        }

        IsMalformed |= _document.IsMalformed;
    }
}
