using System.Text.Json;

namespace Epp.Testing;

/// <summary>A tokenizer whose tokens are the bytes of a text, so that ids can be read and written by a test.</summary>
public static class ByteTokenizer
{
    /// <summary>A template that tells roles and contents apart.</summary>
    public const string Template = "{% for m in messages %}{{ m.role }}:{{ m.content }};{% endfor %}";

    /// <summary>Writes the files of a model into a folder.</summary>
    public static void Write(string folder, string template = Template, int firstId = 0)
    {
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), Json(firstId));
        File.WriteAllText(
            Path.Combine(folder, "tokenizer_config.json"), $$"""{"tokenizer_class":"PreTrainedTokenizerFast","chat_template":{{JsonSerializer.Serialize(template)}}}""");
    }

    /// <summary>Byte-level BPE without merges: the id of a byte is <paramref name="firstId"/> above it.</summary>
    public static string Json(int firstId = 0)
    {
        var vocabulary = new List<string>();
        var next = 256;
        for (var b = 0; b < 256; b++)
        {
            var c = b is (>= 33 and <= 126) or (>= 161 and <= 172) or (>= 174 and <= 255) ? b : next++;
            vocabulary.Add($"{JsonSerializer.Serialize(((char)c).ToString())}:{b + firstId}");
        }

        return $$"""
            {"version":"1.0","truncation":null,"padding":null,"added_tokens":[],"normalizer":null,
             "pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false,"trim_offsets":true,"use_regex":true},
             "post_processor":null,"decoder":{"type":"ByteLevel","add_prefix_space":true,"trim_offsets":true,"use_regex":true},
             "model":{"type":"BPE","dropout":null,"unk_token":null,"continuing_subword_prefix":null,"end_of_word_suffix":null,"fuse_unk":false,
              "byte_fallback":false,"ignore_merges":false,"vocab":{ {{string.Join(',', vocabulary)}} },"merges":[]} }
            """;
    }
}
