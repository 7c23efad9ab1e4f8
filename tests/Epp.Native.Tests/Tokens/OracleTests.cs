using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Tokens;

/// <summary>
/// Random texts through the Hugging Face library and through ours. Needs node and the npm package (build/fuzz-tokenizers.sh installs it and
/// runs this with 100,000 texts per family); skips without. <c>EPP_TOKENIZERS</c> names a folder with more tokenizer files, which are
/// others' and stay outside the repository; <c>EPP_FUZZ_LIST</c> a JSON list of texts that come before the random ones.
/// </summary>
[Trait("Category", "Golden")]
public sealed class OracleTests
{
    private const int TextsInCi = 200;

    [SkippableFact]
    public void Encode_RandomTexts_EqualsLibrary()
    {
        var modules = Environment.GetEnvironmentVariable("EPP_ORACLE") ?? Path.Combine(Repository.Root, "artifacts", "oracle", "node_modules");
        Skip.IfNot(Directory.Exists(Path.Combine(modules, "tokenizers")), "No npm package tokenizers: run build/fuzz-tokenizers.sh, or set EPP_ORACLE to its node_modules.");
        var count = int.Parse(Environment.GetEnvironmentVariable("EPP_FUZZ_TEXTS") ?? TextsInCi.ToString(CultureInfo.InvariantCulture), CultureInfo.InvariantCulture);
        var seed = int.Parse(Environment.GetEnvironmentVariable("EPP_FUZZ_SEED") ?? "1", CultureInfo.InvariantCulture);
        var wrong = new StringBuilder();
        var texts = 0;
        foreach (var file in Families())
        {
            texts += Compare(file, modules, seed, count, wrong);
        }

        Assert.True(texts > 0, "no text was compared");
        Assert.True(wrong.Length == 0, $"seed {seed}: {wrong}");
    }

    private static IEnumerable<string> Families()
    {
        var only = Environment.GetEnvironmentVariable("EPP_FUZZ_FAMILY") ?? "";
        var own = Directory.GetFiles(Path.Combine(Repository.Tokenizers, "shapes"), "*.tokenizer.json");
        var shared = Golden.Folder is null ? null : Path.Combine(Golden.Folder, "..", "tokenizers");
        var others = Directory.Exists(shared) ? Directory.GetFiles(shared, "tokenizer.json", SearchOption.AllDirectories) : [];
        var more = Environment.GetEnvironmentVariable("EPP_TOKENIZERS") is { Length: > 0 } folder
            ? Directory.GetFiles(folder, "*tokenizer.json", SearchOption.AllDirectories)
            : [];
        return own.Concat(others).Concat(more).Where(f => f.Contains(only, StringComparison.Ordinal)).Order(StringComparer.Ordinal);
    }

    private static int Compare(string file, string modules, int seed, int count, StringBuilder wrong)
    {
        var tokenizer = Tokenizer.Load(File.ReadAllBytes(file), out var error);
        using var oracle = StartOracle(file, modules, seed, count);
        var encoder = tokenizer?.CreateEncoder();
        var (texts, differences) = (0, new StringBuilder());
        while (oracle.StandardOutput.ReadLine() is { } line)
        {
            using var document = JsonDocument.Parse(line);
            var row = document.RootElement;
            if (row.TryGetProperty("refused", out _))
            {
                oracle.WaitForExit();
                return 0;
            }

            if (encoder is null)
            {
                differences.AppendLine($"does not load: {error}");
                oracle.Kill();
                break;
            }

            if (differences.Length < 600)
            {
                var text = row.GetProperty("text").GetString()!;
                ShapeGoldenTests.Compare(encoder, text, special: false, row.GetProperty("ids"), differences);
                ShapeGoldenTests.Compare(encoder, text, special: true, row.GetProperty("special"), differences);
            }

            texts++;
        }

        oracle.WaitForExit();
        Assert.True(encoder is null || (oracle.ExitCode == 0 && texts >= count), $"{file}: the oracle gave {texts} of {count} texts");
        if (differences.Length > 0)
        {
            wrong.AppendLine(file).Append(differences);
        }

        return texts;
    }

    private static Process StartOracle(string file, string modules, int seed, int count)
    {
        var start = new ProcessStartInfo("node")
        {
            ArgumentList = { Path.Combine(Repository.Tokenizers, "oracle.js"), file, seed.ToString(CultureInfo.InvariantCulture), count.ToString(CultureInfo.InvariantCulture) },
            Environment = { ["NODE_PATH"] = modules },
            RedirectStandardOutput = true,
            StandardOutputEncoding = Encoding.UTF8,
        };
        if (Environment.GetEnvironmentVariable("EPP_FUZZ_LIST") is { Length: > 0 } list)
        {
            start.ArgumentList.Add(list);
        }

        return Process.Start(start)!;
    }
}
