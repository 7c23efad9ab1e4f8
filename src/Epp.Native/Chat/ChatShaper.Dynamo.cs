using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Requests as Dynamo's frontend preprocesses them.</content>
public sealed partial class ChatShaper
{
    private static readonly byte[] Thinking = "thinking"u8.ToArray();
    private static readonly byte[] ThinkingMode = "thinking_mode"u8.ToArray();
    private static readonly byte[] Enabled = "\"enabled\""u8.ToArray();
    private static readonly byte[] Disabled = "\"disabled\""u8.ToArray();

    /// <summary>Names that kwargs cannot set.</summary>
    private static readonly byte[][] TakenByDynamo =
    [
        "messages"u8.ToArray(),
        "tools"u8.ToArray(),
        "bos_token"u8.ToArray(),
        "eos_token"u8.ToArray(),
        "unk_token"u8.ToArray(),
        "add_generation_prompt"u8.ToArray(),
    ];

    private bool ShapeDynamo(ChatEndpoint endpoint)
    {
        _origin = ChatOrigin.Chat;
        if (endpoint is not (ChatEndpoint.Chat or ChatEndpoint.Completions))
        {
            return _result.Refuse(ShapeRefusal.NotReproduced, "endpoint not reproduced for this flavour");
        }

        // serde refuses what Python's json lets pass: a field given twice, half a surrogate pair.
        if (_body.HasLoneSurrogates)
        {
            return _result.Refuse(ShapeRefusal.InvalidJson, "half a surrogate pair in the text");
        }

        if (_body.HasDuplicateRootKeys)
        {
            return _result.Refuse(ShapeRefusal.InvalidJson, "a field is given twice");
        }

        var isChat = endpoint == ChatEndpoint.Chat;
        _result.StripsNul = true;
        return CheckDynamoFields(_body, isChat) && (isChat ? ShapeDynamoChat(_body) : ShapeDynamoCompletion(_body)) && ReadTokenData(_body);
    }

    private bool ShapeDynamoCompletion(JsonTree t)
    {
        var prompt = t.Find(0, "prompt"u8);
        return t.IsText(prompt) && t.Raw(prompt).IsEmpty ? Refuse("prompt: empty") : ReadPrompts(t, prompt);
    }

    /// <summary><c>nvext.token_data</c> stands for the prompt's ids.</summary>
    private bool ReadTokenData(JsonTree t)
    {
        var data = t.Find(t.Find(0, "nvext"u8), "token_data"u8);
        if (t.IsNothing(data))
        {
            return true;
        }

        if (!t.IsList(data))
        {
            return Refuse("nvext.token_data: no list");
        }

        var strips = _result.StripsNul;
        _result.Reset();
        _result.StripsNul = strips;
        return AddTokens(t, data) && Finish(ShapedKind.Tokens);
    }

    private bool ShapeDynamoChat(JsonTree t)
    {
        var messages = t.Find(0, "messages"u8);
        if (!CheckDynamoMessages(t, messages) || !ReadDynamoTools(t) || !ReadDynamoKwargs(t) || !ReadDynamoGeneration(t))
        {
            return false;
        }

        var hasTools = _tools >= 0 && t.Count(_tools) > 0;
        _result.UsesToolTemplate = hasTools;
        _facts = _profile.FactsFor(hasTools);
        var source = t;
        if (NeedsNormalizing(t, messages))
        {
            NormalizeSystem(t, messages);
            if (!TryReadConverted())
            {
                return false;
            }

            source = _chat;
            messages = _chat.Find(0, "messages"u8);
        }

        _out.Raw("{\"messages\":"u8);
        if (!WriteDynamoMessages(source, messages))
        {
            return false;
        }

        _out.Raw(",\"tools\":"u8);
        if (!WriteDynamoTools(t))
        {
            return false;
        }

        WriteDynamoTokens();
        _out.Raw(_addGenerationPrompt ? ",\"add_generation_prompt\":true"u8 : ",\"add_generation_prompt\":false"u8);
        _kwargs.Write(_out, facts: null, TakenByDynamo);
        _out.Byte((byte)'}');
        return FinishContext() && SortContext();
    }

    private void WriteDynamoTokens()
    {
        foreach (var name in TakenByDynamo)
        {
            if (name.AsSpan().EndsWith("_token"u8))
            {
                _out.Raw(",\""u8);
                _out.Raw(name);
                _out.Raw("\":"u8);
                _out.Raw(_profile.SpecialTokens.Find(name) ?? "null"u8);
            }
        }
    }

