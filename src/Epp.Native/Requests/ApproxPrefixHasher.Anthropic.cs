using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>Anthropic messages: system text, then turns of text, thoughts, images, tool calls and tool results.</summary>
public static partial class ApproxPrefixHasher
{
    private static void System(BodyBuffer body, JsonField system, ref BlockChain chain)
    {
        Text(body, system, ref chain);
        if (system.Kind == JsonKind.List)
        {
            TurnBlocks(body, system, isSystem: true, ref chain);
        }
    }

    private static void Turns(BodyBuffer body, JsonField messages, ref BlockChain chain)
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
                TurnBlocks(body, content, isSystem: false, ref chain);
            }
        }
    }

    private static void TurnBlocks(BodyBuffer body, JsonField content, bool isSystem, ref BlockChain chain)
    {
        var reader = new BodyReader(body, content);
        reader.Read();
        while (!chain.IsFull && reader.NextElement())
        {
            var block = TurnBlock.Read(ref reader);
            var type = TextOf(body, block.Type);
            if (type.SequenceEqual("text"u8))
            {
                // Claude's per-request billing line would give every request its own prefix.
                if (!isSystem || !StartsWith(body, block.Text, "x-anthropic-billing-header"u8))
                {
                    Text(body, block.Text, ref chain);
                }
            }
            else if (!isSystem)
            {
                TurnBlockOf(type, body, block, ref chain);
            }
        }
    }

    private static void TurnBlockOf(ReadOnlySpan<byte> type, BodyBuffer body, in TurnBlock block, ref BlockChain chain)
    {
        if (type.SequenceEqual("image"u8))
        {
            ImageSource(body, block.Source, ref chain);
        }
        else if (type.SequenceEqual("thinking"u8))
        {
            Text(body, block.Thinking, ref chain);
        }
        else if (type.SequenceEqual("tool_use"u8))
        {
            Text(body, block.Id, ref chain);
            Text(body, block.Name, ref chain);
            JsonTape.WriteRaw(body, block.Input, ref chain);
        }
        else if (type.SequenceEqual("tool_result"u8))
        {
            ToolResult(body, block.Content, ref chain);
        }
    }

    /// <summary>Texts joined by line feeds, then the images.</summary>
    private static void ToolResult(BodyBuffer body, JsonField content, ref BlockChain chain)
    {
        Text(body, content, ref chain);
        if (content.Kind != JsonKind.List)
        {
            return;
        }

        for (var pass = 0; pass < 2; pass++)
        {
            var texts = 0;
            var reader = new BodyReader(body, content);
            reader.Read();
            while (!chain.IsFull && reader.NextElement())
            {
                var block = TurnBlock.Read(ref reader);
                var type = TextOf(body, block.Type);
                if (pass == 0 && type.SequenceEqual("text"u8))
                {
                    chain.Write(texts++ == 0 ? default : "\n"u8);
                    Text(body, block.Text, ref chain);
                }
                else if (pass == 1 && type.SequenceEqual("image"u8))
                {
                    ImageSource(body, block.Source, ref chain);
                }
            }
        }
    }

    private static void ImageSource(BodyBuffer body, JsonField source, ref BlockChain chain)
    {
        if (source.Kind != JsonKind.Map)
        {
            return;
        }

        JsonField url = default, data = default;
        var reader = new BodyReader(body, source);
        reader.Read();
        while (reader.NextMember(out var key))
        {
            if (key.SequenceEqual("url"u8))
            {
                KeepUnlessNull(ref url, reader.ReadField());
            }
            else if (key.SequenceEqual("data"u8))
            {
                KeepUnlessNull(ref data, reader.ReadField());
            }
            else
            {
                reader.SkipValue();
            }
        }

        if (url.Kind == JsonKind.Text)
        {
            Media.Image(body, url, ref chain);
        }
        else if (data.Kind == JsonKind.Text)
        {
            Media.ImageData(body, data, ref chain);
        }
    }

    private static ReadOnlySpan<byte> TextOf(BodyBuffer body, JsonField field)
    {
        if (field.Kind != JsonKind.Text)
        {
            return default;
        }

        var reader = new BodyReader(body, field);
        reader.Read();
        return reader.ReadName();
    }

    private static bool StartsWith(BodyBuffer body, JsonField field, ReadOnlySpan<byte> prefix) =>
        field.Kind == JsonKind.Text && field.Length > prefix.Length + 1 && IsAt(body, field.Start + 1, prefix);

    private static bool IsAt(BodyBuffer body, int offset, ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var part = body.Slice(offset, bytes.Length);
            if (part.IsEmpty || !bytes.StartsWith(part))
            {
                return false;
            }

            bytes = bytes[part.Length..];
            offset += part.Length;
        }

        return true;
    }

    /// <summary>Places of one block's values; missing and empty ones are <see cref="JsonKind.None"/>.</summary>
    private struct TurnBlock
    {
        public JsonField Type;
        public JsonField Text;
        public JsonField Thinking;
        public JsonField Id;
        public JsonField Name;
        public JsonField Input;
        public JsonField Source;
        public JsonField Content;

        /// <summary>Takes a block.</summary>
        public static TurnBlock Read(ref BodyReader reader)
        {
            var block = default(TurnBlock);
            if (reader.Peek() != '{')
            {
                reader.SkipValue();
                return block;
            }

            reader.Read();
            while (reader.NextMember(out var key))
            {
                var isType = key.SequenceEqual("type"u8);
                var isText = key.SequenceEqual("text"u8);
                var isThinking = key.SequenceEqual("thinking"u8);
                var isId = key.SequenceEqual("id"u8);
                var isName = key.SequenceEqual("name"u8);
                var isInput = key.SequenceEqual("input"u8);
                var isSource = key.SequenceEqual("source"u8);
                var isContent = key.SequenceEqual("content"u8);
                var field = reader.ReadField();
                Keep(isType, field, ref block.Type);
                Keep(isText, field, ref block.Text);
                Keep(isThinking, field, ref block.Thinking);
                Keep(isId, field, ref block.Id);
                Keep(isName, field, ref block.Name);
                Keep(isInput, field, ref block.Input);
                Keep(isSource, field, ref block.Source);
                Keep(isContent, field, ref block.Content);
            }

            return block;
        }

        private static void Keep(bool wanted, JsonField field, ref JsonField place)
        {
            if (wanted)
            {
                KeepUnlessNull(ref place, field);
            }
        }
    }
}
