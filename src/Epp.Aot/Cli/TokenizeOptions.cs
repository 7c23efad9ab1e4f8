using System.Globalization;
using Epp.Native.Chat;

namespace Epp.Aot.Cli;

/// <summary>The arguments of <c>epp tokenize</c>.</summary>
internal sealed partial class TokenizeOptions
{
    private static readonly (string Name, ChatFlavour Flavour)[] Engines =
    [
        ("vllm-0.33", ChatFlavour.Vllm033), ("vllm-0.11", ChatFlavour.Vllm011),
        ("dynamo-1.2", ChatFlavour.Dynamo12), ("dynamo-1.4", ChatFlavour.Dynamo14), ("dynamo-1.6", ChatFlavour.Dynamo16),
    ];

    private static readonly (string Name, ChatEndpoint Endpoint)[] Endpoints =
    [
        ("chat", ChatEndpoint.Chat), ("completions", ChatEndpoint.Completions), ("responses", ChatEndpoint.Responses),
        ("messages", ChatEndpoint.Messages), ("embeddings", ChatEndpoint.Embeddings), ("tokenize", ChatEndpoint.Tokenize),
    ];

    private int? _transformers;

    private TokenizeOptions()
    {
    }

    public string Model { get; private set; } = "";

    public string Pattern { get; private set; } = "";

    public ChatFlavour Engine { get; private set; } = ChatFlavour.Vllm033;

    /// <summary>Null: each line's keys say what it is.</summary>
    public ChatEndpoint? Endpoint { get; private set; }

    /// <summary>Null: the clock.</summary>
    public long? Now { get; private set; }

    /// <summary>Only vLLM since 0.33 runs on version 5.</summary>
    public int Transformers => _transformers ?? (Engine == ChatFlavour.Vllm033 ? 5 : 4);

    public bool Special { get; private set; }

    public bool Pieces { get; private set; }

    public bool Rendered { get; private set; }

    public bool Verbose { get; private set; }

    /// <summary>Null: <paramref name="problem"/> says why; empty where help is wanted.</summary>
    public static TokenizeOptions? Parse(IReadOnlyList<string> args, out string problem)
    {
        var options = new TokenizeOptions();
        problem = "";
        for (var i = 0; i < args.Count; i++)
        {
            var (name, value) = Split(args[i]);
            if (name is "-h" or "--help")
            {
                return null;
            }

            if (value is null && options.TrySwitch(name))
            {
                continue;
            }

            if (!TakesValue(name) || (value is null && i + 1 == args.Count))
            {
                problem = $"unknown or incomplete argument '{args[i]}'";
                return null;
            }

            value ??= args[++i];
            if (options.Set(name, value) is { } expected)
            {
                problem = $"{name} {value}: expected {expected}";
                return null;
            }
        }

        problem = options.Model.Length == 0 ? "give --model DIR" : options.UnknownFlag();
        return problem.Length == 0 ? options : null;
    }

    private static (string Name, string? Value) Split(string argument) =>
        argument.IndexOf('=', StringComparison.Ordinal) is > 0 and var at && argument.StartsWith("--", StringComparison.Ordinal) ? (argument[..at], argument[(at + 1)..]) : (argument, null);

    private static bool TakesValue(string name) => name is "--model" or "--pattern" or "--transformers" or "--engine" or "--endpoint" or "--now" || IsFlagWithValue(name);

    private bool TrySwitch(string name)
    {
        switch (name)
        {
            case "--special":
                return Special = true;
            case "--pieces":
                return Pieces = true;
            case "--rendered":
                return Rendered = true;
            case "-v" or "--v":
                return Verbose = true;
            default:
                return TryFlag(name);
        }
    }

    // Null, or what was expected instead.
    private string? Set(string name, string value)
    {
        switch (name)
        {
            case "--model":
                Model = value;
                return null;
            case "--pattern":
                Pattern = value;
                return null;
            case "--transformers":
                _transformers = value == "4" ? 4 : 5;
                return value is "4" or "5" ? null : "4 or 5";
            case "--now":
                Now = long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var seconds) ? seconds : null;
                return Now is null ? "seconds since 1970" : null;
            case "--engine":
                return SetEngine(value);
            case "--endpoint":
                return SetEndpoint(value);
            default:
                return SetFlag(name, value);
        }
    }

    private string? SetEngine(string value)
    {
        foreach (var (name, flavour) in Engines)
        {
            if (name == value)
            {
                Engine = flavour;
                return null;
            }
        }

        return "vllm-0.33, vllm-0.11, dynamo-1.2, dynamo-1.4 or dynamo-1.6";
    }

    private string? SetEndpoint(string value)
    {
        foreach (var (name, endpoint) in Endpoints)
        {
            if (name == value)
            {
                Endpoint = endpoint;
                return null;
            }
        }

        return "chat, completions, responses, messages, embeddings or tokenize";
    }
}
