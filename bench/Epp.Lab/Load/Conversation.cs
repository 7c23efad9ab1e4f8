using System.Text;

namespace Epp.Lab.Load;

/// <summary>Shape of the workload. Sizes in bytes; four bytes are about one token.</summary>
internal sealed record WorkloadOptions(
    int Sessions = 48, int Turns = 5, int Concurrency = 6, int SystemPrompts = 16, int SystemBytes = 12_000,
    int TurnBytes = 1_600, int MaxTokens = 16, int Seed = 1, string Model = "lab-model");

/// <summary>
/// One multi-turn conversation: a system prompt shared with other sessions, then user and assistant turns that grow.
/// Text follows from the seed, so that two runs send the same requests.
/// </summary>
internal sealed class Conversation
{
    static readonly string[] Words = ["endpoint", "pool", "token", "block", "prefix", "queue", "cache", "turn", "answer", "model", "stream", "header", "score", "weight", "pick"];

    readonly List<(string Role, string Content)> _messages = [];
    readonly WorkloadOptions _options;
    readonly Random _random;

    public Conversation(WorkloadOptions options, int index)
    {
        _options = options;
        _random = new Random((options.Seed * 7919) + index);
        var system = index % options.SystemPrompts;
        _messages.Add(("system", Prose(new Random((options.Seed * 104_729) + system), options.SystemBytes, $"Assistant {system}.")));
    }

    public int Turn { get; private set; }

    /// <summary>The body of the next turn: the whole history and a new user message, streamed, usage included.</summary>
    public byte[] NextBody()
    {
        _messages.Add(("user", Prose(_random, _options.TurnBytes, $"Question {Turn}.")));
        return System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(new
        {
            model = _options.Model,
            messages = _messages.Select(static m => new { role = m.Role, content = m.Content }),
            max_tokens = _options.MaxTokens,
            stream = true,
            stream_options = new { include_usage = true },
        });
    }

    public void AddAnswer(string text)
    {
        _messages.Add(("assistant", text));
        Turn++;
    }

    static string Prose(Random random, int bytes, string opening)
    {
        var text = new StringBuilder(opening, bytes + 16);
        while (text.Length < bytes)
        {
            text.Append(' ').Append(Words[random.Next(Words.Length)]).Append(random.Next(1000));
        }
        return text.ToString();
    }
}
