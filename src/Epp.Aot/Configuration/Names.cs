namespace Epp.Aot.Configuration;

/// <summary>Finds the name somebody probably meant.</summary>
internal static class Names
{
    private const int LongestName = 64;

    /// <summary><c>; did you mean 'x'?</c> for the nearest known name, or nothing where none is near.</summary>
    public static string Suggest(string found, IEnumerable<string> known)
    {
        if (found.Length > LongestName)
        {
            return "";
        }

        var nearest = "";
        var limit = Math.Max(1, Math.Min(4, found.Length / 3));
        foreach (var name in known)
        {
            if (name.Length <= LongestName && Distance(found.ToUpperInvariant(), name.ToUpperInvariant()) is var distance && distance <= limit)
            {
                nearest = name;
                limit = distance - 1;
            }
        }

        return nearest.Length == 0 ? "" : $"; did you mean '{nearest}'?";
    }

    /// <summary>Levenshtein distance.</summary>
    private static int Distance(string a, string b)
    {
        Span<int> row = stackalloc int[LongestName + 1];
        for (var j = 0; j <= b.Length; j++)
        {
            row[j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
