using Epp.Native.Chat;
using Epp.Native.Tokens;

namespace Epp.Aot.Models;

/// <summary>
/// Reads the chat template of a model's directory: <c>chat_template.jinja</c>, <c>chat_template.json</c>, <c>tokenizer_config.json</c>; none of
/// them has to be there.
/// </summary>
internal static class ChatModelDirectory
{
    /// <summary>The model, or null and the error.</summary>
    public static ChatModel? Load(string directory, Tokenizer tokenizer, ShapingProfile options, out string error)
    {
        try
        {
            var source = ChatTemplateSource.Read(
                Bytes(directory, "tokenizer_config.json"), Bytes(directory, "chat_template.jinja"), Bytes(directory, "chat_template.json"), out error);
            var model = source is null ? null : ChatModel.Create(tokenizer, source, options, out error);
            error = model is null ? $"{directory}: {error}" : "";
            return model;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            error = $"{directory}: {e.Message}";
            return null;
        }
    }

    private static byte[] Bytes(string directory, string name)
    {
        var file = Path.Combine(directory, name);
        return File.Exists(file) ? File.ReadAllBytes(file) : [];
    }
}
