using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>A vLLM chat request: its fields, then the context.</content>
public sealed partial class ChatShaper
{
    private static readonly byte[] True = "true"u8.ToArray();
    private static readonly byte[] False = "false"u8.ToArray();
    private static readonly byte[] EnableThinking = "enable_thinking"u8.ToArray();
    private static readonly byte[] ReasoningEffort = "reasoning_effort"u8.ToArray();

    /// <summary>Arguments of <c>apply_chat_template</c> itself, and what this code writes in its own place.</summary>
    private static readonly byte[][] TakenByVllm =
    [
        "tools"u8.ToArray(),
        "documents"u8.ToArray(),
        "add_generation_prompt"u8.ToArray(),
        "continue_final_message"u8.ToArray(),
        "tokenize"u8.ToArray(),
        "padding"u8.ToArray(),
        "truncation"u8.ToArray(),
        "max_length"u8.ToArray(),
        "return_tensors"u8.ToArray(),
        "return_dict"u8.ToArray(),
        "return_assistant_tokens_mask"u8.ToArray(),
        "tokenizer_kwargs"u8.ToArray(),
        "chat_template"u8.ToArray(),
    ];

    private bool _addGenerationPrompt;
    private int _tools;
    private JsonTree _toolsTree = null!;
    private bool _toolsAsSent;

    private bool ShapeChat(JsonTree t, ChatOrigin origin)
    {
        _origin = origin;
        var messages = t.Find(0, "messages"u8);
        if (!t.IsList(messages))
        {
            return Refuse("messages: missing or no list");
        }

        // transformers looks at the first message before the template does.
        if (t.Count(messages) == 0)
        {
            return Refuse("messages: empty");
        }

        if (!CheckFields(t) || !ReadTools(t) || !ReadKwargs(t) || !ReadTemplate(t) || !ReadGeneration(t) || !ReadPromptOptions(t))
        {
            return false;
        }

        ChooseTemplate();
        return WriteContext(t, messages);
    }

    private void ChooseTemplate()
    {
        var hasTools = _tools >= 0;
        _result.UsesToolTemplate = hasTools;
        _facts = _requestTemplate ?? _profile.FactsFor(hasTools);
        _format = _profile.FormatFor(_facts);
    }

    private bool WriteContext(JsonTree t, int messages)
    {
        _out.Raw("{\"messages\":"u8);
        if (!WriteMessages(t, messages))
        {
            return false;
        }

        if (_result.ContinueFinalMessage && _result.FinalTextStart < 0)
        {
            return Refuse("continue_final_message: the last message has no text");
        }

        _out.Raw(",\"tools\":"u8);
        if (!WriteTools())
        {
            return false;
        }

        _out.Raw(",\"documents\":"u8);
        WriteDocuments(t);
        _out.Raw(",\"add_generation_prompt\":"u8);
        WriteGenerationPrompt();
        WriteSpecialTokens();
        _kwargs.Write(_out, _facts, TakenByVllm);
        _out.Byte((byte)'}');
        return FinishContext();
    }

    private bool CheckFields(JsonTree t)
    {
        var model = t.Find(0, "model"u8);
        if (!t.IsNothing(model) && !t.IsText(model))
        {
            return Refuse("model: no string");
        }

        var salt = t.Find(0, "cache_salt"u8);
        if (!t.IsNothing(salt) && (!t.IsText(salt) || t.Raw(salt).IsEmpty))
        {
            return Refuse("cache_salt: empty or no string");
        }

        return CheckDocuments(t) && CheckEffort(t) && CheckMaxTokens(t);
    }

    private bool CheckDocuments(JsonTree t)
    {
        var documents = t.Find(0, "documents"u8);
        if (t.IsNothing(documents))
        {
            return true;
        }

        if (!t.IsList(documents))
        {
            return Refuse("documents: no list");
        }

        for (var document = t.First(documents); document >= 0; document = t.After(documents, document))
        {
            if (!t.IsMap(document))
            {
                return Refuse("documents: an element is no object");
            }

            for (var key = t.FirstKey(document); key >= 0; key = t.KeyAfter(document, key))
            {
                if (!t.IsText(t.Value(key)))
                {
                    return Refuse("documents: a value is no string");
                }
            }
        }

        return true;
    }

    private bool CheckEffort(JsonTree t)
    {
        var effort = t.Find(0, "reasoning_effort"u8);
        if (t.IsNothing(effort) || _origin is ChatOrigin.Embeddings or ChatOrigin.Tokenize)
        {
            return true;
        }

        var isKnown = t.Is(effort, "low"u8) || t.Is(effort, "medium"u8) || t.Is(effort, "high"u8)
            || (_rules.EffortReachesTemplate
                && (t.Is(effort, "none"u8) || t.Is(effort, "minimal"u8) || t.Is(effort, "xhigh"u8) || t.Is(effort, "max"u8)));
        return isKnown || Refuse("reasoning_effort: unknown");
    }

