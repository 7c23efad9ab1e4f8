namespace Epp.Native.Wire;

/// <summary>
/// Walks the label set of one sample: <c>{name="value",name="value"}</c>, trailing comma and spaces allowed. Never throws; a set that is
/// not closed ends with <see cref="Closed"/> false.
/// </summary>
internal ref struct PrometheusTextLabels
{
    private ReadOnlySpan<byte> _rest;

    /// <param name="set">The line from its <c>{</c> on.</param>
    public PrometheusTextLabels(ReadOnlySpan<byte> set)
    {
        _rest = set[1..];
    }

    public ReadOnlySpan<byte> Name { get; private set; }

    /// <summary>The value as written: <c>\\</c>, <c>\"</c> and <c>\n</c> are still escaped.</summary>
    public ReadOnlySpan<byte> RawValue { get; private set; }

    /// <summary>True once the closing brace was met; <see cref="After"/> is valid then.</summary>
    public bool Closed { get; private set; }

    /// <summary>What follows the closing brace.</summary>
    public readonly ReadOnlySpan<byte> After => _rest;

    /// <summary>Steps to the next label; false at the closing brace and at the first malformed byte.</summary>
    public bool MoveNext()
    {
        var rest = _rest.TrimStart(" \t,"u8);
        if (rest.IsEmpty || rest[0] == (byte)'}')
        {
            Closed = !rest.IsEmpty;
            _rest = rest.IsEmpty ? rest : rest[1..];
            return false;
        }

        var equals = rest.IndexOf((byte)'=');
        var quote = equals < 0 ? -1 : equals + 1;
        while (quote >= 0 && quote < rest.Length && rest[quote] is (byte)' ' or (byte)'\t')
        {
            quote++;
        }

        if (quote < 0 || quote >= rest.Length || rest[quote] != (byte)'"')
        {
            _rest = default;
            return false;
        }

        var value = rest[(quote + 1)..];
        var end = EndOfValue(value);
        if (end < 0)
        {
            _rest = default;
            return false;
        }

        Name = rest[..equals].TrimEnd(" \t"u8);
        RawValue = value[..end];
        _rest = value[(end + 1)..];
        return true;
    }

    /// <summary>Compares a value as written with plain text, without a copy.</summary>
    public static bool ValueEquals(ReadOnlySpan<byte> raw, ReadOnlySpan<byte> plain)
    {
        if (!raw.Contains((byte)'\\'))
        {
            return raw.SequenceEqual(plain);
        }

        var at = 0;
        for (var i = 0; i < raw.Length; i++, at++)
        {
            var b = Unescaped(raw, ref i);
            if (at >= plain.Length || plain[at] != b)
            {
                return false;
            }
        }

        return at == plain.Length;
    }

    /// <summary>A value without its escapes.</summary>
    public static byte[] Unescape(ReadOnlySpan<byte> raw)
    {
        if (!raw.Contains((byte)'\\'))
        {
            return raw.ToArray();
        }

        var plain = new byte[raw.Length];
        var n = 0;
        for (var i = 0; i < raw.Length; i++)
        {
            plain[n++] = Unescaped(raw, ref i);
        }

        return plain[..n];
    }

    private static byte Unescaped(ReadOnlySpan<byte> raw, ref int i)
    {
        if (raw[i] != (byte)'\\' || i + 1 == raw.Length)
        {
            return raw[i];
        }

        i++;
        return raw[i] == (byte)'n' ? (byte)'\n' : raw[i];
    }

    private static int EndOfValue(ReadOnlySpan<byte> value)
    {
        var at = 0;
        while (true)
        {
            var next = value[at..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0)
            {
                return -1;
            }

            at += next;
            if (value[at] == (byte)'"')
            {
                return at;
            }

            at += 2;
            if (at >= value.Length)
            {
                return -1;
            }
        }
    }
}
