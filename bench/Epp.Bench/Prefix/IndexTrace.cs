namespace Epp.Bench.Prefix;

/// <summary>
/// The reference trace of KV indexes: conversations that share 16 system prompts, grow turn by turn and sometimes move to another worker, in
/// windows of 1,024. All arithmetic wraps at 64 bits; the check tells whether two programs made the same trace.
/// </summary>
internal sealed class IndexTrace
{
    private const int Window = 1024;
    private const int MaxTurns = 15;
    private const int SystemBlocks = 32;

    private readonly Conversation[] _window = new Conversation[Window];
    private readonly HashSet<(int Worker, ulong System)> _systems = [];
    private readonly Dictionary<(ulong Conversation, int Worker), int> _recorded = [];
    private readonly int _workers;
    private readonly Func<ulong, ulong, ulong> _chain;
    private readonly List<ulong> _blocks = [];
    private readonly List<ulong> _externals = [];

    private IndexTrace(int workers, Func<ulong, ulong, ulong> chain) => (_workers, _chain) = (workers, chain);

    private struct Conversation
    {
        public ulong Id;
        public int Turns;
        public int Worker;
        public int Length;
        public ulong[] Locals;
        public ulong[] Externals;
    }

    /// <summary>One stored event: a parent, or none, and the blocks behind it; the lists' ranges.</summary>
    public readonly record struct Event(int Worker, bool HasParent, ulong Parent, int Start, int Count);

    public List<Event> Events { get; } = [];

    public ulong Check { get; private set; }

    public int CompletedWindows { get; private set; }

    public ReadOnlySpan<ulong> Locals(in Event e) => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_blocks).Slice(e.Start, e.Count);

    public ReadOnlySpan<ulong> Externals(in Event e) => System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_externals).Slice(e.Start, e.Count);

    public int Blocks => _blocks.Count;

    /// <summary>Makes the trace of at least <paramref name="target"/> blocks.</summary>
    public static IndexTrace Create(int workers, int target, Func<ulong, ulong, ulong> chain)
    {
        var trace = new IndexTrace(workers, chain);
        for (var window = 0UL; trace.RunWindow(window * Window, target); window++)
        {
            trace.CompletedWindows++;
        }

        return trace;
    }

    /// <summary>Local hashes of query <paramref name="i"/>: a conversation's whole path and 8 blocks nobody has.</summary>
    public ulong[] Query(ulong i)
    {
        var c = Tag(9, i) % (ulong)Math.Max(Window, CompletedWindows * Window);
        var path = Path(c, Turns(c) - 1);
        return [.. path, .. Enumerable.Range(0, 8).Select(j => H(Tag(10, i) + (ulong)j))];
    }

    private static ulong H(ulong x)
    {
        var z = x + 0x9E3779B97F4A7C15;
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
        return z ^ (z >> 31);
    }

    private static ulong Tag(ulong t, ulong v) => H((t << 56) | v);

    private static int Turns(ulong c) => 1 + (int)(Tag(4, c) % 15);

    private static ulong[] Path(ulong c, int turn)
    {
        var own = 0;
        for (var t = 0; t <= turn; t++)
        {
            own += 4 + (int)(Tag(5, (c << 8) | (uint)t) % 17);
        }

        var system = Tag(3, c) % 16;
        var path = new ulong[SystemBlocks + own];
        for (var j = 0; j < path.Length; j++)
        {
            path[j] = j < SystemBlocks ? H(Tag(1, system) + (ulong)j) : H(Tag(2, c) + (ulong)(j - SystemBlocks));
        }

        return path;
    }

    /// <summary>False when the target was reached.</summary>
    private bool RunWindow(ulong first, int target)
    {
        _recorded.Clear();
        for (var i = 0; i < Window; i++)
        {
            var c = first + (ulong)i;
            var locals = Path(c, Turns(c) - 1);
            var externals = new ulong[locals.Length];
            for (var j = 0; j < locals.Length; j++)
            {
                externals[j] = j == 0 ? locals[0] : _chain(externals[j - 1], locals[j]);
            }

            _window[i] = new Conversation { Id = c, Turns = Turns(c), Locals = locals, Externals = externals, Length = SystemBlocks };
        }

        for (var t = 0; t < MaxTurns; t++)
        {
            for (var i = 0; i < Window; i++)
            {
                if (t < _window[i].Turns && !RunTurn(ref _window[i], t, target))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private bool RunTurn(ref Conversation c, int turn, int target)
    {
        if (Blocks >= target)
        {
            return false;
        }

        var k = (c.Id << 8) | (uint)turn;
        c.Worker = turn == 0 ? (int)(Tag(6, c.Id) % (ulong)_workers)
            : Tag(7, k) % 16 == 0 ? (int)(Tag(8, k) % (ulong)_workers) : c.Worker;
        c.Length += 4 + (int)(Tag(5, k) % 17);
        var system = Tag(3, c.Id) % 16;
        var n = _recorded.TryGetValue((c.Id, c.Worker), out var length) ? length : _systems.Contains((c.Worker, system)) ? SystemBlocks : 0;
        Events.Add(new Event(c.Worker, n > 0, n > 0 ? c.Externals[n - 1] : 0, Blocks, c.Length - n));
        _blocks.AddRange(c.Locals.AsSpan(n, c.Length - n));
        _externals.AddRange(c.Externals.AsSpan(n, c.Length - n));
        _recorded[(c.Id, c.Worker)] = c.Length;
        _systems.Add((c.Worker, system));
        Check = H(Check ^ c.Externals[c.Length - 1] ^ (ulong)c.Worker ^ ((ulong)n << 32));
        return true;
    }
}
