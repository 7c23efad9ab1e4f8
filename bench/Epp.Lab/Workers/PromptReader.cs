using System.Text;
using System.Text.Json;

namespace Epp.Lab.Workers;

/// <summary>What the simulation needs from an OpenAI request body.</summary>
internal sealed record CompletionRequest(byte[] Prompt, string Model, bool Stream, bool IncludeUsage, int MaxTokens);

/// <summary>Reads chat/completions and completions bodies; the prompt is the text in wire order, roles included.</summary>
internal static class PromptReader
{
    const int DefaultMaxTokens = 16;

    /// <summary>Null with a reason when the body is not a usable request.</summary>
    public static CompletionRequest? Read(JsonElement body, bool chat, out string error)
    {
        error = "";
        if (body.ValueKind != JsonValueKind.Object)
        {
            error = "the body is not a JSON object";
            return null;
        }
        var prompt = new StringBuilder();
        if (chat && !AppendMessages(body, prompt))
        {
            error = "messages: expected a non-empty array of {role, content}";
            return null;
        }
        if (!chat && !AppendPrompt(body, prompt))
        {
            error = "prompt: expected a non-empty string or an array";
            return null;
        }
        var model = body.TryGetProperty("model", out var m) && m.ValueKind == JsonValueKind.String ? m.GetString()! : "";
        var stream = body.TryGetProperty("stream", out var s) && s.ValueKind == JsonValueKind.True;
        var usage = body.TryGetProperty("stream_options", out var o) && o.ValueKind == JsonValueKind.Object
            && o.TryGetProperty("include_usage", out var u) && u.ValueKind == JsonValueKind.True;
        var max = Number(body, "max_completion_tokens") ?? Number(body, "max_tokens") ?? DefaultMaxTokens;
        return new CompletionRequest(Encoding.UTF8.GetBytes(prompt.ToString()), model, stream, usage, Math.Clamp(max, 1, 4096));
    }

    static int? Number(JsonElement body, string name) =>
        body.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Number && value.TryGetInt32(out var n) ? n : null;

    static bool AppendMessages(JsonElement body, StringBuilder prompt)
    {
        if (!body.TryGetProperty("messages", out var messages) || messages.ValueKind != JsonValueKind.Array || messages.GetArrayLength() == 0)
        {
            return false;
        }
        foreach (var message in messages.EnumerateArray())
        {
            if (message.ValueKind != JsonValueKind.Object)
            {
                return false;
            }
            prompt.Append('<').Append(message.TryGetProperty("role", out var role) ? role.ToString() : "").Append('>');
            if (message.TryGetProperty("content", out var content))
            {
                AppendContent(content, prompt);
            }
            prompt.Append('\n');
        }
        return true;
    }

    static void AppendContent(JsonElement content, StringBuilder prompt)
    {
        if (content.ValueKind == JsonValueKind.String)
        {
            prompt.Append(content.GetString());
        }
        else if (content.ValueKind == JsonValueKind.Array)
        {
            foreach (var part in content.EnumerateArray())
            {
                if (part.ValueKind == JsonValueKind.Object && part.TryGetProperty("text", out var text))
                {
                    prompt.Append(text.ToString());
                }
            }
        }
    }

    static bool AppendPrompt(JsonElement body, StringBuilder prompt)
    {
        if (!body.TryGetProperty("prompt", out var value) || value.ValueKind is not (JsonValueKind.String or JsonValueKind.Array))
        {
            return false;
        }
        prompt.Append(value.ValueKind == JsonValueKind.String ? value.GetString() : value.GetRawText());
        return prompt.Length > 0;
    }
}
