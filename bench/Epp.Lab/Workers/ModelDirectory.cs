using System.Text.Json;

namespace Epp.Lab.Workers;

/// <summary>
/// Writes the model that the simulated engines serve: a byte-level BPE of 256 tokens without merges, the id of a token its byte, special
/// tokens that begin a message, and a chat template that writes a prompt as <see cref="PromptReader"/> does.
/// </summary>
internal static class ModelDirectory
{
    /// <summary>What begins a message; the first has id 256.</summary>
    public static readonly string[] Marks = ["<system>", "<user>", "<assistant>"];

    const string Template =
        "{% for message in messages %}{{ '<' + message['role'] + '>' }}" +
        "{% if message['content'] is string %}{{ message['content'] }}" +
        "{% else %}{% for part in message['content'] %}{{ part['text'] }}{% endfor %}{% endif %}" +
        "{{ '\\n' }}{% endfor %}";

    public static void Write(string folder)
    {
        var vocabulary = new Dictionary<string, int>(256);
        for (var b = 0; b < 256; b++)
        {
            vocabulary[Letter(b).ToString()] = b;
        }
        var byteLevel = new { type = "ByteLevel", add_prefix_space = false, trim_offsets = false, use_regex = false };
        Save(Path.Combine(folder, "tokenizer.json"), new
        {
            version = "1.0",
            truncation = (object?)null,
            padding = (object?)null,
            added_tokens = Marks.Select(static (mark, i) => new { id = 256 + i, content = mark, single_word = false, lstrip = false, rstrip = false, normalized = false, special = true }),
            normalizer = (object?)null,
            pre_tokenizer = byteLevel,
            post_processor = (object?)null,
            decoder = byteLevel,
            model = new
            {
                type = "BPE",
                dropout = (object?)null,
                unk_token = (object?)null,
                continuing_subword_prefix = (object?)null,
                end_of_word_suffix = (object?)null,
                fuse_unk = false,
                byte_fallback = false,
                ignore_merges = false,
                vocab = vocabulary,
                merges = Array.Empty<string>(),
            },
        });
        Save(Path.Combine(folder, "tokenizer_config.json"), new
        {
            tokenizer_class = "PreTrainedTokenizerFast",
            clean_up_tokenization_spaces = false,
            model_max_length = 131_072,
            chat_template = Template,
        });
    }

    /// <summary>
    /// The letter that byte-level vocabularies write for a byte: itself where it is printable in Latin-1, else the next unused one from
    /// U+0100 on.
    /// </summary>
    static char Letter(int value)
    {
        static bool IsPrintable(int b) => b is (>= 0x21 and <= 0x7E) or (>= 0xA1 and <= 0xAC) or >= 0xAE;
        return (char)(IsPrintable(value) ? value : 0x100 + Enumerable.Range(0, value).Count(static b => !IsPrintable(b)));
    }

    static void Save(string file, object value) => File.WriteAllBytes(file, JsonSerializer.SerializeToUtf8Bytes(value));
}