    private bool CheckMaxTokens(JsonTree t)
    {
        if (_origin is ChatOrigin.Embeddings or ChatOrigin.Tokenize or ChatOrigin.Responses)
        {
            return true;
        }

        long most = -1;
        var node = t.Find(0, "max_completion_tokens"u8);
        node = t.IsNothing(node) ? t.Find(0, "max_tokens"u8) : node;
        if (!TryInteger(t, node, "max_tokens: no integer", ref most))
        {
            return false;
        }

        if (!t.IsNothing(node) && most < 1)
        {
            return Refuse("max_tokens: below 1");
        }

        return _profile.MaxModelTokens == 0 || most <= _profile.MaxModelTokens || Refuse("max_tokens: more than the model takes");
    }

    /// <summary>Gathers the template's variables, the later beating the earlier: server, request, fields.</summary>
    private bool ReadKwargs(JsonTree t)
    {
        var server = _profile.DefaultKwargs;
        var kwargs = TakesKwargs ? t.Find(0, "chat_template_kwargs"u8) : -1;
        if (!t.IsNothing(kwargs) && !t.IsMap(kwargs))
        {
            return Refuse("chat_template_kwargs: no object");
        }

        if ((server.RootKind == JsonKind.Map && !AddKwargs(server, 0)) || (t.IsMap(kwargs) && !AddKwargs(t, kwargs)))
        {
            return false;
        }

        // Python passes these by position; a second value is a TypeError.
        if (t.Find(kwargs, "conversation"u8) >= 0 || t.Find(kwargs, "messages"u8) >= 0 || t.Find(kwargs, "tokenizer"u8) >= 0)
        {
            return Refuse("chat_template_kwargs: messages cannot be set");
        }

        if (!_rules.FieldsBeatKwargs && t.Find(kwargs, "tokenize"u8) >= 0)
        {
            return Refuse("chat_template_kwargs: tokenize cannot be set");
        }

        return AddEffort(t, kwargs);
    }

    /// <summary>The embedding requests of 0.11 had no such field.</summary>
    private bool TakesKwargs => _rules.FieldsBeatKwargs || _origin != ChatOrigin.Embeddings;

    private bool AddKwargs(JsonTree t, int map)
    {
        for (var key = t.FirstKey(map); key >= 0; key = t.KeyAfter(map, key))
        {
            var value = t.Value(key);
            if (!(_rules.DropsNullKwargs && t.Kind(value) == JsonKind.Null) && !_kwargs.Set(t, key, value))
            {
                return _result.Refuse(ShapeRefusal.TooLarge, "chat_template_kwargs: too many");
            }
        }

        return true;
    }

    private bool AddEffort(JsonTree t, int kwargs)
    {
        var effort = t.Find(0, "reasoning_effort"u8);
        if (!_rules.EffortReachesTemplate || t.IsNothing(effort) || _origin is ChatOrigin.Embeddings or ChatOrigin.Tokenize)
        {
            return true;
        }

        var isSet = _kwargs.Set(ReasoningEffort, t, effort)
            && (t.Find(kwargs, EnableThinking) >= 0 || _kwargs.Set(EnableThinking, t.Is(effort, "none"u8) ? False : True));
        return isSet || _result.Refuse(ShapeRefusal.TooLarge, "chat_template_kwargs: too many");
    }

    private bool ReadTemplate(JsonTree t)
    {
        var field = t.Find(0, "chat_template"u8);
        if (!t.IsNothing(field) && !t.IsText(field))
        {
            return Refuse("chat_template: no string");
        }

        var named = TakesKwargs ? t.Find(t.Find(0, "chat_template_kwargs"u8), "chat_template"u8) : -1;
        if (!_profile.TrustsRequestTemplate && (!t.IsNothing(field) || !t.IsNothing(named)))
        {
            return _result.Refuse(ShapeRefusal.UntrustedTemplate, "chat_template: the server does not trust it");
        }

        var hasField = t.IsText(field) && !t.Raw(field).IsEmpty;
        var template = t.IsText(named) && !(_rules.FieldsBeatKwargs && hasField) ? named : hasField ? field : -1;
        if (template < 0)
        {
            return true;
        }

        _result.KeepsModelFacts = template == named;
        var raw = t.Raw(template);
        if (_result.Override.Length < raw.Length)
        {
            _result.Override = new byte[raw.Length * 2];
        }

        _result.OverrideLength = JsonText.Unescape(raw, _result.Override);
        return true;
    }
}
