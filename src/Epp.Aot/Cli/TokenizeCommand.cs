using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Aot.Models;
using Epp.Native.Chat;
using Epp.Native.Tokens;

namespace Epp.Aot.Cli;

/// <summary>
/// <c>epp tokenize --model DIR</c>: the ids of each line of standard input, one JSON object per line: a text, or the body of a request as an
/// engine would turn it into a prompt. A line that cannot be encoded is answered by an error line; a model that cannot be loaded ends the
/// command with 1.
/// </summary>
internal sealed class TokenizeCommand
{
    private const string Usage =
        """
        Usage of epp tokenize: --model DIR [--engine ENGINE] [--endpoint ENDPOINT] [--rendered] [--now SECONDS]
                               [--special] [--pieces] [--pattern REGEX] [--transformers 4|5] [-v]
        Reads JSON lines and writes {"ids": […]} or {"error": "…"}. A line is {"text": "…"} or the body of a request, with "messages" or
        "prompt"; a request with several prompts is answered by {"ids": [[…], […]]}.
          --engine         who renders bodies: vllm-0.33 (default), vllm-0.11, dynamo-1.2, dynamo-1.4, dynamo-1.6
          --endpoint       every line is a body sent to chat, completions, responses, messages, embeddings or tokenize
          --rendered       add the prompt of a body
          --now            the time for templates that print it, in seconds since 1970 (default: the clock)
          --special        add the ids that the post-processor puts around a text
          --pieces         add the texts of the tokens
          --pattern        how text is split, for a directory that holds a tiktoken rank file
          --transformers   major version the engine uses (default 5 for vllm-0.33, else 4): some classes are rebuilt by 5
          -v               timings on standard error
        What the engine was started with, where it decides prompts: --[no-]enable-auto-tool-choice, --tool-call-parser NAME ('' = none),
        --trust-request-chat-template, --exclude-tools-when-tool-choice-none, --chat-template-content-format auto|string|openai,
        --default-chat-template-kwargs JSON, --max-model-len TOKENS (default: as config.json says), --chat-template FILE|TEMPLATE

        """;

    private readonly TokenizeOptions _options;
    private readonly Tokenizer _tokenizer;
    private readonly TokenEncoder _encoder;
    private readonly TokenBuffer _ids = new();
    private readonly PromptEncoder? _prompts;
    private readonly PromptScratch? _scratch;
    private readonly string _noPrompts;
    private readonly TimeProvider _clock;
    private readonly TextWriter? _timings;

    private TokenizeCommand(TokenizeOptions options, Tokenizer tokenizer, TimeProvider clock, TextWriter? timings)
    {
        (_options, _tokenizer, _clock, _timings) = (options, tokenizer, clock, timings);
        _encoder = tokenizer.CreateEncoder();
        var model = ChatModelDirectory.Load(options.Model, tokenizer, options.Engine, options.Flags, out _noPrompts);
        _prompts = model is null ? null : new PromptEncoder(model);
        _scratch = _prompts?.CreateScratch();
        if (_scratch is not null)
        {
            _scratch.Explains = true;
        }
    }

    public static int Run(IReadOnlyList<string> args, TextReader input, TextWriter output, TextWriter error, TimeProvider clock)
    {
        if (TokenizeOptions.Parse(args, out var problem) is not { } options)
        {
            (problem.Length == 0 ? output : error).Write(problem.Length == 0 ? Usage : $"epp: {problem}\n{Usage}");
            return problem.Length == 0 ? 0 : 2;
        }

        var start = Stopwatch.GetTimestamp();
        var tokenizer = TokenizerDirectory.Load(options.Model, options.Transformers, options.Pattern, out var warning, out var failure);
        if (warning is not null)
        {
            error.WriteLine("warning: " + warning);
        }

        if (tokenizer is null)
        {
            error.WriteLine("error: " + failure);
            return 1;
        }

        if (options.Verbose)
        {
            error.WriteLine(string.Create(
                CultureInfo.InvariantCulture, $"loaded {tokenizer.VocabularySize} tokens in {Stopwatch.GetElapsedTime(start).TotalMilliseconds:F1} ms"));
        }

        new TokenizeCommand(options, tokenizer, clock, options.Verbose ? error : null).Answer(input, output);
        return 0;
    }

