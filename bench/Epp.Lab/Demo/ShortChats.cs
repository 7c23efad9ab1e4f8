using System.Text;
using System.Text.Json;
using Epp.Lab.Workers;

namespace Epp.Lab.Demo;

/// <summary>
/// Short conversations that begin alike: a few system prompts, turns of 1 to 160 bytes with letters of one to four bytes, now and then the
/// same request again, every fourth prompt cut to full blocks, a new conversation after eight turns. All of it follows from the seed.
/// </summary>
internal sealed class ShortChats(int sessions, int seed)
{
    const int SystemPrompts = 6, MaxTurns = 8, OneInRepeats = 10, OneInFull = 4, OneInEmpties = 100;
    static readonly string[] Letters = ["a", "e", " ", "block", " of ", "\n", "\"", "\\", "é", "ß", "中", "の", "🙂", "<user>", "0", "42", "\t"];

    readonly Random _random = new(seed);
    readonly List<(string Role, string Content)>[] _sessions = new List<(string, string)>[sessions];
    byte[] _last = [];

    /// <summary>Whether a worker's cache is emptied before the next request.</summary>
    public bool EmptiesCache => _random.Next(OneInEmpties) == 0;

    /// <summary>One worker of several.</summary>
    public int Worker(int count) => _random.Next(count);

    /// <summary>The body of the next request.</summary>
    public byte[] Next()
    {
        if (_last.Length > 0 && _random.Next(OneInRepeats) == 0)
        {
            return _last;
        }
        ref var session = ref _sessions[_random.Next(sessions)];
        if (session is null || session.Count > 2 * MaxTurns)
        {
            var system = _random.Next(SystemPrompts);
            session = [("system", Text(new Random(system), 100 + (97 * system)))];
        }
        else
        {
            session.Add(("assistant", Text(_random, 1 + _random.Next(60))));
        }
        session.Add(("user", Text(_random, 1 + _random.Next(160))));
        if (_random.Next(OneInFull) == 0)
        {
            // <role>content\n: fill the last block of the prompt.
            var tokens = PromptIds.Of(Encoding.UTF8.GetBytes(string.Concat(session.Select(static m => $"<{m.Role}>{m.Content}\n"))), 1).Length;
            session[^1] = ("user", session[^1].Content + new string('.', (PrefixCache.BlockTokens - (tokens % PrefixCache.BlockTokens)) % PrefixCache.BlockTokens));
        }
        return _last = JsonSerializer.SerializeToUtf8Bytes(new
        {
            model = "lab-model",
            messages = session.Select(static m => new { role = m.Role, content = m.Content }),
            max_tokens = 1,
        });
    }

    static string Text(Random random, int letters)
    {
        var text = new StringBuilder();
        while (text.Length < letters)
        {
            text.Append(Letters[random.Next(Letters.Length)]);
        }
        return text.ToString();
    }
}
