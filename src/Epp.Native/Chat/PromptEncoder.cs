using System.Text;
using Epp.Native.Templates;
using Epp.Native.Tokens;

namespace Epp.Native.Chat;

/// <summary>
/// From a request body to the token ids that the engine will compute: shape, render, encode, truncate. Thread-safe: what a call needs lies
/// in its <see cref="PromptScratch"/>.
/// </summary>
/// <param name="model">Whose prompts.</param>
/// <param name="prefixCacheBytes">Memory for beginnings of prompts, their ids and the hashes of their blocks; 0 = none are kept.</param>
public sealed class PromptEncoder(ChatModel model, long prefixCacheBytes = 0)
{
    private readonly ChatModel _model = model;
    private readonly TokenPrefixCache? _prefixes = prefixCacheBytes > 0 ? new TokenPrefixCache(prefixCacheBytes) : null;

    /// <summary>Beginnings of prompts; null where none are kept.</summary>
    public TokenPrefixCache? Prefixes => _prefixes;

    /// <summary>Scratch for one thread.</summary>
    public PromptScratch CreateScratch() => new(_model, _prefixes);

    /// <summary>
    /// Encodes a body into <paramref name="scratch"/>. False: there are no exact ids, <see cref="PromptScratch.Refusal"/> says why, and the
    /// caller falls back to its estimate. The clock serves templates that print the date.
    /// </summary>
    public bool TryEncode(ReadOnlySpan<byte> body, ChatEndpoint endpoint, long nowUnixSeconds, PromptScratch scratch)
    {
        scratch.Reset();
        var shaped = scratch.Shaper.Shape(body, endpoint, _model.Profile);
        switch (shaped.Kind)
        {
            case ShapedKind.Template:
                return TryRender(shaped, body, endpoint, nowUnixSeconds, scratch);
            case ShapedKind.Texts:
                return TryTexts(shaped, endpoint, scratch);
            case ShapedKind.Tokens:
                return TryTokens(shaped, scratch);
            default:
                return scratch.Refuse(shaped.Refusal, shaped.RefusalDetail);
        }
    }

    private bool TryRender(ShapedRequest shaped, ReadOnlySpan<byte> body, ChatEndpoint endpoint, long now, PromptScratch scratch)
    {
        var template = shaped.UsesToolTemplate ? _model.ToolTemplate ?? _model.Template : _model.Template;
        if (!shaped.TemplateOverride.IsEmpty)
        {
            // Compiled anew for each request: only servers that trust their clients take this path.
            var source = Encoding.UTF8.GetString(shaped.TemplateOverride);
            if (!ChatTemplate.TryParse(shaped.TemplateOverride, ChatModel.EngineOf(_model.Profile.Flavour), out template, out _))
            {
                return scratch.Refuse(ShapeRefusal.Template, "the template in the request is not understood");
            }

            if (!shaped.KeepsModelFacts)
            {
                var facts = TemplateTrials.Find(source, template!, _model.Profile.Flavour, _model.Profile.SpecialTokens, withTools: false);
                shaped = scratch.Shaper.Shape(body, endpoint, _model.Profile, facts);
            }
        }

        if (template is null)
        {
            return scratch.Refuse(ShapeRefusal.Template, "the model has no chat template");
        }

        var error = template.Render(ContextOf(shaped, scratch), scratch.Rendering, now, TemplateLimits.Default);
        if (error.Kind != TemplateErrorKind.None)
        {
            return scratch.Refuse(ShapeRefusal.Template, scratch.Explains ? $"the chat template, line {error.Line}: {error.Message}" : "the chat template raised an error");
        }

        var prompt = scratch.Rendering.Prompt;
        if (shaped.ContinueFinalMessage)
        {
            var end = MarksEnd ? FinalMessage.CutAtMark(prompt, FinalTextOf(shaped, scratch)) : FinalMessage.CutAtText(prompt, FinalTextOf(shaped, scratch));
            if (end < 0)
            {
                return scratch.Refuse(ShapeRefusal.Template, "the last message's text is not in the prompt");
            }

            prompt = prompt[..end];
        }

        return TryEncodeText(scratch.SetPrompt(prompt), shaped, scratch) && CheckLength(scratch, mayBeEmpty: false);
    }

    private bool MarksEnd => !_model.Profile.Rules.IsDynamo;

    /// <summary>The context, the end of the last text marked where the engine does so.</summary>
    private ReadOnlySpan<byte> ContextOf(ShapedRequest shaped, PromptScratch scratch)
    {
        if (!shaped.ContinueFinalMessage || !MarksEnd)
        {
            return shaped.Context;
        }

        scratch.Context.Reset();
        scratch.Context.Raw(shaped.Context[..shaped.FinalTextEnd]);
        scratch.Context.Raw(FinalMessage.Mark);
        scratch.Context.Raw(shaped.Context[shaped.FinalTextEnd..]);
        return scratch.Context.Written;
    }

