using System.Diagnostics;
using System.Globalization;
using Epp.Hashing;
using Epp.Native.KvEvents;
using Epp.Native.Prefix;

namespace Epp.Bench.Prefix;

/// <summary>
/// <c>--index-trace [BLOCKS [WORKERS [ROUNDS]]]</c>: the prefix index on the reference trace: blocks stored a second, blocks of queries found a
/// second, bytes a block, and the sums that every implementation must print. Each figure is the best of the rounds, on one thread; <c>named</c>
/// gives every worker names of its own, as engines do, where the trace's names are sequence hashes.
/// </summary>
internal static class IndexTraceRun
{
    private const int Queries = 20_000;

    public static int Run(string[] args, TextWriter output)
    {
        var blocks = args.Length > 0 ? int.Parse(args[0], CultureInfo.InvariantCulture) : 1_000_000;
        var workers = args.Length > 1 ? int.Parse(args[1], CultureInfo.InvariantCulture) : 256;
        var rounds = args.Length > 2 ? int.Parse(args[2], CultureInfo.InvariantCulture) : 5;
        var trace = IndexTrace.Create(workers, blocks, DynamoBlockHasher.Chain);
        output.WriteLine($"{blocks:N0} blocks, {workers} workers: trace_check {trace.Check:x16}, {trace.Blocks:N0} blocks, {trace.Events.Count:N0} events");
        output.WriteLine("names     store blocks/s  find query-blocks/s  with a writer  p50 us  p99 us  bytes/block  holder-blocks");
        foreach (var named in args.Length > 3 ? new[] { false } : new[] { false, true })
        {
            Measure(trace, named, rounds, output);
        }

        return 0;
    }

    private static void Measure(IndexTrace trace, bool named, int rounds, TextWriter output)
    {
        var store = double.MaxValue;
        var index = new KvIndex(1);
        for (var round = 0; round < rounds; round++)
        {
            index = new KvIndex(0x51D2_7A3C_9E01_44F7, 4L << 30);
            GC.Collect();
            store = Math.Min(store, Fill(trace, index, named));
        }

        var queries = Enumerable.Range(0, Queries).Select(i => trace.Query((ulong)i)).ToArray();
        var find = double.MaxValue;
        var sums = default(Sums);
        var times = new double[Queries];
        for (var round = 0; round < rounds; round++)
        {
            var (seconds, s) = Find(index, queries, times);
            (find, sums) = (Math.Min(find, seconds), s);
        }

        Array.Sort(times);
        var bytes = index.BytesUsed;
        var held = index.HolderBlocks;
        var beside = FindBesideWriter(index, queries, rounds);
        output.WriteLine(string.Create(
            CultureInfo.InvariantCulture,
            $"{(named ? "own" : "sequence"),-9} {trace.Blocks / store / 1e6,12:F1} M {sums.QueryBlocks / find / 1e6,18:F1} M {sums.QueryBlocks / beside / 1e6,12:F1} M {times[Queries / 2],7:F2} {times[Queries * 99 / 100],7:F2} {(double)bytes / trace.Blocks,12:F1} {held,14:N0}"));
        output.WriteLine($"          {sums.QueryBlocks:N0} query blocks, {sums.Matched:N0} matched, {sums.Score:N0} score sum, {sums.Holders:N0} holders");
    }

    private static double Fill(IndexTrace trace, KvIndex index, bool named)
    {
        var writer = new KvIndexWriter(index, new PromptShapes());
        var names = new ulong[4096];
        var clock = Stopwatch.StartNew();
        foreach (ref readonly var e in System.Runtime.InteropServices.CollectionsMarshal.AsSpan(trace.Events))
        {
            var externals = trace.Externals(e);
            var mask = named ? ((ulong)e.Worker + 1) * 0x9E3779B97F4A7C15 : 0;
            if (named)
            {
                for (var i = 0; i < externals.Length; i++)
                {
                    names[i] = externals[i] ^ mask;
                }

                externals = names.AsSpan(0, externals.Length);
            }

            writer.Stored(new KvStored
            {
                Head = new KvEventHead(new KvRank((ulong)e.Worker, 0), 0),
                HasParent = e.HasParent,
                ParentHash = e.Parent ^ mask,
                BlockHashes = externals,
                TokensHashes = trace.Locals(e),
                StartPosition = -1,
                IdsPerToken = 1,
            });
        }

        var seconds = clock.Elapsed.TotalSeconds;
        if (writer.Totals.UnknownParents + writer.Totals.Rejected != 0)
        {
            throw new InvalidOperationException($"the trace was not stored whole: {writer.Totals}");
        }

        return seconds;
    }

    private static (double Seconds, Sums Sums) Find(KvIndex index, ulong[][] queries, double[]? times)
    {
        var match = new KvMatch();
        var chain = new ulong[4096];
        var sums = default(Sums);
        var clock = Stopwatch.StartNew();
        for (var q = 0; q < queries.Length; q++)
        {
            var start = times is null ? 0 : Stopwatch.GetTimestamp();
            var locals = queries[q];
            chain[0] = locals[0];
            for (var i = 1; i < locals.Length; i++)
            {
                chain[i] = DynamoBlockHasher.Chain(chain[i - 1], locals[i]);
            }

            index.Find(chain.AsSpan(0, locals.Length), match);
            sums.Add(locals.Length, match);
            if (times is not null)
            {
                times[q] = Stopwatch.GetElapsedTime(start).TotalMicroseconds;
            }
        }

        return (clock.Elapsed.TotalSeconds, sums);
    }

    /// <summary>A second thread stores and removes chains, about a million blocks a second, while queries run.</summary>
    private static double FindBesideWriter(KvIndex index, ulong[][] queries, int rounds)
    {
        var stop = false;
        var writing = new Thread(() =>
        {
            var random = new Random(1);
            var chain = new ulong[20];
            var worker = 0UL;
            while (!Volatile.Read(ref stop))
            {
                var start = Stopwatch.GetTimestamp();
                for (var e = 0; e < 50; e++)
                {
                    random.NextBytes(System.Runtime.InteropServices.MemoryMarshal.AsBytes(chain.AsSpan()));
                    var rank = new KvRank(worker++ % 256, 0);
                    index.Store(rank, KvTier.Device, chain, chain, counted: false);
                    index.Remove(rank, KvTier.Device, chain);
                }

                while (Stopwatch.GetElapsedTime(start).TotalMicroseconds < 1000)
                {
                    Thread.SpinWait(20);
                }
            }
        });
        writing.Start();
        var best = double.MaxValue;
        for (var round = 0; round < rounds; round++)
        {
            best = Math.Min(best, Find(index, queries, null).Seconds);
        }

        Volatile.Write(ref stop, true);
        writing.Join();
        return best;
    }

    private struct Sums
    {
        public long QueryBlocks;
        public long Matched;
        public long Score;
        public long Holders;

        public void Add(int blocks, KvMatch match)
        {
            QueryBlocks += blocks;
            var deepest = 0;
            foreach (var held in match.DeviceBlocks)
            {
                deepest = Math.Max(deepest, held);
                Score += held;
            }

            Matched += deepest;
            Holders += match.Count;
        }
    }
}
