using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>Chat messages: flattened for llm-d, re-marshalled for GAIE.</summary>
public static partial class ApproxPrefixHasher
{
    private static void HashGaie(RequestScanner scan, BodyBuffer body, ref BlockChain chain)
    {
        if (scan.EffectiveApi == RequestApi.Completions && scan.Prompt.Kind == JsonKind.Text)
        {
            Text(body, scan.Prompt, ref chain);
        }
        else if (scan.EffectiveApi == RequestApi.ChatCompletions)
        {
            GaieMessages(body, scan.Messages, ref chain);
        }
        else if (scan.IsVllmGrpc)
        {
            Grpc(body, scan.GrpcPrompt, ref chain);
        }
        else
        {
            return;
        }

        chain.EndPrompt();
    }

    private static void Messages(BodyBuffer body, JsonField messages, ref BlockChain chain)
    {
        var reader = new BodyReader(body, messages);
        reader.Read();
        while (!chain.IsFull && reader.NextElement())
        {
            var (role, content) = Message(ref reader);
            Text(body, role, ref chain);
            Text(body, content, ref chain);
            if (content.Kind == JsonKind.List)
            {
                Blocks(body, content, ref chain);
            }
        }
    }

    private static (JsonField Role, JsonField Content) Message(ref BodyReader reader)
    {
        if (reader.Peek() != '{')
        {
            reader.SkipValue();
            return default;
        }

        JsonField role = default, content = default;
        reader.Read();
        while (reader.NextMember(out var key))
        {
            if (key.SequenceEqual("role"u8))
            {
                KeepUnlessNull(ref role, reader.ReadField());
            }
            else if (key.SequenceEqual("content"u8))
            {
                content = reader.ReadField();
            }
            else
            {
                reader.SkipValue();
            }
        }

        return (role, content);
    }

    private static void Blocks(BodyBuffer body, JsonField content, ref BlockChain chain)
    {
        var reader = new BodyReader(body, content);
        reader.Read();
        while (!chain.IsFull && reader.NextElement())
        {
            var block = Block.Read(ref reader);
            switch (block.Type(body))
            {
                case BlockType.Text:
                    Text(body, block.Text, ref chain);
                    break;
                case BlockType.Image:
                    Media.Image(body, block.Image, ref chain);
                    break;
                case BlockType.Video:
                    Media.Video(body, block.Video, ref chain);
                    break;
                case BlockType.Audio:
                    Media.Audio(body, block.AudioData, block.AudioFormat, ref chain);
                    break;
            }
        }
    }

    private static void GaieMessages(BodyBuffer body, JsonField messages, ref BlockChain chain)
    {
        var reader = new BodyReader(body, messages);
        reader.Read();
        chain.Write("["u8);
        for (var i = 0; !chain.IsFull && reader.NextElement(); i++)
        {
            var (role, content) = Message(ref reader);
            chain.Write(i == 0 ? "{"u8 : ",{"u8);
            var isFirst = true;
            Member(body, "\"role\":"u8, role, ref isFirst, ref chain);
            chain.Write(isFirst ? "\"content\":"u8 : ",\"content\":"u8);
            GaieContent(body, content, ref chain);
            chain.Write("}"u8);
        }

        chain.Write("]"u8);
    }

    private static void GaieContent(BodyBuffer body, JsonField content, ref BlockChain chain)
    {
        if (content.Kind == JsonKind.Text)
        {
            Json(body, content, ref chain);
            return;
        }

        if (content.Kind != JsonKind.List)
        {
            chain.Write("\"\""u8);
            return;
        }

        var reader = new BodyReader(body, content);
        reader.Read();
        chain.Write("["u8);
        for (var i = 0; !chain.IsFull && reader.NextElement(); i++)
        {
            var block = Block.Read(ref reader);
            chain.Write(i == 0 ? "{\"type\":"u8 : ",{\"type\":"u8);
            if (block.TypeName.Kind == JsonKind.Text)
            {
                Json(body, block.TypeName, ref chain);
            }
            else
            {
                chain.Write("\"\""u8);
            }

            var isFirst = false;
            Member(body, "\"text\":"u8, block.Text, ref isFirst, ref chain);
            chain.Write(",\"image_url\":{"u8);
            isFirst = true;
            Member(body, "\"url\":"u8, block.Image, ref isFirst, ref chain);
            chain.Write("}}"u8);
        }

        chain.Write("]"u8);
    }

    private enum BlockType
    {
        Other,
        Text,
        Image,
        Video,
        Audio,
    }

    /// <summary>Places of one content block's values; missing and empty ones are <see cref="JsonKind.None"/>.</summary>
    private struct Block
    {
        public JsonField TypeName;
        public JsonField Text;
        public JsonField Image;
        public JsonField Video;
        public JsonField AudioData;
        public JsonField AudioFormat;

        /// <summary>Takes a block.</summary>
        public static Block Read(ref BodyReader reader)
        {
            var block = default(Block);
            if (reader.Peek() != '{')
            {
                reader.SkipValue();
                return block;
            }

            reader.Read();
            while (reader.NextMember(out var key))
            {
                if (key.SequenceEqual("type"u8))
                {
                    KeepUnlessNull(ref block.TypeName, reader.ReadField());
                }
                else if (key.SequenceEqual("text"u8))
                {
                    KeepUnlessNull(ref block.Text, reader.ReadField());
                }
                else if (key.SequenceEqual("image_url"u8))
                {
                    ReadInside(ref reader, "url"u8, ref block.Image, default, ref block.Image);
                }
                else if (key.SequenceEqual("video_url"u8))
                {
                    ReadInside(ref reader, "url"u8, ref block.Video, default, ref block.Video);
                }
                else if (key.SequenceEqual("input_audio"u8))
                {
                    ReadInside(ref reader, "data"u8, ref block.AudioData, "format"u8, ref block.AudioFormat);
                }
                else
                {
                    reader.SkipValue();
                }
            }

            return block;
        }

        public readonly BlockType Type(BodyBuffer body)
        {
            if (TypeName.Kind != JsonKind.Text)
            {
                return BlockType.Other;
            }

            var reader = new BodyReader(body, TypeName);
            reader.Read();
            var name = reader.ReadName();
            return name.SequenceEqual("text"u8) ? BlockType.Text
                : name.SequenceEqual("image_url"u8) ? BlockType.Image
                : name.SequenceEqual("video_url"u8) ? BlockType.Video
                : name.SequenceEqual("input_audio"u8) ? BlockType.Audio
                : BlockType.Other;
        }

        private static void ReadInside(
            ref BodyReader reader, scoped ReadOnlySpan<byte> name1, ref JsonField place1, scoped ReadOnlySpan<byte> name2, ref JsonField place2)
        {
            if (reader.Peek() != '{')
            {
                reader.SkipValue();
                return;
            }

            reader.Read();
            while (reader.NextMember(out var key))
            {
                if (key.SequenceEqual(name1))
                {
                    KeepUnlessNull(ref place1, reader.ReadField());
                }
                else if (!name2.IsEmpty && key.SequenceEqual(name2))
                {
                    KeepUnlessNull(ref place2, reader.ReadField());
                }
                else
                {
                    reader.SkipValue();
                }
            }
        }
    }
}