    private static ReadOnlySpan<byte> FinalTextOf(ShapedRequest shaped, PromptScratch scratch)
    {
        if (shaped.FinalTextStart < 0)
        {
            return default;
        }

        var raw = shaped.Context[shaped.FinalTextStart..shaped.FinalTextEnd];
        if (scratch.FinalText.Length < raw.Length)
        {
            scratch.FinalText = new byte[raw.Length * 2];
        }

        return scratch.FinalText.AsSpan(0, JsonText.Unescape(raw, scratch.FinalText));
    }

    private bool TryTexts(ShapedRequest shaped, ChatEndpoint endpoint, PromptScratch scratch)
    {
        if (shaped.TruncateTokens == 0)
        {
            return true;
        }

        for (var i = 0; i < shaped.PromptCount; i++)
        {
            if (!TryEncodeText(scratch.SetPrompt(shaped.Text(i)), shaped, scratch))
            {
                return false;
            }
        }

        return CheckLength(scratch, mayBeEmpty: endpoint == ChatEndpoint.Tokenize);
    }

    private bool TryTokens(ShapedRequest shaped, PromptScratch scratch)
    {
        for (var i = 0; i < shaped.PromptCount; i++)
        {
            var ids = shaped.Tokens(i);
            var most = Limit(shaped);
            scratch.AddPrompt(most >= ids.Length ? ids : shaped.TruncatesRight ? ids[..most] : ids[^most..]);
        }

        return CheckLength(scratch, mayBeEmpty: true);
    }

    private bool TryEncodeText(ReadOnlySpan<byte> text, ShapedRequest shaped, PromptScratch scratch)
    {
        var ids = scratch.Single;
        ids.Clear();
        if (shaped.StripsNul && text.IndexOf((byte)0) >= 0)
        {
            text = WithoutNul(text, scratch);
        }

        if (scratch.Encoder.Encode(text, shaped.AddSpecialTokens, ids) != TokenizeStatus.Ok)
        {
            return scratch.Refuse(ShapeRefusal.NotReproduced, "the tokenizer does not take the text");
        }

        AddTruncated(ids.Ids, shaped, scratch);
        return true;
    }

    private static ReadOnlySpan<byte> WithoutNul(ReadOnlySpan<byte> text, PromptScratch scratch)
    {
        scratch.Context.Reset();
        while (!text.IsEmpty)
        {
            var nul = text.IndexOf((byte)0);
            scratch.Context.Raw(nul < 0 ? text : text[..nul]);
            text = nul < 0 ? default : text[(nul + 1)..];
        }

        return scratch.Context.Written;
    }

    private int Limit(ShapedRequest shaped) => shaped.TruncateTokens switch
    {
        ShapedRequest.NoTruncation => int.MaxValue,
        -1 => _model.Profile.MaxModelTokens > 0 ? _model.Profile.MaxModelTokens : int.MaxValue,
        _ => shaped.TruncateTokens,
    };

    /// <summary>Cuts to the limit: the tokenizer's own truncation keeps the special tokens around the text, a named side does not.</summary>
    private void AddTruncated(ReadOnlySpan<uint> ids, ShapedRequest shaped, PromptScratch scratch)
    {
        var most = Limit(shaped);
        if (ids.Length <= most)
        {
            scratch.AddPrompt(ids, scratch.Encoder.Beginning);
            return;
        }

        var adds = shaped.AddSpecialTokens && !shaped.CutsSpecialTokens;
        var prefix = adds ? _model.Tokenizer.Prefix : default;
        var suffix = adds ? _model.Tokenizer.Suffix : default;
        var text = ids[prefix.Length..^suffix.Length];
        var kept = Math.Max(0, most - prefix.Length - suffix.Length);
        text = shaped.TruncatesRight ? text[..kept] : text[^kept..];
        scratch.AddPrompt(prefix, text, suffix);
    }

    private bool CheckLength(PromptScratch scratch, bool mayBeEmpty)
    {
        for (var i = 0; i < scratch.PromptCount; i++)
        {
            var count = scratch.Ids(i).Length;
            if (count == 0 && !mayBeEmpty)
            {
                return scratch.Refuse(ShapeRefusal.PromptLength, "no token in a prompt");
            }

            if (_model.Profile.MaxModelTokens > 0 && count > _model.Profile.MaxModelTokens)
            {
                return scratch.Refuse(ShapeRefusal.PromptLength, "more tokens than the model takes");
            }
        }

        return true;
    }
}