    private void Answer(TextReader input, TextWriter output)
    {
        long bytes = 0, tokens = 0;
        var spent = TimeSpan.Zero;
        while (input.ReadLine() is { } line)
        {
            if (line.AsSpan().Trim().IsEmpty)
            {
                continue;
            }

            var (text, endpoint) = Read(line, out var problem);
            _ids.Clear();
            var start = Stopwatch.GetTimestamp();
            var isEncoded = text is not null && (endpoint is { } sentTo ? TryBody(text, sentTo, out problem) : TryText(text, out problem));
            var elapsed = Stopwatch.GetElapsedTime(start);
            output.WriteLine(isEncoded ? Answer(isBody: endpoint is not null) : Error(problem));
            (bytes, tokens, spent) = (bytes + (text?.Length ?? 0), tokens + _ids.Count, spent + elapsed);
            _timings?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text?.Length ?? 0} bytes, {_ids.Count} tokens, {elapsed.TotalMicroseconds:F0} us"));
        }

        _timings?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"total {bytes} bytes, {tokens} tokens, {spent.TotalMilliseconds:F1} ms, {bytes / Math.Max(spent.TotalMicroseconds, 0.001):F1} MB/s"));
    }

    private bool TryText(byte[] text, out string problem)
    {
        var status = _encoder.Encode(text, _options.Special, _ids);
        problem = status == TokenizeStatus.Ok ? "" : Explain(status);
        return status == TokenizeStatus.Ok;
    }

    private bool TryBody(byte[] body, ChatEndpoint endpoint, out string problem)
    {
        problem = _noPrompts;
        if (_prompts is null || _scratch is null)
        {
            return false;
        }

        if (!_prompts.TryEncode(body, endpoint, _options.Now ?? _clock.GetUtcNow().ToUnixTimeSeconds(), _scratch))
        {
            problem = $"{_scratch.Refusal}: {_scratch.RefusalDetail}";
            return false;
        }

        for (var i = 0; i < _scratch.PromptCount; i++)
        {
            _ids.Add(_scratch.Ids(i));
        }

        return true;
    }

    // The bytes to encode, and for a body where it was sent.
    private (byte[]? Text, ChatEndpoint? Endpoint) Read(string line, out string problem)
    {
        problem = "";
        if (_options.Endpoint is not null)
        {
            return (Encoding.UTF8.GetBytes(line), _options.Endpoint);
        }

        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object)
            {
                if (document.RootElement.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
                {
                    return (Encoding.UTF8.GetBytes(text.GetString()!), null);
                }

                var isChat = document.RootElement.TryGetProperty("messages", out _);
                if (isChat || document.RootElement.TryGetProperty("prompt", out _))
                {
                    return (Encoding.UTF8.GetBytes(line), isChat ? ChatEndpoint.Chat : ChatEndpoint.Completions);
                }
            }

            problem = "no string 'text', no 'messages' and no 'prompt' in this line";
        }
        catch (JsonException e)
        {
            problem = "no JSON: " + e.Message;
        }
        catch (InvalidOperationException)
        {
            problem = "'text' holds half of a surrogate pair; engines refuse it";
        }

        return (null, null);
    }

    private string Answer(bool isBody)
    {
        var line = new StringBuilder("{\"ids\":");
        var count = isBody ? _scratch!.PromptCount : 1;
        line.Append(count > 1 ? "[" : "");
        for (var i = 0; i < count; i++)
        {
            Append(line.Append(i > 0 ? "," : ""), isBody ? _scratch!.Ids(i) : _ids.Ids);
        }

        line.Append(count > 1 ? "]" : count == 0 ? "[]" : "");
        if (_options.Pieces)
        {
            var separator = ",\"pieces\":[";
            foreach (var id in _ids.Ids)
            {
                line.Append(separator).Append('"').Append(JsonEncodedText.Encode(Encoding.UTF8.GetString(_tokenizer.TextOf(id))).ToString()).Append('"');
                separator = ",";
            }

            line.Append(_ids.Count == 0 ? ",\"pieces\":[]" : "]");
        }

        if (isBody && _options.Rendered)
        {
            line.Append(",\"rendered\":\"").Append(JsonEncodedText.Encode(Encoding.UTF8.GetString(_scratch!.Prompt)).ToString()).Append('"');
        }

        return line.Append('}').ToString();
    }

    private static void Append(StringBuilder line, ReadOnlySpan<uint> ids)
    {
        var separator = "[";
        foreach (var id in ids)
        {
            line.Append(separator).Append(id);
            separator = ",";
        }

        line.Append(ids.IsEmpty ? "[]" : "]");
    }

    private static string Error(string problem) => "{\"error\":\"" + JsonEncodedText.Encode(problem).ToString() + "\"}";

    private static string Explain(TokenizeStatus status) => status switch
    {
        TokenizeStatus.PatternTooSlow => "a pattern of the tokenizer takes too many steps on this text; the engine would be slow too",
        TokenizeStatus.NoUnknownToken => "the vocabulary lacks a character of this text and names no unknown token; the engine fails too",
        TokenizeStatus.TooLong => "the text, or what the normalizer makes of it, is too long",
        _ => "the text is no valid UTF-8",
    };
}
