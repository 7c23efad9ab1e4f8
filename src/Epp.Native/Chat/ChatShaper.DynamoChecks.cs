using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>What Dynamo's frontend refuses.</content>
public sealed partial class ChatShaper
{
    private static readonly byte[][] DynamoCommonFields = Names(
        "model frequency_penalty logit_bias logprobs max_tokens n presence_penalty seed stop stream stream_options temperature top_p user metadata "
        + "ignore_eos min_tokens top_k min_p repetition_penalty include_stop_str_in_output guided_json guided_regex guided_grammar guided_choice "
        + "guided_decoding_backend guided_whitespace_pattern skip_special_tokens nvext");

    private static readonly byte[][] DynamoChatFields = Names(
        "messages store reasoning_effort top_logprobs max_completion_tokens modalities prediction audio response_format service_tier tools "
        + "tool_choice parallel_tool_calls web_search_options function_call functions mm_processor_kwargs chat_template_args chat_template_kwargs "
        + "media_io_kwargs");

    private static readonly byte[][] DynamoCompletionFields = Names("prompt suffix echo best_of");

    private static readonly byte[][] DynamoLaterFields = Names(
        "cache_salt stop_token_ids prompt_logprobs return_tokens_as_token_ids detokenize allowed_token_ids bad_words_token_ids thinking prompt_embeds");

    private static readonly byte[][] DynamoGenerationFields = Names("add_generation_prompt continue_final_message");

    private static readonly byte[][] NvextFields = Names(
        "greed_sampling use_raw_prompt annotations backend_instance_id token_data max_thinking_tokens cache_salt extra_fields metadata_upload "
        + "prefill_worker_id decode_worker_id dp_rank prefill_dp_rank agent_hints request_timestamp_ms routing_constraints router");

    private static byte[][] Names(string names)
    {
        var words = names.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var bytes = new byte[words.Length][];
        for (var i = 0; i < words.Length; i++)
        {
            bytes[i] = System.Text.Encoding.ASCII.GetBytes(words[i]);
        }

        return bytes;
    }

    private static bool IsAmong(JsonTree t, int key, byte[][] names)
    {
        foreach (var name in names)
        {
            if (t.Is(key, name))
            {
                return true;
            }
        }

        return false;
    }

    private bool CheckDynamoFields(JsonTree t, bool isChat)
    {
        for (var key = t.FirstKey(0); key >= 0; key = t.KeyAfter(0, key))
        {
            var isKnown = IsAmong(t, key, DynamoCommonFields) || IsAmong(t, key, isChat ? DynamoChatFields : DynamoCompletionFields)
                || (_rules.ChecksNvext && IsAmong(t, key, DynamoLaterFields))
                || (_rules.HonoursGenerationPrompt && isChat && IsAmong(t, key, DynamoGenerationFields));
            if (!isKnown)
            {
                return Refuse("a field that the frontend does not know");
            }
        }

        var nvext = t.Find(0, "nvext"u8);
        for (var key = _rules.ChecksNvext && t.IsMap(nvext) ? t.FirstKey(nvext) : -1; key >= 0; key = t.KeyAfter(nvext, key))
        {
            if (!IsAmong(t, key, NvextFields))
            {
                return Refuse("nvext: a field that the frontend does not know");
            }
        }

        return CheckDynamoRanges(t) && CheckDynamoStop(t);
    }

    private bool CheckDynamoRanges(JsonTree t) =>
        InRange(t, "temperature"u8, 0, 2) && InRange(t, "top_p"u8, 0, 1) && InRange(t, "min_p"u8, 0, 1) && InRange(t, "frequency_penalty"u8, -2, 2)
        && InRange(t, "presence_penalty"u8, -2, 2) && InRange(t, "repetition_penalty"u8, double.Epsilon, 2) && InRange(t, "top_k"u8, -1, int.MaxValue)
        && InRange(t, "n"u8, 1, 128) && InRange(t, "top_logprobs"u8, 0, 20) && CheckDynamoCounts(t);

    private bool CheckDynamoCounts(JsonTree t)
    {
        if (_rules.ChecksMaxTokens && !(InRange(t, "max_tokens"u8, 1, uint.MaxValue) && InRange(t, "max_completion_tokens"u8, 1, uint.MaxValue)))
        {
            return false;
        }

        var n = t.Find(0, "n"u8);
        var temperature = t.Find(0, "temperature"u8);
        return t.Kind(n) != JsonKind.Number || t.Kind(temperature) != JsonKind.Number || t.Raw(n).SequenceEqual("1"u8)
            || t.Raw(temperature).IndexOfAnyInRange((byte)'1', (byte)'9') >= 0 || Refuse("n: more than one answer at temperature 0");
    }

