namespace Epp.Native.Tokens.Models;

/// <summary>
/// Merges the symbols of a word: always the pair of lowest rank, the leftmost of equals. Short words scan for it, long ones keep lists by rank or a
/// queue, so that a word of n symbols costs n log n and no text is slow.
/// </summary>
internal static class WordMerger
{
    /// <summary>Up to here scanning is faster.</summary>
    private const int ScanSymbols = 96;

    private const int Dead = -1;
    private const int Edge = -1;

    /// <summary>Merges the first symbols of the state; returns how many are left.</summary>
    public static int Merge(ModelState state, int count, MergeTable merges) =>
        count <= ScanSymbols ? Scan(state.Symbols, state.Merges, count, merges) : Rounds(state, count, merges);

    private static int Scan(int[] symbolArray, ulong[] mergeArray, int count, MergeTable merges)
    {
        var symbols = symbolArray.AsSpan(0, count);
        var found = mergeArray.AsSpan(0, count);
        for (var i = 0; i < count - 1; i++)
        {
            found[i] = merges.Get(symbols[i], symbols[i + 1]);
        }

        while (count > 1)
        {
            var (best, at) = (MergeTable.None, 0);
            for (var i = 0; i < count - 1; i++)
            {
                if (found[i] < best)
                {
                    (best, at) = (found[i], i);
                }
            }

            if (best == MergeTable.None)
            {
                break;
            }

            symbols[at] = (int)(uint)best;
            count--;
            symbols[(at + 2)..(count + 1)].CopyTo(symbols[(at + 1)..]);
            if (at + 1 < count)
            {
                found[(at + 2)..count].CopyTo(found[(at + 1)..]);
                found[at] = merges.Get(symbols[at], symbols[at + 1]);
            }

            if (at > 0)
            {
                found[at - 1] = merges.Get(symbols[at - 1], symbols[at]);
            }
        }

        return count;
    }

    // Rank by rank as long as merges make pairs of higher rank only, as trained merges do; with a queue from where one does not.
    private static int Rounds(ModelState state, int count, MergeTable merges)
    {
        state.ReserveLinks(count);
        var (symbols, before, after) = (state.Symbols, state.Before, state.After);
        var rounds = new MergeRounds(state, merges, count);
        for (var i = 0; i < count; i++)
        {
            (before[i], after[i]) = (i - 1, i + 1 < count ? i + 1 : Edge);
            if (i + 1 < count)
            {
                rounds.Offer(symbols, i, i + 1);
            }
        }

        var inOrder = true;
        while (inOrder && rounds.TryNext(out var rank, out var positions))
        {
            for (var i = 0; i < positions.Length; i++)
            {
                var at = positions[i];
                var right = symbols[at] == Dead ? Edge : after[at];
                if (right == Edge || merges.Get(symbols[at], symbols[right]) is var merge && merge >> 32 != (uint)rank)
                {
                    continue;
                }

                Join(symbols, before, after, at, right, (int)(uint)merge);

                // Where the next one merges with its own right neighbour now, it offers the pair that then stands here.
                var isPassing = i + 1 < positions.Length && positions[i + 1] == after[at] && after[after[at]] is var third && third != Edge
                    && merges.Get(symbols[after[at]], symbols[third]) >> 32 == (uint)rank;
                inOrder &= after[at] == Edge || (isPassing ? rounds.RankOf(symbols, at, after[at]) : rounds.Offer(symbols, at, after[at])) > rank;
                inOrder &= before[at] == Edge || rounds.Offer(symbols, before[at], at) > rank;
                if (!inOrder)
                {
                    break;
                }
            }
        }

        rounds.Clear();
        if (!inOrder)
        {
            Queue(state, count, merges);
        }

        return Compact(symbols, count);
    }

    private static void Join(int[] symbols, int[] before, int[] after, int at, int right, int made)
    {
        (symbols[at], symbols[right]) = (made, Dead);
        after[at] = after[right];
        if (after[at] != Edge)
        {
            before[after[at]] = at;
        }
    }

    // Goes on from any state of the links.
    private static void Queue(ModelState state, int count, MergeTable merges)
    {
        var (symbols, before, after) = (state.Symbols, state.Before, state.After);
        var queue = new MergeQueue(state, count);
        for (var i = 0; i < count; i++)
        {
            if (symbols[i] != Dead && after[i] != Edge && merges.Get(symbols[i], symbols[after[i]]) is not MergeTable.None and var merge)
            {
                queue.Append((merge & 0xFFFFFFFF_00000000) | (uint)i);
            }
        }

        queue.Order();
        while (queue.TryTake(out var entry))
        {
            var at = (int)(uint)entry;
            if (symbols[at] == Dead || after[at] == Edge)
            {
                continue;
            }

            // An entry is out of date where the pair there is no longer the one of its rank.
            var right = after[at];
            var merge = merges.Get(symbols[at], symbols[right]);
            if (merge >> 32 != entry >> 32)
            {
                continue;
            }

            Join(symbols, before, after, at, right, (int)(uint)merge);
            if (after[at] != Edge)
            {
                Offer(ref queue, merges, symbols, at, after[at]);
            }

            if (before[at] != Edge)
            {
                Offer(ref queue, merges, symbols, before[at], at);
            }
        }
    }

    private static void Offer(ref MergeQueue queue, MergeTable merges, int[] symbols, int left, int right)
    {
        var merge = merges.Get(symbols[left], symbols[right]);
        if (merge != MergeTable.None)
        {
            queue.Add((merge & 0xFFFFFFFF_00000000) | (uint)left);
        }
    }

    private static int Compact(int[] symbols, int count)
    {
        var left = 0;
        for (var i = 0; i < count; i++)
        {
            if (symbols[i] != Dead)
            {
                symbols[left++] = symbols[i];
            }
        }

        return left;
    }
}
