using System.Globalization;
using System.Text;
using Epp.Aot.Configuration;
using Epp.Native.Chat;

namespace Epp.Aot.Cli;

/// <content>The engine's own flags, by its names for them (tokenization §5b).</content>
internal sealed partial class TokenizeOptions
{
    private string? _vllmFlag;

    public EngineFlags Flags { get; private set; } = EngineFlags.Unknown;

    private static bool IsFlagWithValue(string name) =>
        name is "--tool-call-parser" or "--chat-template-content-format" or "--default-chat-template-kwargs" or "--max-model-len" or "--chat-template";

    private bool TryFlag(string name)
    {
        var flags = name switch
        {
            "--enable-auto-tool-choice" => Flags with { EnableAutoToolChoice = true },
            "--no-enable-auto-tool-choice" => Flags with { EnableAutoToolChoice = false },
            "--trust-request-chat-template" => Flags with { TrustRequestChatTemplate = true },
            "--exclude-tools-when-tool-choice-none" => Flags with { ExcludeToolsWhenToolChoiceNone = true },
            _ => null,
        };
        if (flags is not null)
        {
            (Flags, _vllmFlag) = (flags, name);
        }

        return flags is not null;
    }

    // Null, or what was expected instead.
    private string? SetFlag(string name, string value)
    {
        _vllmFlag = name is "--max-model-len" or "--chat-template" ? _vllmFlag : name;
        switch (name)
        {
            case "--tool-call-parser":
                Flags = Flags with { HasToolCallParser = value.Length > 0 };
                return null;
            case "--chat-template-content-format":
                Flags = Flags with { ChatTemplateContentFormat = EngineFlags.FormatOf(value) ?? ContentFormat.Auto };
                return EngineFlags.FormatOf(value) is null ? "auto, string or openai" : null;
            case "--default-chat-template-kwargs":
                Flags = Flags with { DefaultChatTemplateKwargs = value };
                return ShapingProfile.IsKwargs(Encoding.UTF8.GetBytes(value)) ? null : "a JSON object";
            case "--max-model-len":
                var isNumber = int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var tokens);
                Flags = Flags with { MaxModelLen = tokens };
                return isNumber ? null : "a number of tokens";
            default:
                Flags = Flags with { ChatTemplate = value };
                return value.Length > 0 ? null : "a file, or the template itself";
        }
    }

    private string UnknownFlag() => _vllmFlag is not null && !EngineFlags.AreKnownTo(Engine) ? $"{_vllmFlag} is a flag of vLLM's, not of Dynamo's" : "";
}
