using System.Text.Json;

namespace Epp.Hashing.Tests;

/// <summary>Token lists as the golden files describe them; null where a token does not fit 32 bits.</summary>
internal static class GoldenTokens
{
    /// <summary>dynamo/hashes.json: <c>{list}</c> or <c>{formula, n}</c>.</summary>
    public static uint[]? Dynamo(JsonElement tokens)
    {
        if (tokens.TryGetProperty("list", out var list))
        {
            return List(list);
        }

        var result = new uint[tokens.GetProperty("n").GetInt32()];
        ulong state = 12345;
        for (var i = 0; i < result.Length; i++)
        {
            state = tokens.GetProperty("formula").GetString() == "lcg" ? ((state * 1103515245) + 12345) & 0x7FFFFFFF : state;
            result[i] = tokens.GetProperty("formula").GetString() switch
            {
                "iota" => (uint)i,
                "lcg" => (uint)((state >> 8) % 150000),
                "const0" => 0,
                "max" => uint.MaxValue,
                "mixmax" => i % 3 == 0 ? uint.MaxValue : (uint)((ulong)i * 2654435761),
                var other => throw new InvalidDataException($"formula {other} is unknown: extend GoldenTokens"),
            };
        }

        return result;
    }

    /// <summary>kv/llmd-keys.json: <c>{kind, …}</c>.</summary>
    public static uint[] Llmd(JsonElement tokens)
    {
        switch (tokens.GetProperty("kind").GetString())
        {
            case "list":
                return List(tokens.GetProperty("tokens"))!;
            case "ascending":
                var first = tokens.GetProperty("from").GetUInt32();
                return [.. Enumerable.Range(0, tokens.GetProperty("count").GetInt32()).Select(i => first + (uint)i)];
            case "constant":
                return [.. Enumerable.Repeat(tokens.GetProperty("value").GetUInt32(), tokens.GetProperty("count").GetInt32())];
            case "lcg":
                var state = tokens.GetProperty("seed").GetUInt64();
                var vocabulary = tokens.GetProperty("vocab").GetUInt64();
                var result = new uint[tokens.GetProperty("count").GetInt32()];
                foreach (ref var token in result.AsSpan())
                {
                    state = (state * 6364136223846793005) + 1442695040888963407;
                    token = (uint)((state >> 33) % vocabulary);
                }

                return result;
            case var other:
                throw new InvalidDataException($"token kind {other} is unknown: extend GoldenTokens");
        }
    }

    public static uint[]? List(JsonElement list)
    {
        var result = new uint[list.GetArrayLength()];
        for (var i = 0; i < result.Length; i++)
        {
            if (!list[i].TryGetUInt32(out result[i]))
            {
                return null;
            }
        }

        return result;
    }
}
