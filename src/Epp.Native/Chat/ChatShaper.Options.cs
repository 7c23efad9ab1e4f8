using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>What a vLLM chat request says besides its messages.</content>
public sealed partial class ChatShaper
{
    /// <summary>Generation prompt and continuation. In 0.11 kwargs beat the fields, later the fields beat them.</summary>
    private bool ReadGeneration(JsonTree t)
    {
        _addGenerationPrompt = _origin != ChatOrigin.Embeddings;
        var continues = false;
        if (!TryFlag(t, t.Find(0, "add_generation_prompt"u8), "add_generation_prompt: no boolean", ref _addGenerationPrompt)
            || !TryFlag(t, t.Find(0, "continue_final_message"u8), "continue_final_message: no boolean", ref continues))
        {
            return false;
        }

        if (!_rules.FieldsBeatKwargs)
        {
            if (_kwargs.TryFind("add_generation_prompt"u8, out var tree, out var node))
            {
                _addGenerationPrompt = IsTruthy(tree, node);
            }

            if (_kwargs.TryFind("continue_final_message"u8, out tree, out node))
            {
                continues = IsTruthy(tree, node);
            }
        }

        _result.ContinueFinalMessage = continues;
        return !(continues && _addGenerationPrompt) || Refuse("continue_final_message: not together with add_generation_prompt");
    }

    private static bool IsTruthy(JsonTree t, int node) => t.Kind(node) switch
    {
        JsonKind.Bool => t.IsTrue(node),
        JsonKind.Number => t.Raw(node).IndexOfAnyInRange((byte)'1', (byte)'9') >= 0,
        JsonKind.Text => !t.Raw(node).IsEmpty,
        JsonKind.Map or JsonKind.List => t.Count(node) > 0,
        _ => false,
    };

    private void WriteGenerationPrompt()
    {
        // A template sees the value itself where kwargs carry it.
        if (!_rules.FieldsBeatKwargs && _kwargs.TryFind("add_generation_prompt"u8, out var tree, out var node))
        {
            _out.Value(tree, node);
            return;
        }

        _out.Raw(_addGenerationPrompt ? "true"u8 : "false"u8);
    }

    private void WriteDocuments(JsonTree t)
    {
        var field = t.Find(0, "documents"u8);
        var isNamed = _kwargs.TryFind("documents"u8, out var tree, out var node);
        if (isNamed && (!_rules.FieldsBeatKwargs || t.IsNothing(field)))
        {
            _out.Value(tree, node);
        }
        else if (t.IsNothing(field))
        {
            _out.Raw("null"u8);
        }
        else
        {
            _out.Value(t, field);
        }
    }

    private void WriteSpecialTokens()
    {
        var tokens = _profile.SpecialTokens;
        for (var i = 0; i < tokens.Names.Length; i++)
        {
            if (!_kwargs.Has(tokens.Names[i]))
            {
                _out.Raw(",\""u8);
                _out.Raw(tokens.Names[i]);
                _out.Raw("\":"u8);
                _out.Raw(tokens.Values[i]);
            }
        }
    }

    /// <summary>Special tokens and truncation.</summary>
    private bool ReadPromptOptions(JsonTree t)
    {
        var adds = _origin == ChatOrigin.Responses && _rules.ResponsesAddSpecialTokens;
        if (!TryFlag(t, t.Find(0, "add_special_tokens"u8), "add_special_tokens: no boolean", ref adds) || !ReadTruncation(t))
        {
            return false;
        }

        _result.AddSpecialTokens = adds;
        return _result.TruncateTokens != 0 || _origin is ChatOrigin.Embeddings or ChatOrigin.Tokenize || Refuse("truncate_prompt_tokens: no token left");
    }

    private bool ReadTruncation(JsonTree t)
    {
        long most = ShapedRequest.NoTruncation;
        var node = t.Find(0, "truncate_prompt_tokens"u8);
        if (!TryInteger(t, node, "truncate_prompt_tokens: no integer", ref most))
        {
            return false;
        }

        if (!t.IsNothing(node) && most < -1)
        {
            return Refuse("truncate_prompt_tokens: below -1");
        }

        if (_profile.MaxModelTokens > 0 && most > _profile.MaxModelTokens)
        {
            return Refuse("truncate_prompt_tokens: more than the model takes");
        }

        _result.TruncateTokens = (int)Math.Min(most, int.MaxValue);
        var side = t.Find(0, "truncation_side"u8);
        if (_rules.HonoursTruncationSide && !t.IsNothing(side))
        {
            _result.CutsSpecialTokens = true;
            _result.TruncatesRight = t.Is(side, "right"u8);
            return _result.TruncatesRight || t.Is(side, "left"u8) || Refuse("truncation_side: unknown");
        }

        return true;
    }
}