    /// <summary>1.2 keeps maps in the order of their keys' bytes.</summary>
    private bool SortContext()
    {
        if (!_rules.SortsKeys)
        {
            return true;
        }

        if (!TryRead(_chat, _chat.Parse(_out.Written, allowSpecialNumbers: false)))
        {
            return false;
        }

        _converted.Reset();
        _converted.Value(_chat, 0, sortKeys: true);
        _result.ContextOutput = _converted;
        return !_converted.Overflowed || _result.Refuse(ShapeRefusal.TooLarge, "template context too large");
    }

    private bool ReadDynamoGeneration(JsonTree t)
    {
        _addGenerationPrompt = true;
        var continues = false;
        if (!_rules.HonoursGenerationPrompt)
        {
            return true;
        }

        if (!TryBool(t, "add_generation_prompt"u8, ref _addGenerationPrompt) || !TryBool(t, "continue_final_message"u8, ref continues))
        {
            return Refuse("add_generation_prompt or continue_final_message: no boolean");
        }

        _result.ContinueFinalMessage = continues;
        return !(continues && _addGenerationPrompt) || Refuse("continue_final_message: not together with add_generation_prompt");
    }

    private static bool TryBool(JsonTree t, ReadOnlySpan<byte> name, ref bool value)
    {
        var node = t.Find(0, name);
        if (t.IsNothing(node))
        {
            return true;
        }

        value = t.IsTrue(node);
        return t.Kind(node) == JsonKind.Bool;
    }

    private bool ReadDynamoKwargs(JsonTree t)
    {
        var kwargs = t.Find(0, "chat_template_kwargs"u8);
        var args = t.Find(0, "chat_template_args"u8);
        if (kwargs >= 0 && args >= 0)
        {
            return Refuse("chat_template_args: given twice");
        }

        kwargs = kwargs >= 0 ? kwargs : args;
        if (!t.IsNothing(kwargs) && !t.IsMap(kwargs))
        {
            return Refuse("chat_template_kwargs: no object");
        }

        if (t.IsMap(kwargs) && !AddKwargs(t, kwargs))
        {
            return false;
        }

        var effort = t.Find(0, "reasoning_effort"u8);
        if (!t.IsNothing(effort) && !IsDynamoEffort(t, effort))
        {
            return Refuse("reasoning_effort: unknown");
        }

        return !_rules.LinksThinking || LinkThinking(t, kwargs, effort) || _result.Refuse(ShapeRefusal.TooLarge, "chat_template_kwargs: too many");
    }

    private static bool IsDynamoEffort(JsonTree t, int effort) =>
        t.Is(effort, "none"u8) || t.Is(effort, "minimal"u8) || t.Is(effort, "low"u8) || t.Is(effort, "medium"u8) || t.Is(effort, "high"u8)
        || t.Is(effort, "xhigh"u8) || t.Is(effort, "max"u8);

    /// <summary><c>enable_thinking</c>, <c>thinking</c> and, from 1.6, <c>thinking_mode</c> follow one another and the effort.</summary>
    private bool LinkThinking(JsonTree t, int kwargs, int effort)
    {
        var isSet = t.IsNothing(effort) || _kwargs.Set(ReasoningEffort, t, effort);
        if (t.IsNothing(effort) && _rules.SetsThinkingMode)
        {
            effort = t.Find(kwargs, ReasoningEffort);
        }

        var enable = t.Find(kwargs, EnableThinking);
        var thinking = t.Find(kwargs, Thinking);
        var said = t.IsNothing(enable) ? thinking : enable;
        bool thinks;
        if (TryThought(t, said, out thinks))
        {
            isSet &= (t.Kind(enable) == JsonKind.Bool) || _kwargs.Set(EnableThinking, thinks ? True : False);
            isSet &= (t.Kind(thinking) == JsonKind.Bool) || _kwargs.Set(Thinking, thinks ? True : False);
        }
        else if (said < 0 && t.IsText(effort))
        {
            thinks = !t.Is(effort, "none"u8);
            isSet &= _kwargs.Set(EnableThinking, thinks ? True : False) && _kwargs.Set(Thinking, thinks ? True : False);
        }
        else
        {
            return isSet;
        }

        if (_rules.SetsThinkingMode && !t.IsText(said) && t.Find(kwargs, ThinkingMode) < 0)
        {
            isSet &= _kwargs.Set(ThinkingMode, thinks ? Enabled : Disabled);
        }

        return isSet;
    }

    private static bool TryThought(JsonTree t, int node, out bool thinks)
    {
        thinks = t.IsTrue(node) || t.Is(node, "true"u8);
        return thinks || t.Kind(node) == JsonKind.Bool || t.Is(node, "false"u8);
    }
}
