using Epp.Native.Wire;

namespace Epp.Native.Requests;

/// <summary>
/// Reads the token counts in the gRPC frames of a vLLM engine's answer as they pass by (contract §3.6): <c>GenerateResponse{chunk = 1,
/// complete = 2}</c>, <c>EmbedResponse</c>. Frames may be cut anywhere; nothing of them is held. Not thread-safe; reused.
/// </summary>
internal sealed class VllmGrpcUsage
{
    private const int FrameHeadBytes = 5;

    private bool _isEmbed;
    private Step _step;
    private int _headBytes;
    private byte _flag;
    private uint _left;
    private ulong _varint;
    private int _shift;
    private int _field;
    private long _skip;
    private int _inside;
    private long _insideLeft;
    private long _prompt;
    private long _completion;
    private long _cached;

    /// <summary>What the next byte is.</summary>
    private enum Step : byte
    {
        /// <summary>One of a frame's first five.</summary>
        Head = 0,
        Tag,
        Value,
        Length,

        /// <summary>Of a field that is not looked at.</summary>
        Skip,

        /// <summary>Of a frame that cannot be read.</summary>
        Drop,

        /// <summary>Of a body that is no gRPC.</summary>
        Foreign,
    }

    /// <summary>The counts so far.</summary>
    public TokenUsage Usage { get; private set; } = TokenUsage.None;

    /// <summary>True when a frame was compressed, cut off or no message.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Forgets the last answer.</summary>
    public void Reset(bool isEmbed)
    {
        _isEmbed = isEmbed;
        Usage = TokenUsage.None;
        IsMalformed = false;
        BeginFrame();
    }

    /// <summary>Reads the next bytes of the answer.</summary>
    public void Feed(ReadOnlySpan<byte> chunk)
    {
        while (!chunk.IsEmpty && _step != Step.Foreign)
        {
            var used = 1;
            switch (_step)
            {
                case Step.Head:
                    Head(chunk[0]);
                    break;
                case Step.Skip or Step.Drop:
                    used = (int)Math.Min(_step == Step.Drop ? _left : _skip, chunk.Length);
                    Pass(used);
                    break;
                default:
                    Varint(chunk[0]);
                    break;
            }

            chunk = chunk[used..];
        }
    }

    /// <summary>Ends the answer.</summary>
    public void Complete() => IsMalformed |= _step != Step.Foreign && (_step != Step.Head || _headBytes > 0);

    private void BeginFrame()
    {
        _step = Step.Head;
        (_headBytes, _left) = (0, 0);
        (_prompt, _completion, _cached) = (0, 0, 0);
        (_inside, _insideLeft) = (0, 0);
        (_varint, _shift) = (0, 0);
    }

    private void Head(byte next)
    {
        if (_headBytes++ == 0)
        {
            _flag = next;
            if (next > 1)
            {
                _step = Step.Foreign;
            }

            return;
        }

        _left = (_left << 8) | next;
        if (_headBytes == FrameHeadBytes)
        {
            IsMalformed |= _flag != 0;
            _step = _flag != 0 ? Step.Drop : Step.Tag;
            EndIfOver();
        }
    }

    private void Pass(int bytes)
    {
        _left -= (uint)bytes;
        if (_step == Step.Skip)
        {
            _skip -= bytes;
            _insideLeft -= bytes;
            if (_skip == 0)
            {
                EndField();
            }
        }
        else
        {
            EndIfOver();
        }
    }

    private void Varint(byte next)
    {
        _left--;
        _insideLeft--;
        _varint |= _shift < 64 ? (ulong)(next & 0x7F) << _shift : 0;
        _shift += 7;
        if (next < 0x80)
        {
            var value = _varint;
            (_varint, _shift) = (0, 0);
            Take(value);
        }
        else if (_shift >= 70 || _left == 0 || (_inside != 0 && _insideLeft == 0))
        {
            GiveUp();
        }
    }

    private void Take(ulong value)
    {
        if (_step == Step.Tag)
        {
            _field = (int)(value >> 3);
            _step = (int)(value & 7) switch { ProtoReader.Varint => Step.Value, ProtoReader.Bytes => Step.Length, _ => Step.Skip };
            _skip = (int)(value & 7) switch { ProtoReader.Fixed64 => 8, ProtoReader.Fixed32 => 4, _ => 0 };
            if (value >> 3 is 0 or > 0x1FFFFFFF || (_step == Step.Skip && _skip == 0) || _skip > Room || Room == 0)
            {
                GiveUp();
            }
        }
        else if (_step == Step.Value)
        {
            Count(_inside, _field, (uint)value);
            EndField();
        }
        else if (value > (ulong)Room)
        {
            GiveUp();
        }
        else
        {
            Enter((long)value);
        }
    }

    /// <summary>Bytes left of the message that is read.</summary>
    private long Room => _inside != 0 ? _insideLeft : _left;

    private void Enter(long length)
    {
        if (!_isEmbed && _inside == 0 && _field is 1 or 2)
        {
            // One of the two is set; the last one counts.
            _inside = _field;
            _insideLeft = length;
            (_prompt, _completion, _cached) = (0, 0, 0);
            _step = Step.Tag;
            LeaveIfOver();
            return;
        }

        _skip = length;
        _step = Step.Skip;
        if (length == 0)
        {
            EndField();
        }
    }

    private void Count(int inside, int field, uint value)
    {
        switch (inside, field)
        {
            case (0, 2) when _isEmbed:
            case (1, 2) or (2, 3):
                _prompt = value;
                break;
            case (1, 3) or (2, 4):
                _completion = value;
                break;
            case (1, 4) or (2, 5):
                _cached = value;
                break;
        }
    }

    private void EndField()
    {
        _step = Step.Tag;
        LeaveIfOver();
    }

    private void LeaveIfOver()
    {
        if (_inside != 0 && _insideLeft == 0)
        {
            _inside = 0;
        }

        EndIfOver();
    }

    private void EndIfOver()
    {
        if (_left > 0)
        {
            return;
        }

        if (_step == Step.Tag && (_prompt > 0 || _completion > 0))
        {
            Usage = Usage.Then(_isEmbed ? new TokenUsage(_prompt, 0, -1, -1) : new TokenUsage(_prompt, _completion, -1, _cached));
        }

        BeginFrame();
    }

    private void GiveUp()
    {
        IsMalformed = true;
        _step = Step.Drop;
        EndIfOver();
    }
}
