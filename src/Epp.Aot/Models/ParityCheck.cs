using System.Text;
using Epp.Native.Chat;
using Epp.Native.Requests;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Models;

/// <summary>
/// Compares our token ids with the engine's, at start and every ten minutes, on prompts that exercise what goes wrong: white space, digits,
/// scripts, emoji, tools. A difference turns exact matching off for the model until they agree again.
/// </summary>
internal sealed class ParityCheck(LocalModels models, string model, PromptEncoder? encoder, RenderClient render, ILogger logger, TimeProvider time)
{
    private static readonly (bool IsChat, string Body)[] Prompts =
    [
        (true, "\"messages\":[{\"role\":\"user\",\"content\":\"Hello, world!\"}]"),
        (true, "\"messages\":[{\"role\":\"system\",\"content\":\"You are brief.\"},{\"role\":\"user\",\"content\":\"  two  spaces,\\ttab\\n\\nline 1234567 3.14 don't\"}]"),
        (true, "\"messages\":[{\"role\":\"user\",\"content\":\"Zażółć 漢字かな 한국어 العربية हिन्दी 👩‍👩‍👧 e\\u0301\"},{\"role\":\"assistant\",\"content\":\"ok\"},{\"role\":\"user\",\"content\":\"again\"}]"),
        (false, "\"prompt\":\"def f(x):\\n    return x ** 2  # <|endoftext|>\""),
    ];

    /// <summary>Prompts compared.</summary>
    public long Compared { get; private set; }

    /// <summary>Prompts whose ids differed.</summary>
    public long Differed { get; private set; }

    /// <summary>Compares once; null where the engine did not answer, else whether all were equal.</summary>
    public async Task<bool?> RunAsync(CancellationToken stop)
    {
        if (encoder is null)
        {
            return null;
        }

        var scratch = encoder.CreateScratch();
        var theirs = new PromptTokens();
        foreach (var (isChat, text) in Prompts)
        {
            var body = Encoding.UTF8.GetBytes("{\"model\":" + '"' + System.Text.Json.JsonEncodedText.Encode(model) + "\"," + text + "}");
            if (await render.AskAsync(body, isChat, theirs, stop).ConfigureAwait(false) is { } failure)
            {
                LocalModelLog.NoAnswer(logger, render.Url, failure.Reason);
                return null;
            }

            Compared++;
            var known = encoder.TryEncode(body, isChat ? ChatEndpoint.Chat : ChatEndpoint.Completions, time.GetUtcNow().ToUnixTimeSeconds(), scratch);
            if (Difference(known, scratch, theirs) is { } difference)
            {
                Differed++;
                LocalModelLog.Disagrees(logger, model, difference);
                models.SetTrusted(model, false);
                return false;
            }
        }

        models.SetTrusted(model, true);
        LocalModelLog.Agrees(logger, model, Prompts.Length);
        return true;
    }

    private static string? Difference(bool known, PromptScratch scratch, PromptTokens theirs)
    {
        if (!known)
        {
            return $"we cannot tokenize a prompt that the engine takes: {scratch.Refusal}: {scratch.RefusalDetail}";
        }

        var ours = scratch.Ids(0);
        var engine = theirs.Prompt(0);
        var same = ours.CommonPrefixLength(engine);
        return same == ours.Length && same == engine.Length
            ? null
            : $"id {same} is {At(ours, same)}, the engine has {At(engine, same)} ({ours.Length} and {engine.Length} ids)";
    }

    private static string At(ReadOnlySpan<uint> ids, int i) =>
        i < ids.Length ? ids[i].ToString(System.Globalization.CultureInfo.InvariantCulture) : "missing";
}
