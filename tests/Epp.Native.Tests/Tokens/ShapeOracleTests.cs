using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Epp.Native.Tokens;

namespace Epp.Native.Tests.Tokens;

/// <summary>
/// Tokenizers that nobody made, of random normalizers, pre-tokenizers, post-processors, added tokens and models, through the Hugging Face
/// library and through ours (tests/golden/tokenizers/shape-oracle.js). <c>EPP_FUZZ_SHAPES</c> says how many (default 150),
/// <c>EPP_FUZZ_SEED</c> which. Needs node and the npm package; skips without.
/// </summary>
[Trait("Category", "Golden")]
public sealed class ShapeOracleTests
{
    private const int TextsPerShape = 20;

    [SkippableFact]
    public void Encode_RandomShapes_EqualLibrary()
    {
        var modules = Environment.GetEnvironmentVariable("EPP_ORACLE") ?? Path.Combine(Repository.Root, "artifacts", "oracle", "node_modules");
        Skip.IfNot(Directory.Exists(Path.Combine(modules, "tokenizers")), "No npm package tokenizers: run build/fuzz-tokenizers.sh, or set EPP_ORACLE to its node_modules.");
        var count = Variable("EPP_FUZZ_SHAPES", 150);
        var seed = Variable("EPP_FUZZ_SEED", 1);
        var report = new StringBuilder();
        var (compared, wrong) = (0, 0);
        foreach (var line in Lines(modules, seed, count))
        {
            using var row = JsonDocument.Parse(line);
            if (!row.RootElement.TryGetProperty("rows", out var rows))
            {
                continue;
            }

            compared++;
            var json = row.RootElement.GetProperty("tokenizer").GetString()!;
            var differences = Compare(json, rows);
            if (differences.Length > 0 && wrong++ < 40)
            {
                report.AppendLine(Shape(json)).Append(differences);
            }
        }

        Assert.True(compared >= count / 2, $"{compared} of {count} shapes were compared");
        Assert.True(wrong == 0, $"seed {seed}: {wrong} of {compared} shapes differ\n{report}");
    }

    private static StringBuilder Compare(string json, JsonElement rows)
    {
        var differences = new StringBuilder();
        var tokenizer = Tokenizer.Load(Encoding.UTF8.GetBytes(json), out var error);
        if (tokenizer is null)
        {
            return differences.AppendLine($"  does not load: {error}");
        }

        var encoder = tokenizer.CreateEncoder();
        foreach (var row in rows.EnumerateArray())
        {
            var text = row.GetProperty("text").GetString()!;
            foreach (var special in (bool[])[false, true])
            {
                var expected = row.GetProperty(special ? "special" : "ids");
                if (expected.ValueKind == JsonValueKind.Null)
                {
                    // The library fails on this text (no unknown token, for one); ours must only not throw.
                    encoder.Encode(Encoding.UTF8.GetBytes(text), special, new TokenBuffer());
                }
                else if (differences.Length < 500)
                {
                    ShapeGoldenTests.Compare(encoder, text, special, expected, differences);
                }
            }
        }

        return differences;
    }

    // The file without its vocabulary.
    private static string Shape(string json)
    {
        var tokenizer = JsonNode.Parse(json)!.AsObject();
        var model = tokenizer["model"]!.AsObject();
        model.Remove("vocab");
        model.Remove("merges");
        if (tokenizer["normalizer"] is JsonObject normalizer && normalizer.ContainsKey("precompiled_charsmap"))
        {
            normalizer["precompiled_charsmap"] = "…";
        }

        return tokenizer.ToJsonString(new JsonSerializerOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }

    private static IEnumerable<string> Lines(string modules, int seed, int count)
    {
        var from = 0;
        while (from < count)
        {
            var start = new ProcessStartInfo("node") { RedirectStandardOutput = true, RedirectStandardError = true, StandardOutputEncoding = Encoding.UTF8 };
            start.ArgumentList.Add(Path.Combine(Repository.Tokenizers, "shape-oracle.js"));
            foreach (var argument in (int[])[seed, from, count, TextsPerShape])
            {
                start.ArgumentList.Add(argument.ToString(CultureInfo.InvariantCulture));
            }

            start.Environment["NODE_PATH"] = modules;
            using var oracle = Process.Start(start)!;
            oracle.BeginErrorReadLine();
            while (oracle.StandardOutput.ReadLine() is { } line)
            {
                if (line.EndsWith('}'))
                {
                    from++;
                    yield return line;
                }
            }

            oracle.WaitForExit();

            // A panic of the library ends the process: that shape is left out.
            from += oracle.ExitCode == 0 && from < count ? throw new InvalidOperationException($"the oracle stopped at {from}") : 1;
        }
    }

    private static int Variable(string name, int otherwise) =>
        int.TryParse(Environment.GetEnvironmentVariable(name), CultureInfo.InvariantCulture, out var value) ? value : otherwise;
}
