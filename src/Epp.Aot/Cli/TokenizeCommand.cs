using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Aot.Models;
using Epp.Native.Tokens;

namespace Epp.Aot.Cli;

/// <summary>
/// <c>epp tokenize --model DIR</c>: the ids of each line of standard input, one JSON object per line. A line that cannot be encoded is
/// answered by an error line; a model that cannot be loaded ends the command with 1.
/// </summary>
internal sealed class TokenizeCommand
{
    private const string Usage =
        """
        Usage of epp tokenize: --model DIR [--special] [--pieces] [--pattern REGEX] [--transformers 4|5] [-v]
        Reads JSON lines {"text": "…"}, writes {"ids": […]} or {"error": "…"}.
          --special        add the ids that the post-processor puts around a text
          --pieces         add the texts of the tokens
          --pattern        how text is split, for a directory that holds a tiktoken rank file
          --transformers   major version the engine uses (default 5): some classes are rebuilt by 5
          -v               timings on standard error

        """;

    private readonly Tokenizer _tokenizer;
    private readonly TokenEncoder _encoder;
    private readonly TokenBuffer _ids = new();
    private readonly bool _special;
    private readonly bool _pieces;
    private readonly TextWriter? _timings;

    private TokenizeCommand(Tokenizer tokenizer, bool special, bool pieces, TextWriter? timings)
    {
        (_tokenizer, _encoder, _special, _pieces, _timings) = (tokenizer, tokenizer.CreateEncoder(), special, pieces, timings);
    }

    public static int Run(IReadOnlyList<string> args, TextReader input, TextWriter output, TextWriter error)
    {
        if (Parse(args, out var problem) is not { } options)
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

        new TokenizeCommand(tokenizer, options.Special, options.Pieces, options.Verbose ? error : null).Answer(input, output);
        return 0;
    }

    private static Options? Parse(IReadOnlyList<string> args, out string problem)
    {
        var options = new Options();
        problem = "";
        for (var i = 0; i < args.Count; i++)
        {
            var (name, value) = Split(args[i]);
            switch (name)
            {
                case "--special":
                    options.Special = true;
                    break;
                case "--pieces":
                    options.Pieces = true;
                    break;
                case "-v" or "--v":
                    options.Verbose = true;
                    break;
                case "-h" or "--help":
                    return null;
                case "--model" or "--pattern" or "--transformers" when value is not null || i + 1 < args.Count:
                    value ??= args[++i];
                    if (!options.TrySet(name, value))
                    {
                        problem = $"{name} {value}: expected 4 or 5";
                        return null;
                    }

                    break;
                default:
                    problem = $"unknown or incomplete argument '{args[i]}'";
                    return null;
            }
        }

        problem = options.Model.Length == 0 ? "give --model DIR" : "";
        return problem.Length == 0 ? options : null;
    }

    private static (string Name, string? Value) Split(string argument) =>
        argument.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && argument.StartsWith("--", StringComparison.Ordinal) ? (argument[..at], argument[(at + 1)..]) : (argument, null);

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

            var text = Text(line, out var problem);
            _ids.Clear();
            var start = Stopwatch.GetTimestamp();
            var status = text is null ? TokenizeStatus.Ok : _encoder.Encode(text, _special, _ids);
            var elapsed = Stopwatch.GetElapsedTime(start);
            output.WriteLine(text is null ? Error(problem) : status == TokenizeStatus.Ok ? Answer() : Error(Explain(status)));
            (bytes, tokens, spent) = (bytes + (text?.Length ?? 0), tokens + _ids.Count, spent + elapsed);
            _timings?.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{text?.Length ?? 0} bytes, {_ids.Count} tokens, {elapsed.TotalMicroseconds:F0} us"));
        }

        _timings?.WriteLine(string.Create(
            CultureInfo.InvariantCulture, $"total {bytes} bytes, {tokens} tokens, {spent.TotalMilliseconds:F1} ms, {bytes / Math.Max(spent.TotalMicroseconds, 0.001):F1} MB/s"));
    }

    private static byte[]? Text(string line, out string problem)
    {
        problem = "";
        try
        {
            using var document = JsonDocument.Parse(line);
            if (document.RootElement.ValueKind == JsonValueKind.Object && document.RootElement.TryGetProperty("text", out var text) && text.ValueKind == JsonValueKind.String)
            {
                return Encoding.UTF8.GetBytes(text.GetString()!);
            }

            problem = "no string 'text' in this line";
        }
        catch (JsonException e)
        {
            problem = "no JSON: " + e.Message;
        }
        catch (InvalidOperationException)
        {
            problem = "'text' holds half of a surrogate pair; engines refuse it";
        }

        return null;
    }

    private string Answer()
    {
        var line = new StringBuilder("{\"ids\":[");
        var separator = "";
        foreach (var id in _ids.Ids)
        {
            line.Append(separator).Append(id);
            separator = ",";
        }

        line.Append(']');
        if (_pieces)
        {
            separator = ",\"pieces\":[";
            foreach (var id in _ids.Ids)
            {
                line.Append(separator).Append('"').Append(JsonEncodedText.Encode(Encoding.UTF8.GetString(_tokenizer.TextOf(id))).ToString()).Append('"');
                separator = ",";
            }

            line.Append(_ids.Count == 0 ? ",\"pieces\":[]" : "]");
        }

        return line.Append('}').ToString();
    }

    private static string Error(string problem) => "{\"error\":\"" + JsonEncodedText.Encode(problem).ToString() + "\"}";

    private static string Explain(TokenizeStatus status) => status switch
    {
        TokenizeStatus.PatternTooSlow => "a pattern of the tokenizer takes too many steps on this text; the engine would be slow too",
        TokenizeStatus.NoUnknownToken => "the vocabulary lacks a character of this text and names no unknown token; the engine fails too",
        TokenizeStatus.TooLong => "the text, or what the normalizer makes of it, is too long",
        _ => "the text is no valid UTF-8",
    };

    private sealed class Options
    {
        public string Model { get; private set; } = "";

        public string Pattern { get; private set; } = "";

        public int Transformers { get; private set; } = 5;

        public bool Special { get; set; }

        public bool Pieces { get; set; }

        public bool Verbose { get; set; }

        public bool TrySet(string name, string value)
        {
            switch (name)
            {
                case "--model":
                    Model = value;
                    return true;
                case "--pattern":
                    Pattern = value;
                    return true;
                default:
                    Transformers = value == "4" ? 4 : 5;
                    return value is "4" or "5";
            }
        }
    }
}
