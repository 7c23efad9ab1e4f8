using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Requests whose prompts are texts or token ids.</content>
public sealed partial class ChatShaper
{
    private bool ShapeCompletions()
    {
        var t = _body;
        _origin = ChatOrigin.Chat;
        if (!t.IsNothing(t.Find(0, "suffix"u8)))
        {
            return Refuse("suffix: not supported");
        }

        if (!t.IsNothing(t.Find(0, "prompt_embeds"u8)))
        {
            return _result.Refuse(ShapeRefusal.NotReproduced, "prompt_embeds");
        }

        var prompt = t.Find(0, "prompt"u8);
        if (t.IsNothing(prompt) || (t.IsText(prompt) && t.Raw(prompt).IsEmpty))
        {
            return Refuse("prompt: missing or empty");
        }

        return CheckPromptFields(t) && CheckCompletionTruncation(t) && ReadPrompts(t, prompt);
    }

    private bool ShapeEmbeddings()
    {
        _origin = ChatOrigin.Embeddings;
        _result.TruncatesRight = true;
        return CheckPromptFields(_body) && ReadPrompts(_body, _body.Find(0, "input"u8));
    }

    private bool ShapeTokenize()
    {
        _origin = ChatOrigin.Tokenize;
        var prompt = _body.Find(0, "prompt"u8);
        return _body.IsText(prompt) ? CheckPromptFields(_body) && ReadPrompts(_body, prompt) : Refuse("prompt: no string");
    }

    private bool CheckPromptFields(JsonTree t)
    {
        var adds = true;
        long most = 16;
        if (!CheckFieldsOfAll(t) || !TryFlag(t, t.Find(0, "add_special_tokens"u8), "add_special_tokens: no boolean", ref adds) || !ReadTruncation(t)
            || !TryInteger(t, t.Find(0, "max_tokens"u8), "max_tokens: no integer", ref most))
        {
            return false;
        }

        _result.AddSpecialTokens = adds;
        return most >= 0 || Refuse("max_tokens: below 0");
    }

    private bool CheckFieldsOfAll(JsonTree t)
    {
        var salt = t.Find(0, "cache_salt"u8);
        return t.IsNothing(salt) || (t.IsText(salt) && !t.Raw(salt).IsEmpty) || Refuse("cache_salt: empty or no string");
    }

    /// <summary>0.11 subtracts the answer (16 tokens by default) from what a prompt may have before it compares, so that −1 never fits.</summary>
    private bool CheckCompletionTruncation(JsonTree t)
    {
        long answer = 16;
        if (_rules.HonoursTruncationSide)
        {
            return _result.TruncateTokens != 0 || Refuse("truncate_prompt_tokens: no token left");
        }

        return _result.TruncateTokens != -1
            || (TryInteger(t, t.Find(0, "max_tokens"u8), "max_tokens: no integer", ref answer) && answer == 0)
            || Refuse("truncate_prompt_tokens: more than the model takes beside the answer");
    }

    private bool ReadPrompts(JsonTree t, int prompt)
    {
        if (t.IsText(prompt))
        {
            return AddText(t, prompt) && Finish(ShapedKind.Texts);
        }

        if (!t.IsList(prompt))
        {
            return Refuse("prompt: no string and no list");
        }

        var first = t.First(prompt);
        switch (t.Kind(first))
        {
            case JsonKind.Text:
                return ReadTexts(t, prompt);
            case JsonKind.Number:
                return AddTokens(t, prompt) && Finish(ShapedKind.Tokens);
            case JsonKind.List:
                return ReadTokenLists(t, prompt);
            default:
                return Refuse(first < 0 ? "prompt: empty list" : "prompt: a list of other things than strings or token ids");
        }
    }

    private bool Finish(ShapedKind kind)
    {
        _result.Kind = kind;
        return true;
    }

    private bool ReadTexts(JsonTree t, int list)
    {
        for (var text = t.First(list); text >= 0; text = t.After(list, text))
        {
            if (!t.IsText(text))
            {
                return Refuse("prompt: strings mixed with other things");
            }

            if (_rules.IsDynamo && t.Raw(text).IsEmpty)
            {
                return Refuse("prompt: an empty string");
            }

            if (!AddText(t, text))
            {
                return false;
            }
        }

        return Finish(ShapedKind.Texts);
    }

    private bool AddText(JsonTree t, int text)
    {
        if (t.HasLoneSurrogate(text))
        {
            return _result.Refuse(ShapeRefusal.LoneSurrogate, "half a surrogate pair in the text");
        }

        _result.AddText(t, text);
        return true;
    }

    private bool ReadTokenLists(JsonTree t, int lists)
    {
        for (var list = t.First(lists); list >= 0; list = t.After(lists, list))
        {
            if (!t.IsList(list) || t.Count(list) == 0)
            {
                return Refuse("prompt: an empty list of token ids");
            }

            if (!AddTokens(t, list))
            {
                return false;
            }
        }

        return Finish(ShapedKind.Tokens);
    }

    private bool AddTokens(JsonTree t, int list)
    {
        for (var token = t.First(list); token >= 0; token = t.After(list, token))
        {
            if (t.Kind(token) != JsonKind.Number || !TryToken(t.Raw(token), out var id))
            {
                return Refuse("prompt: a token id is no such number");
            }

            // vLLM asks the model, not its tokenizer; a tokenizer's size is the best that is known here.
            if (_profile.VocabularySize > 0 && id >= _profile.VocabularySize && (!_rules.IsDynamo || _rules.ChecksVocabulary))
            {
                return Refuse("prompt: a token id outside the vocabulary");
            }

            _result.AddToken(unchecked((uint)id));
        }

        _result.EndTokens();
        return true;
    }

    private bool TryToken(ReadOnlySpan<byte> number, out long id)
    {
        if (_rules.IsDynamo)
        {
            return System.Buffers.Text.Utf8Parser.TryParse(number, out id, out var used) && used == number.Length && id is >= 0 and <= uint.MaxValue;
        }

        return TryInteger(number, out id) && (id >= 0 || !_rules.HonoursTruncationSide) && id is >= -1 and <= uint.MaxValue;
    }
}
