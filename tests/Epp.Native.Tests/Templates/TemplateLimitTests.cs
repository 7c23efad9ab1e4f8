using System.Text;
using Epp.Native.Templates;
using Epp.Testing;

namespace Epp.Native.Tests.Templates;

/// <summary>Runaway templates end with an error, soon and without memory.</summary>
[Trait("Category", "Unit")]
public sealed class TemplateLimitTests
{
    [Theory]
    [InlineData("{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}", TemplateErrorKind.StepLimit)]
    [InlineData("{% set ns = namespace(s='x') %}{% for a in range(100) %}{% set ns.s = ns.s ~ ns.s %}{% endfor %}", TemplateErrorKind.OutputLimit)]
    [InlineData("{{ 'x' * 99999999999 }}", TemplateErrorKind.StepLimit)]
    [InlineData("{{ ('x' * 1000000) * 40 }}", TemplateErrorKind.OutputLimit)]
    [InlineData("{{ [1] * 99999999999 }}", TemplateErrorKind.StepLimit)]
    [InlineData("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", TemplateErrorKind.DepthLimit)]
    [InlineData("{% for x in [1] recursive %}{{ loop([1]) }}{% endfor %}", TemplateErrorKind.DepthLimit)]
    [InlineData("{{ 9 ** 99999 }}", TemplateErrorKind.MemoryLimit)]
    [InlineData("{{ range(100001) }}", TemplateErrorKind.Type)]
    [InlineData("{% set ns = namespace(l=[]) %}{% for a in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}", TemplateErrorKind.DepthLimit)]
    [InlineData("{% set ns = namespace(l=[]) %}{% for a in range(1000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l | tojson }}", TemplateErrorKind.DepthLimit)]
    [InlineData("{{ 'a'.center(99999999999) }}", TemplateErrorKind.OutputLimit)]
    [InlineData("{{ ('ab' * 10000).replace('', 'y' * 10000) }}", TemplateErrorKind.OutputLimit)]
    [InlineData("{% for a in range(40000) %}{% macro m() %}{% endmacro %}{% endfor %}", TemplateErrorKind.None)]
    [InlineData("{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}{{ ns.a == ns.b }}", TemplateErrorKind.StepLimit)]
    [InlineData("{% set ns = namespace(a=(1,)) %}{% for i in range(60) %}{% set ns.a = (ns.a, ns.a) %}{% endfor %}{{ {ns.a: 1} }}", TemplateErrorKind.Type)]
    [InlineData("{% set ns = namespace(a=[1]) %}{% for i in range(60) %}{% set ns.a = [ns.a, ns.a] %}{% endfor %}{{ ns.a | string | length }}", TemplateErrorKind.StepLimit)]
    [InlineData("{{ raise_exception('no ' ~ 1) }}", TemplateErrorKind.RaiseException)]
    public void Render_Runaway_EndsWithItsLimit(string template, TemplateErrorKind expected)
    {
        var rendering = Rendering.Of(template, "{}");
        Assert.Equal(expected, rendering.Error.Kind);
    }

    [Fact]
    public void Parse_DeepNesting_IsAnError()
    {
        foreach (var (open, close) in new[] { ("(", ")"), ("[", "]"), ("{'a':", "}"), ("not ", ""), ("-", ""), ("x if ", ""), ("a[", "]"), ("f(", ")") })
        {
            var text = "{{ " + string.Concat(Enumerable.Repeat(open, 50_000)) + "1" + string.Concat(Enumerable.Repeat(close, 50_000)) + " }}";
            Assert.Equal(TemplateErrorKind.Syntax, Rendering.Of(text, "{}").Error.Kind);
        }

        foreach (var link in new[] { " + 1", ".a", "|e", " and 1", "[0]", "()", " is none" })
        {
            Assert.Equal(TemplateErrorKind.Syntax, Rendering.Of("{{ 1" + string.Concat(Enumerable.Repeat(link, 50_000)) + " }}", "{}").Error.Kind);
        }

        var blocks = string.Concat(Enumerable.Repeat("{% if 1 %}", 50_000)) + string.Concat(Enumerable.Repeat("{% endif %}", 50_000));
        Assert.Equal(TemplateErrorKind.Syntax, Rendering.Of(blocks, "{}").Error.Kind);
    }

