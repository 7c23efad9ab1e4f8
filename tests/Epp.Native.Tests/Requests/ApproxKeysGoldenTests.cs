using System.Globalization;
using System.Text;
using System.Text.Json;
using Epp.Native.Prefix;
using Epp.Native.Requests;
using Epp.Testing;

namespace Epp.Native.Tests.Requests;

/// <summary>Block hashes recorded from the references' own code.</summary>
[Trait("Category", "Golden")]
public sealed class ApproxKeysGoldenTests
{
    [SkippableFact]
    public void Hash_EveryRecordedCase_EqualsReference()
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(Golden.Require("kv/approx-keys.json")));
        var checkedResults = 0;
        foreach (var part in document.RootElement.EnumerateObject())
        {
            var rules = part.Name.StartsWith("gaie", StringComparison.Ordinal) ? Dialect.Gaie : Dialect.LlmD;
            foreach (var item in part.Value.GetProperty("cases").EnumerateArray())
            {
                checkedResults += Check(rules, item);
            }
        }

        Assert.True(checkedResults > 0, "approx-keys.json holds no result");
    }

    private static int Check(Dialect rules, JsonElement item)
    {
        var body = Encoding.UTF8.GetBytes(item.GetProperty("body").GetString()!);
        var api = RequestPaths.Resolve(Encoding.UTF8.GetBytes(item.GetProperty("path").GetString()!), rules);
        var scanner = new RequestScanner();
        var accepted = Scan.Into(scanner, body, api);
        if (item.TryGetProperty("parseError", out var error))
        {
            Assert.False(accepted);
            Assert.EndsWith(error.GetString()!, "inference gateway: BadRequest - " + scanner.ErrorMessage, StringComparison.Ordinal);
            return 0;
        }

        Assert.True(accepted, scanner.ErrorMessage);
        Assert.Equal(item.GetProperty("cacheSalt").GetString(), Encoding.UTF8.GetString(scanner.CacheSalt));
        using var buffer = Scan.Buffer(body);
        var count = 0;
        foreach (var result in item.GetProperty("results").EnumerateArray())
        {
            var hashes = new BlockHashes();
            var blockSize = result.GetProperty(rules == Dialect.Gaie ? "blockSizeBytes" : "blockSizeTokens").GetInt32();
            var model = Encoding.UTF8.GetBytes(result.GetProperty("targetModel").GetString()!);
            ApproxPrefixHasher.Hash(scanner, buffer, model, scanner.CacheSalt, rules, blockSize, result.GetProperty("maxBlocks").GetInt32(), hashes);
            Assert.Equal(Expected(rules, result.GetProperty("hashes")), Actual(hashes));
            count++;
        }

        return count;
    }

    private static List<string> Expected(Dialect rules, JsonElement hashes) => rules == Dialect.Gaie
        ? [string.Join(' ', hashes.EnumerateArray().Select(Hex))]
        : [.. hashes.EnumerateArray().Select(p => string.Join(' ', p.EnumerateArray().Select(Hex)))];

    private static string Hex(JsonElement hash) =>
        ulong.Parse(hash.GetString()!, NumberStyles.HexNumber, CultureInfo.InvariantCulture).ToString("x16", CultureInfo.InvariantCulture);

    private static List<string> Actual(BlockHashes hashes)
    {
        var prompts = new List<string>();
        for (var i = 0; i < hashes.PromptCount; i++)
        {
            prompts.Add(string.Join(' ', hashes.Prompt(i).ToArray().Select(h => h.ToString("x16", CultureInfo.InvariantCulture))));
        }

        return prompts;
    }
}
