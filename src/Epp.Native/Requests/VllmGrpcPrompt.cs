using Epp.Native.Memory;
using Epp.Native.Wire;

namespace Epp.Native.Requests;

/// <summary>
/// Where the prompt lies in the body of a <c>vllm.grpc.engine</c> request (contract §3.3): a text, or the fields that hold its token ids.
/// </summary>
public readonly struct VllmGrpcPrompt(bool isText, int start, int end, bool isAltered)
{
    /// <summary>True where the prompt is a text.</summary>
    public bool IsText => isText;

    /// <summary>First byte of the text; of the first field with ids. 0 = there is no prompt.</summary>
    public int Start => start;

    /// <summary>The byte behind the text; behind the message that holds the fields.</summary>
    public int End => end;

    /// <summary>True where the engine computes other ids than these: it cuts the prompt, or puts images into it.</summary>
    public bool IsAltered => isAltered;

    /// <summary>Bytes of the text.</summary>
    public int TextBytes => isText ? end - start : 0;

    /// <summary>The same prompt, which the engine alters.</summary>
    internal VllmGrpcPrompt Altered() => new(isText, start, end, isAltered: true);
}

/// <summary>
/// Walks the token ids of a prompt: <c>input_ids = 2</c>, packed or not, of every <c>tokenized = 2</c>, as protobuf merges them. Ends where
/// the body is malformed.
/// </summary>
internal ref struct VllmGrpcIdReader
{
    private readonly BodyBuffer _body;
    private BodyProtoReader _request;
    private BodyProtoReader _tokenized;
    private BodyProtoReader _packed;

    public VllmGrpcIdReader(BodyBuffer body, in VllmGrpcPrompt prompt)
    {
        _body = body;
        _request = new BodyProtoReader(body, prompt.Start, prompt.End);
        _tokenized = new BodyProtoReader(body, prompt.End, prompt.End);
        _packed = _tokenized;
    }

    /// <summary>True once the body proved malformed.</summary>
    public readonly bool Failed => _request.Failed || _tokenized.Failed || _packed.Failed;

    /// <summary>The next id.</summary>
    public bool TryRead(out uint id)
    {
        id = 0;
        while (!Failed)
        {
            if (!_packed.IsAtEnd)
            {
                var known = _packed.TryVarint(out var value);
                id = (uint)value;
                return known;
            }

            if (_tokenized.Next())
            {
                if (_tokenized is { Field: 2, WireType: ProtoReader.Varint })
                {
                    id = (uint)_tokenized.Value;
                    return true;
                }

                if (_tokenized is { Field: 2, WireType: ProtoReader.Bytes })
                {
                    _packed = new BodyProtoReader(_body, _tokenized.Start, _tokenized.End);
                }
            }
            else if (!_tokenized.Failed)
            {
                if (!_request.Next())
                {
                    return false;
                }

                if (_request is { Field: 2, WireType: ProtoReader.Bytes })
                {
                    _tokenized = new BodyProtoReader(_body, _request.Start, _request.End);
                }
            }
        }

        return false;
    }
}
