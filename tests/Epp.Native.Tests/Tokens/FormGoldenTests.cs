using System.Text;
using System.Text.Json;
using Epp.Native.Tokens;
using Epp.Testing;

namespace Epp.Native.Tests.Tokens;

/// <summary>
/// Tokenizers that engines rebuild (autotokenizer-*.json): for each class and type of model, either as many texts differ from
/// tokenizer.json as were recorded, the examples among them with their ids, or the form carries a warning that names the class.
/// </summary>
[Trait("Category", "Golden")]
public sealed class FormGoldenTests
{
    // The type of model of the recordings that name none.
    private const string RecordedType = "llama";

    [SkippableFact]
    public void Form_EveryRecordedClass_IsReproducedOrWarned()
    {
        var folder = Golden.Require("vllm-render");
        var texts = JsonSerializer.Deserialize<string[]>(File.ReadAllText(Golden.Require("tokenizers/corpus.json")))!;
        var (rows, reproduced, wrong) = (0, 0, new StringBuilder());
        foreach (var file in Directory.GetFiles(folder, "autotokenizer-*.json"))
        {
            using var document = JsonDocument.Parse(File.ReadAllBytes(file));
            var major = int.Parse(document.RootElement.GetProperty("transformers").GetString()!.Split('.')[0]);
            foreach (var row in document.RootElement.GetProperty("rows").EnumerateArray())
            {
                var model = Path.Combine(Golden.Folder!, "..", "tokenizers", row.GetProperty("tokenizer").GetString()!, "tokenizer.json");
                if (!File.Exists(model) || !row.TryGetProperty("different", out var different))
                {
                    continue;
                }

                rows++;
                reproduced += Check(row, File.ReadAllBytes(model), major, different.GetInt32(), texts, wrong);
            }
        }

        Assert.True(rows > 0 && reproduced > 0, $"{rows} rows, {reproduced} reproduced");
        Assert.True(wrong.Length == 0, wrong.ToString());
    }

    private static int Check(JsonElement row, byte[] json, int major, int different, string[] texts, StringBuilder wrong)
    {
        var name = row.GetProperty("tokenizer_class").GetString();
        var type = row.TryGetProperty("model_type", out var modelType) ? modelType.GetString() : RecordedType;
        var form = TokenizerForm.Of(name, type, major);
        var label = $"transformers {major}, {row.GetProperty("tokenizer").GetString()}, {name}, {type}";
        var plain = Tokenizer.Load(json, out _)!.CreateEncoder();
        var rebuilt = Tokenizer.Load(json, form, out var error);
        if (rebuilt is null)
        {
            wrong.AppendLine($"{label}: {error}");
            return 0;
        }

        if (form.Warning is not null)
        {
            Assert.Contains(name ?? row.GetProperty("loaded_as").GetString()!, form.Warning, StringComparison.Ordinal);
            return 0;
        }

        var encoder = rebuilt.CreateEncoder();
        var found = texts.Count(text => Ids(plain, text) != Ids(encoder, text));
        if (found != different)
        {
            wrong.AppendLine($"{label}: {found} texts differ from tokenizer.json, {different} recorded");
        }

        foreach (var example in row.GetProperty("examples").EnumerateArray())
        {
            var text = example.GetProperty("text").GetString()!;
            var expected = string.Join(',', example.GetProperty("AutoTokenizer").EnumerateArray().Select(static i => i.GetUInt32()));
            if (Ids(encoder, text) != expected)
            {
                wrong.AppendLine($"{label}: {JsonSerializer.Serialize(text)} {Ids(encoder, text)} instead of {expected}");
            }
        }

        return 1;
    }

    private static string Ids(TokenEncoder encoder, string text)
    {
        var ids = new TokenBuffer();
        Assert.Equal(TokenizeStatus.Ok, encoder.Encode(Encoding.UTF8.GetBytes(text), false, ids));
        return string.Join(',', ids.Ids.ToArray());
    }

    [Fact]
    public void Form_ClassWithoutModelType_IsAsWrittenWithAWarning()
    {
        var form = TokenizerForm.Of("LlamaTokenizerFast", null, 5);
        Assert.Equal(TokenizerShape.AsWritten, form.Shape);
        Assert.Contains("LlamaTokenizerFast", form.Warning, StringComparison.Ordinal);
        Assert.Null(TokenizerForm.Of("LlamaTokenizer", "phi3", 5).Warning);
        Assert.Null(TokenizerForm.Of("Qwen2Tokenizer", "qwen3", 5).Warning);
        Assert.Contains("XglmTokenizer", TokenizerForm.Of("XglmTokenizer", "xglm", 5).Warning, StringComparison.Ordinal);
    }
}
