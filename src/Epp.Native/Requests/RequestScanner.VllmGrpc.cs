using System.Buffers.Binary;
using System.Globalization;
using Epp.Native.Memory;
using Epp.Native.Wire;

namespace Epp.Native.Requests;

/// <content>
/// Bodies of <c>vllm.grpc.engine.VllmEngine</c> (contract §3.3): one gRPC frame with a <c>GenerateRequest</c> or an <c>EmbedRequest</c>. They
/// are read where they lie once they are whole; they name no model.
/// </content>
public sealed partial class RequestScanner
{
    /// <summary>Most token ids of one prompt; several times the longest context of any engine.</summary>
    public const int MaxPromptTokens = 1 << 24;

    /// <summary>Bytes of a gRPC frame before its message: the flag of compression and the length.</summary>
    private const int FrameHeadBytes = 5;

    /// <summary>True for the APIs whose bodies are gRPC frames of vLLM.</summary>
    public bool IsVllmGrpc => Api is RequestApi.VllmGrpcGenerate or RequestApi.VllmGrpcEmbed;

    /// <summary>The prompt of a gRPC body.</summary>
    public VllmGrpcPrompt GrpcPrompt { get; private set; }

    /// <summary>As <see cref="Complete()"/>, for every API; <paramref name="body"/> holds what was fed.</summary>
    public bool Complete(BodyBuffer body)
    {
        if (!IsVllmGrpc)
        {
            return Complete();
        }

        Span<byte> head = stackalloc byte[FrameHeadBytes];
        if (body.Length < FrameHeadBytes)
        {
            return Require(false, "invalid or unsupported gRPC payload");
        }

        body.CopyTo(0, head);
        var length = BinaryPrimitives.ReadUInt32BigEndian(head[1..]);
        return Require(head[0] == 0 && length <= body.Length - FrameHeadBytes, "invalid or unsupported gRPC payload")
            && ReadGrpc(body, FrameHeadBytes, FrameHeadBytes + (int)length);
    }

    private bool ReadGrpc(BodyBuffer body, int start, int end)
    {
        Stream = false;
        _maxTokens = -1;
        _elements = 0;
        GrpcPrompt = default;
        var isEmbed = Api == RequestApi.VllmGrpcEmbed;
        var reader = new BodyProtoReader(body, start, end);
        while (reader.Next())
        {
            switch (reader.Field)
            {
                case 2 when reader.WireType == ProtoReader.Bytes:
                    // The last of the two inputs counts, and follows its own kind.
                    GrpcPrompt = new VllmGrpcPrompt(false, GrpcPrompt is { IsText: false, Start: > 0 } ? GrpcPrompt.Start : reader.FieldStart, end, GrpcPrompt.IsAltered);
                    break;
                case 3 when reader.WireType == ProtoReader.Bytes && !isEmbed:
                    GrpcPrompt = new VllmGrpcPrompt(true, reader.Start, reader.End, GrpcPrompt.IsAltered);
                    break;
                case 4 when reader.WireType == ProtoReader.Bytes && !isEmbed:
                    if (!ReadSampling(body, reader.Start, reader.End))
                    {
                        return Malformed(isEmbed);
                    }

                    break;
                case 5 when reader.WireType == ProtoReader.Varint && !isEmbed:
                    Stream = reader.Value != 0;
                    break;
                case 7 when reader.WireType == ProtoReader.Bytes && !isEmbed && reader.End > reader.Start:
                    GrpcPrompt = GrpcPrompt.Altered();
                    break;
            }
        }

        return !reader.Failed ? CheckGrpcPrompt(body, isEmbed) : Malformed(isEmbed);
    }

    private bool CheckGrpcPrompt(BodyBuffer body, bool isEmbed)
    {
        if (GrpcPrompt.Start == 0)
        {
            return Require(false, isEmbed ? "missing tokenized input in EmbedRequest" : "not supported request inputType");
        }

        if (GrpcPrompt.IsText)
        {
            return true;
        }

        var ids = new VllmGrpcIdReader(body, GrpcPrompt);
        while (_elements <= MaxPromptTokens && ids.TryRead(out _))
        {
            _elements++;
        }

        HasPromptTokenIds = _elements > 0;
        return ids.Failed
            ? Malformed(isEmbed)
            : _elements <= MaxPromptTokens || Require(false, string.Create(CultureInfo.InvariantCulture, $"more than {MaxPromptTokens} token ids"));
    }

    // SamplingParams { optional uint32 max_tokens = 8; optional int32 truncate_prompt_tokens = 27 }
    private bool ReadSampling(BodyBuffer body, int start, int end)
    {
        var reader = new BodyProtoReader(body, start, end);
        while (reader.Next())
        {
            if (reader is { Field: 8, WireType: ProtoReader.Varint })
            {
                _maxTokens = (uint)reader.Value;
            }
            else if (reader is { Field: 27, WireType: ProtoReader.Varint })
            {
                GrpcPrompt = GrpcPrompt.Altered();
            }
        }

        return !reader.Failed;
    }

    private bool Malformed(bool isEmbed) =>
        Require(false, isEmbed ? "unmarshaling EmbedRequest: proto: cannot parse invalid wire-format data" : "unmarshaling GenerateRequest: proto: cannot parse invalid wire-format data");
}
