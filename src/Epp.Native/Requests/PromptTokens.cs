using Epp.Native.Memory;
using Epp.Native.Tokens;

namespace Epp.Native.Requests;

/// <summary>
/// Token ids of one request's prompts, exactly as the engine will compute them; unknown until <see cref="IsKnown"/>. Reused; not thread-safe.
/// </summary>
public sealed class PromptTokens
{
    private uint[] _ids = new uint[1024];
    private int[] _ends = new int[4];
    private TokenBeginning[] _beginnings = new TokenBeginning[4];

    /// <summary>True when the ids are known.</summary>
    public bool IsKnown { get; set; }

    /// <summary>True when they were computed in this process from text, and not brought by the client.</summary>
    public bool IsComputed { get; set; }

    /// <summary>Ids of all prompts together.</summary>
    public int Count { get; private set; }

    /// <summary>Prompts.</summary>
    public int PromptCount { get; private set; }

    /// <summary>Ids of prompt <paramref name="i"/>.</summary>
    public ReadOnlySpan<uint> Prompt(int i) => _ids.AsSpan(i == 0 ? 0 : _ends[i - 1], _ends[i] - (i == 0 ? 0 : _ends[i - 1]));

    /// <summary>What is kept of the beginning of prompt <paramref name="i"/>; nothing where its ids were not computed here.</summary>
    public TokenBeginning Beginning(int i) => _beginnings[i];

    /// <summary>Room for the next ids, at least <paramref name="count"/>; then <see cref="Advance"/>.</summary>
    public Span<uint> Space(int count)
    {
        if (_ids.Length - Count < count)
        {
            Array.Resize(ref _ids, Math.Max(Count + count, 2 * _ids.Length));
        }

        return _ids.AsSpan(Count);
    }

    /// <summary>Keeps ids written to <see cref="Space"/>.</summary>
    public void Advance(int count) => Count += count;

    /// <summary>Adds an id to the current prompt.</summary>
    public void Add(uint id)
    {
        Space(1)[0] = id;
        Count++;
    }

    /// <summary>Ends the current prompt.</summary>
    public void EndPrompt(TokenBeginning beginning = default)
    {
        if (PromptCount == _ends.Length)
        {
            Array.Resize(ref _ends, PromptCount * 2);
            Array.Resize(ref _beginnings, PromptCount * 2);
        }

        (_ends[PromptCount], _beginnings[PromptCount]) = (Count, beginning);
        PromptCount++;
    }

    /// <summary>Forgets everything; keeps the memory, unless a huge prompt made it huge.</summary>
    public void Clear()
    {
        IsKnown = false;
        IsComputed = false;
        Count = 0;
        Array.Clear(_beginnings, 0, PromptCount);
        PromptCount = 0;
        if (_ids.Length > 1 << 20)
        {
            _ids = new uint[1024];
        }
    }

    /// <summary>
    /// Reads the token ids that a body brings along: <c>prompt</c>, <c>token_ids</c> or <c>input_ids</c> as a list of numbers. False, and nothing
    /// kept, where it brings none, or one that is no id.
    /// </summary>
    public bool TryRead(RequestScanner scan, BodyBuffer body)
    {
        Clear();
        if (!scan.HasPromptTokenIds)
        {
            return false;
        }

        if (scan.IsVllmGrpc)
        {
            return !scan.GrpcPrompt.IsAltered && ReadGrpc(scan, body);
        }

        var field = scan.TokenIds.Kind == JsonKind.List ? scan.TokenIds : scan.Prompt.Kind == JsonKind.List ? scan.Prompt : scan.Input;
        if (field.Kind != JsonKind.List)
        {
            return false;
        }

        var reader = new BodyReader(body, field);
        reader.Read();
        while (reader.NextElement())
        {
            var id = 0UL;
            var digits = 0;
            for (var c = reader.Peek(); c is >= '0' and <= '9' && digits < 11; c = reader.Peek(), digits++)
            {
                id = (id * 10) + (ulong)(reader.Read() - '0');
            }

            if (digits == 0 || id > uint.MaxValue || reader.Peek() is not (',' or ']' or ' ' or '\n' or '\r' or '\t'))
            {
                Clear();
                return false;
            }

            Add((uint)id);
        }

        EndPrompt();
        IsKnown = true;
        return true;
    }

    private bool ReadGrpc(RequestScanner scan, BodyBuffer body)
    {
        var space = Space(scan.ElementCount);
        var ids = new VllmGrpcIdReader(body, scan.GrpcPrompt);
        var count = 0;
        while (count < scan.ElementCount && ids.TryRead(out var id))
        {
            space[count++] = id;
        }

        Advance(count);
        EndPrompt();
        IsKnown = true;
        return true;
    }
}