    private bool InRange(JsonTree t, ReadOnlySpan<byte> name, double least, double most)
    {
        var node = t.Find(0, name);
        return t.IsNothing(node)
            || (t.Kind(node) == JsonKind.Number && System.Buffers.Text.Utf8Parser.TryParse(t.Raw(node), out double value, out var used)
                && used == t.Raw(node).Length && value >= least && value <= most)
            || Refuse("a sampling parameter is out of range");
    }

    private bool CheckDynamoStop(JsonTree t)
    {
        var stop = t.Find(0, "stop"u8);
        if (t.IsNothing(stop))
        {
            return true;
        }

        if (!t.IsList(stop))
        {
            return (t.IsText(stop) && !t.Raw(stop).IsEmpty) || Refuse("stop: empty");
        }

        var isGood = t.Count(stop) is > 0 and <= 32;
        for (var text = t.First(stop); text >= 0; text = t.After(stop, text))
        {
            isGood &= t.Kind(text) == JsonKind.Number || (t.IsText(text) && !t.Raw(text).IsEmpty);
        }

        return isGood || Refuse("stop: none, too many or an empty one");
    }

    private bool CheckDynamoMessages(JsonTree t, int messages)
    {
        if (!t.IsList(messages) || t.Count(messages) == 0)
        {
            return Refuse("messages: missing or empty");
        }

        for (var message = t.First(messages); message >= 0; message = t.After(messages, message))
        {
            if (!CheckDynamoMessage(t, message))
            {
                return Refuse("messages: an element is not as the frontend wants it");
            }
        }

        return true;
    }

    private static bool CheckDynamoMessage(JsonTree t, int message)
    {
        var role = t.Find(message, "role"u8);
        var content = t.Find(message, "content"u8);
        var name = t.Find(message, "name"u8);
        if (!t.IsNothing(name) && !t.IsText(name))
        {
            return false;
        }

        if (t.Is(role, "user"u8))
        {
            return IsDynamoContent(t, content, takesMedia: true);
        }

        if (t.Is(role, "assistant"u8))
        {
            return (t.IsNothing(content) || IsDynamoContent(t, content, takesMedia: false)) && CheckDynamoCalls(t, t.Find(message, "tool_calls"u8));
        }

        if (t.Is(role, "function"u8))
        {
            return (t.IsText(content) || t.Kind(content) == JsonKind.Null) && t.IsText(name);
        }

        var isTool = t.Is(role, "tool"u8);
        return (isTool || t.Is(role, "system"u8) || t.Is(role, "developer"u8)) && IsDynamoContent(t, content, takesMedia: false)
            && (!isTool || t.IsText(t.Find(message, "tool_call_id"u8)));
    }

    private static bool IsDynamoContent(JsonTree t, int content, bool takesMedia)
    {
        if (!t.IsList(content))
        {
            return t.IsText(content);
        }

        for (var part = t.First(content); part >= 0; part = t.After(content, part))
        {
            var type = t.Find(part, "type"u8);
            var isGood = (t.Is(type, "text"u8) && t.IsText(t.Find(part, "text"u8)))
                || (!takesMedia && t.Is(type, "refusal"u8) && t.IsText(t.Find(part, "refusal"u8)))
                || (takesMedia && (IsUrlPart(t, part, type, "image_url"u8) || IsUrlPart(t, part, type, "video_url"u8) || IsUrlPart(t, part, type, "audio_url"u8)
                    || (t.Is(type, "input_audio"u8) && t.IsMap(t.Find(part, "input_audio"u8)))));
            if (!isGood)
            {
                return false;
            }
        }

        return true;
    }

    private static bool IsUrlPart(JsonTree t, int part, int type, ReadOnlySpan<byte> name) =>
        t.Is(type, name) && t.IsText(t.Find(t.Find(part, name), "url"u8));

    private static bool CheckDynamoCalls(JsonTree t, int calls)
    {
        if (t.IsNothing(calls))
        {
            return true;
        }

        for (var call = t.IsList(calls) ? t.First(calls) : -1; call >= 0; call = t.After(calls, call))
        {
            var function = t.Find(call, "function"u8);
            if (!t.IsText(t.Find(call, "id"u8)) || !t.Is(t.Find(call, "type"u8), "function"u8) || !t.IsText(t.Find(function, "name"u8))
                || t.IsNothing(t.Find(function, "arguments"u8)))
            {
                return false;
            }
        }

        return t.IsList(calls);
    }
}
