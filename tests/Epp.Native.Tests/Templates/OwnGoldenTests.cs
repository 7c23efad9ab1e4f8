using System.Text.Json;
using System.Text.Json.Nodes;
using Epp.Native.Templates;
using Epp.Testing;

namespace Epp.Native.Tests.Templates;

/// <summary>
/// Templates written for this project, as Python's jinja2 renders them. Made again with <c>/usr/bin/python3 jinja-oracle.py goldens
/// goldens &gt; goldens/rendered.jsonl</c> in this folder.
/// </summary>
[Trait("Category", "Unit")]
public sealed class OwnGoldenTests
{
    private const string SnippetContext = """
        {"s":" xabAb a","u":"日本🙂é","l":[1,"a",null,true,2.5],"o":{"k":1,"a":{"x":[1,2]},"items":"I"},"ls":["b","A","a","C"],
        "ld":[{"k":"x","v":2},{"k":"y","v":1},{"k":"x","v":3}],"big":12345678901234567890}
        """;

    internal static string Folder => Path.Combine(SharedTools.Repository!, "tests", "Epp.Native.Tests", "Templates", "goldens");

    [SkippableFact]
    public void Render_OwnTemplates_EqualsPython()
    {
        Skip.If(SharedTools.Repository is null, "The goldens lie in the repository.");
        using var conversations = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "conversations.json")));
        var mismatches = new Mismatches();
        foreach (var line in File.ReadLines(Path.Combine(Folder, "rendered.jsonl")))
        {
            var row = JsonNode.Parse(line)!;
            var (expected, error) = ((string?)row["prompt"], (string?)row["error"]);
            if ((string?)row["snippet"] is { } snippet)
            {
                mismatches.Check(snippet, expected, Rendering.Of(snippet, SnippetContext), error);
                continue;
            }

            var name = (string)row["conversation"]!;
            var template = File.ReadAllText(Path.Combine(Folder, (string)row["template"]!));
            mismatches.Check($"{row["template"]} {name}", expected, Rendering.Of(template, Context(conversations.RootElement.GetProperty(name))), error);
        }

        mismatches.AssertNone();
    }

    /// <summary>The conversation's own text behind the defaults, so that numbers keep their spelling and given members win.</summary>
    private static string Context(JsonElement conversation) =>
        "{\"tools\":null,\"documents\":null,\"bos_token\":\"<s>\",\"eos_token\":\"</s>\"," + conversation.GetRawText().TrimStart()[1..];

    [Theory]
    [InlineData("{% for m in messages %}{% for c in m.content %}{% endfor %}{% endfor %}", ContentFormat.OpenAi)]
    [InlineData("{% for m in messages[1:] %}{% for c in m['content']|list %}{% endfor %}{% endfor %}", ContentFormat.OpenAi)]
    [InlineData("{% set a = messages %}{% set b = a %}{% for m in b %}{% for c in m.content %}{% endfor %}{% endfor %}", ContentFormat.OpenAi)]
    [InlineData("{% for m in messages if m.content is defined %}{% for c in m.content %}{% endfor %}{% endfor %}", ContentFormat.OpenAi)]
    [InlineData("{% set a = messages %}{% set messages = a %}{% for m in messages %}{{ m.content }}{% endfor %}", ContentFormat.Text)]
    [InlineData("{% for m in messages %}{{ m.content }}{% endfor %}", ContentFormat.Text)]
    [InlineData("{% for m in messages %}{% set c = m.content %}{% for p in c %}{% endfor %}{% endfor %}", ContentFormat.Text)]
    [InlineData("{% for m, n in messages %}{% for c in m.content %}{% endfor %}{% endfor %}", ContentFormat.Text)]
    [InlineData("{% for m in messages %}{% for a, b in m.content %}{% endfor %}{% endfor %}", ContentFormat.Text)]
    [InlineData("{% set a, b = messages %}{% for m in messages %}{% for c in m.content %}{% endfor %}{% endfor %}", ContentFormat.Text)]
    [InlineData("{% macro p(content) %}{% for c in content %}{% endfor %}{% endmacro %}{% for m in messages %}{{ p(m.content) }}{% endfor %}", ContentFormat.Text)]
    public void ContentFormat_IsReadFromTheTree(string template, ContentFormat expected)
    {
        Assert.True(ChatTemplate.TryParse(System.Text.Encoding.UTF8.GetBytes(template), TemplateFlavour.Jinja2, out var parsed, out var error), error.Message);
        Assert.Equal(expected, parsed!.ContentFormat);
    }

    [Fact]
    public void Mentions_LooksAtTheSource()
    {
        Assert.True(ChatTemplate.TryParse("{# developer #}x"u8, TemplateFlavour.Jinja2, out var template, out _));
        Assert.True(template!.Mentions("developer"u8));
        Assert.False(template.Mentions("reasoning"u8));
    }
}
