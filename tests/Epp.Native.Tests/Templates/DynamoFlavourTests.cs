using Epp.Native.Templates;

namespace Epp.Native.Tests.Templates;

/// <summary>What minijinja does otherwise than jinja2: one line a difference, also on clones without the recordings.</summary>
[Trait("Category", "Unit")]
public sealed class DynamoFlavourTests
{
    private const string Context = """{"o":{"b":1,"a":{"x":[1,1e-7]},"items":"I"},"s":"a<'b","n":null,"f":1e22}""";

    [Theory]
    [InlineData("{{ o | tojson }}", """{"b": 1, "a": {"x": [1, 1e-07]}, "items": "I"}""", """{"a":{"x":[1,1e-7]},"b":1,"items":"I"}""", """{"b": 1, "a": {"x": [1, 1e-7]}, "items": "I"}""", """{"b": 1, "a": {"x": [1, 1e-07]}, "items": "I"}""")]
    [InlineData("{{ s | tojson }}", "\"a<'b\"", "\"a\\u003c\\u0027b\"", "\"a<'b\"", "\"a<'b\"")]
    [InlineData("{{ [true, none, 'q'] }} {{ true }}", "[True, None, 'q'] True", "[true, none, \"q\"] true", "[true, none, \"q\"] true", "[True, None, \"q\"] True")]
    [InlineData("{{ f }} {{ [f] }} {{ '' ~ f }}", "1e+22 [1e+22] 1e+22", "10000000000000000000000.0 [1e22] 10000000000000000000000.0", "10000000000000000000000.0 [1e22] 10000000000000000000000.0", "1e+22 [1e22] 10000000000000000000000.0")]
    [InlineData("{{ (1, 2) }} {{ range(2) }}", "(1, 2) range(0, 2)", "[1, 2] [0, 1]", "[1, 2] [0, 1]", "[1, 2] [0, 1]")]
    [InlineData("{{ 7 // 2 }} {{ -7 % 3 }} {{ 7.5 // 2 }}", "3 2 3.0", "3 2 3.0", "3 2 3.0", "3 2 3.0")]
    [InlineData("{% for x in n %}{% endfor %}{{ n | length }}", null, "0", "0", "0")]
    [InlineData("{{ o.items }}{% for k, v in o.items() %}{{ k }}{% endfor %}", null, null, "Ibaitems", "Ibaitems")]
    [InlineData("{{ +1 }}", "1", null, null, null)]
    [InlineData("{{ 'x' | int }}", "0", null, null, null)]
    [InlineData("{% macro m(a, b='B') %}{{ a }}{{ b }}{% endmacro %}{{ m(1, nope) }}{{ m(1, b=o.nope) }}{{ m(1, none) }}", "111None", "1B1B1none", "1B1B1none", "1B1B1None")]
    [InlineData("{{ none | int }} {{ none | float }}", "0 0.0", "0 0.0", "0 0.0", "0 0.0")]
    [InlineData("{{ nope | int }} {{ nope | float }}", null, "0 0.0", "0 0.0", "0 0.0")]
    [InlineData("{{ ''.isdigit() }}{{ ''.isspace() }}{{ ''.isalpha() }}{{ ''.isalnum() }}{{ ''.isascii() }}", "FalseFalseFalseFalseTrue", "truetruetruetruetrue", "truetruetruetruetrue", "TrueTrueTrueTrueTrue")]
    [InlineData("{{ '½Ⅷ'.isdigit() }}{{ '一'.isnumeric() }}{{ 'ेⅧ'.isalpha() }}{{ '\u001c'.isspace() }}{{ '漢字é'.isalpha() }}", "FalseTrueFalseTrueTrue", "truefalsetruefalsetrue", "truefalsetruefalsetrue", "TrueFalseTrueFalseTrue")]
    [InlineData("{{ \"it's x1y_z ǆ ΑΣ\".title() }}", "It'S X1Y_Z ǅ Ας", "It'S X1y_Z Ǆ Ασ", "It'S X1y_Z Ǆ Ασ", "It'S X1y_Z Ǆ Ασ")]
    [InlineData("{{ \"it's x1y_z ǆ\" | title }}", "It's X1y_z Ǆ", "It'S X1y_Z Ǆ", "It'S X1y_Z Ǆ", "It'S X1y_Z Ǆ")]
    [InlineData("{{ 'ǆABC ΑΣ' | capitalize }} {{ 'ΑΣ'.capitalize() }}", "ǅabc ας Ας", "Ǆabc ας Ασ", "Ǆabc ας Ασ", "Ǆabc ας Ασ")]
    [InlineData("{{ 'é漢x'.find('x') }} {{ 'é漢x'.rfind('y') }}", "2 -1", "5 -1", "5 -1", "5 -1")]
    [InlineData("{{ 'a\u2028b\r\nc\rd\n'.splitlines() | length }} {{ 'a\r\n\nb'.splitlines(true) | length }}", "4 3", "2 3", "2 3", "2 3")]
    [InlineData("[{{ '\u001c a\u2003' | trim }}]", "[a]", "[\u001c a]", "[\u001c a]", "[\u001c a]")]
    [InlineData("{% generation %}a{% endgeneration %}b", "ab", "ab", "ab", "ab")]
    [InlineData("{%- generation -%} a {%- endgeneration -%}b", "ab", null, null, " a b")]
    [InlineData("a\r\n{% if true %}\r\nb{% endif %}", "a\nb", "a\r\nb", "a\r\nb", "a\r\nb")]
    public void Render_EachFlavour_AsItsEngine(string template, string? jinja2, string? dynamo12, string? dynamo14, string? dynamo16)
    {
        var expected = new[] { jinja2, dynamo12, dynamo14, dynamo16 };
        foreach (var flavour in Enum.GetValues<TemplateFlavour>())
        {
            var actual = Rendering.Of(template, Context, flavour);
            var isAddress = template.Contains("o.items }}", StringComparison.Ordinal) && flavour == TemplateFlavour.Jinja2;
            Assert.True(isAddress || actual.Prompt == expected[(int)flavour], $"{flavour} {template}: expected {expected[(int)flavour] ?? "an error"}, got {actual}");
        }
    }
}