    [Fact]
    public void Render_DeepestTemplate_OnASmallStack_DoesNotOverflow()
    {
        var deep = "{% macro m(n) %}{% if n %}{{ " + string.Concat(Enumerable.Repeat("(", 25)) + "m(n - 1)" + string.Concat(Enumerable.Repeat(" ~ '')", 25))
            + " }}{% endif %}{% endmacro %}{{ m(190) }}";
        var rendering = default(Rendering);
        var thread = new Thread(() => rendering = Rendering.Of(deep, "{}"), 512 << 10);
        thread.Start();
        thread.Join();
        Assert.True(rendering.Error.Kind is TemplateErrorKind.None or TemplateErrorKind.DepthLimit, rendering.ToString());
    }

    [Fact]
    public void Render_HostileContexts_AreRefused()
    {
        foreach (var context in new[]
        {
            "", "[]", "{", "{}x", "{\"a\":}", "{\"a\" 1}", "{\"a\":1,}", "{\"a\":[1,]}", "{\"a\":01}", "{\"a\":1.}", "{\"a\":\"\\ud800\"}", "{\"a\":\"\\x\"}", "{\"a\":\"",
            "{\"a\":" + new string('[', 100_000), "{\"a\":" + new string('1', 5_000) + "}", "{\"a\":tru}", "{a:1}", "{\"a\":\"\\",
        })
        {
            Assert.Equal(TemplateErrorKind.InvalidContext, Rendering.Of("{{ a }}", context).Error.Kind);
        }
    }

    [Fact]
    public void Parse_ManyNamesArgumentsComparisons_AreErrors()
    {
        foreach (var template in new[]
        {
            string.Concat(Enumerable.Range(0, 20_000).Select(static i => $"{{% set a{i}=1 %}}")),
            "{{ f(" + string.Join(',', Enumerable.Range(0, 20_000).Select(static i => $"a{i % 9}=1")) + ") }}",
            "{{ f(" + string.Join(',', Enumerable.Repeat("1", 50_000)) + ") }}",
            "{{ 1" + string.Concat(Enumerable.Repeat("<1", 50_000)) + " }}",
            "{% macro m(" + string.Join(',', Enumerable.Range(0, 20_000).Select(static i => $"a{i % 9}")) + ") %}{% endmacro %}",
            new string('x', ChatTemplate.MaxSourceBytes + 1),
        })
        {
            Assert.Equal(TemplateErrorKind.Syntax, Rendering.Of(template, "{}").Error.Kind);
        }
    }

    [Fact]
    public void Render_ManyKeys_TakesLittleTime()
    {
        var context = "{\"o\":{" + string.Join(',', Enumerable.Range(0, 100_000).Select(static i => $"\"k{i % 50_000}\":{i}")) + "}}";
        Assert.Equal("50000 50000", Rendering.Of("{{ o | length }} {{ o.k0 }}", context).Prompt);
    }

    [Fact]
    public void Render_SteadyState_AllocatesNothing()
    {
        var source = "{% macro part(m) %}{{ m.content | trim }}{% endmacro %}{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + 1 %}"
            + "{{ '<|' ~ m['role'] ~ '|>' + part(m) }}{% if m.missing is defined or m['tool_calls'] %}x{% endif %}{% endfor %}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ tools | tojson(indent=2) }}";
        Assert.True(ChatTemplate.TryParse(Encoding.UTF8.GetBytes(source), TemplateFlavour.Jinja2, out var template, out var error), error.Message);
        var context = Encoding.UTF8.GetBytes("{\"messages\":[" + string.Join(',', Enumerable.Repeat("{\"role\":\"user\",\"content\":\" a\\nb é \"}", 100)) + "],\"tools\":[{\"a\":[1,2.5]}]}");
        var scratch = new TemplateScratch();
        var limits = TemplateLimits.Default;
        for (var i = 0; i < 100; i++)
        {
            Assert.Equal(default, template!.Render(context, scratch, 0, limits));
        }

        Assert.Equal(0, Allocated.Least(() =>
        {
            for (var i = 0; i < 100; i++)
            {
                template!.Render(context, scratch, 0, limits);
            }
        }));
    }
}
