namespace Epp.Native.Tokens.Unicode;

/// <summary>Builds a <see cref="CodePointSet"/>: ranges in any order, then set operations.</summary>
internal sealed class CodePointRanges
{
    private int[] _bounds = new int[16];
    private int _count;

    public void Add(int start, int end)
    {
        if (start >= end)
        {
            return;
        }

        if (_count > 0 && _bounds[_count - 1] == start)
        {
            _bounds[_count - 1] = end;
            return;
        }

        if (_count == _bounds.Length)
        {
            Array.Resize(ref _bounds, _count * 2);
        }

        _bounds[_count++] = start;
        _bounds[_count++] = end;
    }

    public void Add(CodePointSet set)
    {
        for (var i = 0; i < set.Bounds.Length; i += 2)
        {
            Add(set.Bounds[i], set.Bounds[i + 1]);
        }
    }

    /// <summary>Every code point of the categories.</summary>
    public void AddCategories(uint mask)
    {
        var runs = new PackedNumbers(UnicodeData.Categories);
        for (var at = 0; !runs.AtEnd;)
        {
            var end = at + runs.Next();
            if (((mask >> runs.Next()) & 1) != 0)
            {
                Add(at, end);
            }

            at = end;
        }
    }

    /// <summary>Every code point of a script by its number.</summary>
    public void AddScript(int script)
    {
        var runs = new PackedNumbers(UnicodeData.Scripts);
        for (var at = 0; !runs.AtEnd;)
        {
            var end = at + runs.Next();
            if (runs.Next() == script)
            {
                Add(at, end);
            }

            at = end;
        }
    }

    public static CodePointSet Of(uint categories)
    {
        var ranges = new CodePointRanges();
        ranges.AddCategories(categories);
        return ranges.ToSet();
    }

    public static CodePointSet Of(int codePoint)
    {
        var ranges = new CodePointRanges();
        ranges.Add(codePoint, codePoint + 1);
        return ranges.ToSet();
    }

    public static CodePointSet Invert(CodePointSet set)
    {
        var ranges = new CodePointRanges();
        var at = 0;
        for (var i = 0; i < set.Bounds.Length; i += 2)
        {
            ranges.Add(at, set.Bounds[i]);
            at = set.Bounds[i + 1];
        }

        ranges.Add(at, CodePointTable.CodePoints);
        return ranges.ToSet();
    }

    public static CodePointSet Intersect(CodePointSet a, CodePointSet b)
    {
        var ranges = new CodePointRanges();
        var x = a.Bounds;
        var y = b.Bounds;
        for (int i = 0, j = 0; i < x.Length && j < y.Length;)
        {
            ranges.Add(Math.Max(x[i], y[j]), Math.Min(x[i + 1], y[j + 1]));
            if (x[i + 1] < y[j + 1])
            {
                i += 2;
            }
            else
            {
                j += 2;
            }
        }

        return ranges.ToSet();
    }

    /// <summary>Adds every code point that the case-insensitive mode holds equal to one of the set.</summary>
    public static CodePointSet FoldCase(CodePointSet set)
    {
        var ranges = new CodePointRanges();
        ranges.Add(set);
        var folds = CaseFolds.Default;
        for (var i = 0; i < folds.Count; i++)
        {
            var (from, to) = folds[i];
            if (set.Contains(to) || folds.AnyOfClass(to, set))
            {
                ranges.Add(from, from + 1);
                ranges.Add(to, to + 1);
            }
        }

        return ranges.ToSet();
    }

    /// <summary>Sorts and merges.</summary>
    public CodePointSet ToSet()
    {
        var starts = new int[_count / 2];
        var ends = new int[_count / 2];
        for (var i = 0; i < starts.Length; i++)
        {
            (starts[i], ends[i]) = (_bounds[2 * i], _bounds[(2 * i) + 1]);
        }

        // Sorted apart, the k-th start and k-th end bound the same stretches of the union.
        Array.Sort(starts);
        Array.Sort(ends);
        var merged = new int[_count];
        var count = 0;
        for (var i = 0; i < starts.Length; i++)
        {
            if (count > 0 && merged[count - 1] >= starts[i])
            {
                merged[count - 1] = Math.Max(merged[count - 1], ends[i]);
                continue;
            }

            merged[count++] = starts[i];
            merged[count++] = ends[i];
        }

        Array.Resize(ref merged, count);
        return new CodePointSet(merged);
    }
}
