using System.Text;
using Epp.Native.Templates;

namespace Epp.Native.Tests.Templates;

/// <summary>Templates and contexts of strangers: nothing throws, hangs or grows beyond the limits.</summary>
[Trait("Category", "Unit")]
public sealed class TemplateFuzzTests
{
    private static readonly TemplateLimits Small = new(MaxSteps: 20_000, MaxOutputBytes: 64 << 10, MaxWorkBytes: 1 << 20, MaxDepth: 40);

    private static readonly string[] Pieces =
    [
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "+", "~", "*", "**", "/", "//", "%", "|", ".", ",", ":", "=", "==", "<", "(", ")", "[", "]",
        "{", "}", "'", "\"", "\\", "\\u12", "\\x", " ", "\n", "0", "1", "9999999999999999999999", "1e400", "0x", "1_", "é", "🙂",
        " if ", " else ", " elif ", "endif", " for ", " in ", "endfor", "set ", "endset", "macro m(a,b=1)", "endmacro", "m(", "call m()",
        "endcall", "filter ", "endfilter", "with ", "endwith", "raw", "endraw", "generation", "endgeneration", "break", "continue", "block b",
        "endblock", " recursive ", "loop(", "loop.", "messages", "tools", "x", "range(", "namespace(", "dict(", "cycler(", "joiner(", "is ", "not ",
        " and ", " or ", "none", "true", "tojson", "join", "map(", "select(", "sort", "groupby(", "batch(", "replace(", "format(", "'%s'", "'{:>9}'",
        "split(", "strip(", "center(", "zfill(", "indent(", "wordwrap(", "truncate(", "round(", "int", "float", "items()", "varargs", "caller()",
        "raise_exception(", "strftime_now(", "**kwargs", "*[1]", "::-1", "|length",
    ];

    private static readonly string[] Seeds =
    [
        "{% for m in messages %}{{ '<|' + m['role'] + '|>' + (m.content | trim) }}{% endfor %}{% if add_generation_prompt %}{{ '<|a|>' }}{% endif %}",
        "{%- set ns = namespace(a=0) -%}{%- for x in range(5) recursive %}{% set ns.a = ns.a + x %}{{ loop.index }}{% endfor %}{{ ns.a }}",
        "{% macro m(a, b=2) %}{{ a ~ b }}{{ m(a, b) if a > b }}{% endmacro %}{{ m(3) }}{{ tools | tojson(indent=2) }}",
        "{{ '%5.2f %s' % (1.5, 'x') }}{{ '{0:>{1}} {x!r}'.format(1, 9, x=messages) }}{{ messages | map(attribute='role') | join(', ') }}",
    ];

    private const string Context = """{"messages":[{"role":"user","content":"Hé\n🙂"},{"role":"assistant","content":null}],"tools":[{"a":[1,2.5,{"b":"<"}]}],"x":"abc","add_generation_prompt":true}""";

    [Fact]
    public void Parse_RandomPieces_NeverThrowsNorHangs()
    {
        const int Seed = 20261129;
        var random = new Random(Seed);
        var scratch = new TemplateScratch();
        var (parsed, rendered) = (0, 0);
        for (var round = 0; round < 60_000; round++)
        {
            var source = round % 2 == 0 ? Assemble(random) : Mutate(random, Encoding.UTF8.GetBytes(Seeds[random.Next(Seeds.Length)]));
            var flavour = (TemplateFlavour)random.Next(4);
            try
            {
                if (ChatTemplate.TryParse(source, flavour, out var template, out var error))
                {
                    parsed++;
                    error = template!.Render(Encoding.UTF8.GetBytes(Context), scratch, 0, Small);
                    rendered += error.Kind == TemplateErrorKind.None ? 1 : 0;
                }

                Assert.True((error.Kind == TemplateErrorKind.None) == (error.Message is null));
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {Seed}, round {round}, {flavour}: {Encoding.UTF8.GetString(source)}: {e}");
            }
        }

        Assert.True(parsed > 4_000 && rendered > 2_000, $"only {parsed} parsed and {rendered} rendered: too wild to test anything");
    }

    [Fact]
    public void Render_MutatedContexts_NeverThrows()
    {
        const int Seed = 20261130;
        var random = new Random(Seed);
        var scratch = new TemplateScratch();
        Assert.True(ChatTemplate.TryParse("{{ messages }}{{ tools | tojson(indent=1) }}{{ x }}{% for m in messages %}{{ m.content[1:] }}{% endfor %}"u8, TemplateFlavour.Jinja2, out var template, out _));
        var (valid, refused) = (0, 0);
        for (var round = 0; round < 60_000; round++)
        {
            var context = Mutate(random, Encoding.UTF8.GetBytes(Context));
            try
            {
                var error = template!.Render(context, scratch, 0, Small);
                valid += error.Kind != TemplateErrorKind.InvalidContext ? 1 : 0;
                refused += error.Kind == TemplateErrorKind.InvalidContext ? 1 : 0;
                Assert.True(error.Kind == TemplateErrorKind.InvalidContext || IsJson(context), Encoding.UTF8.GetString(context));
            }
            catch (Exception e) when (e is not Xunit.Sdk.XunitException)
            {
                Assert.Fail($"seed {Seed}, round {round}: {Encoding.UTF8.GetString(context)}: {e}");
            }
        }

        Assert.True(valid > 1_000 && refused > 1_000, $"{valid} valid, {refused} refused");
    }

    private static bool IsJson(byte[] text)
    {
        // The one thing read as Python does beyond the standard.
        var plain = Encoding.UTF8.GetString(text).Replace("-Infinity", "0").Replace("Infinity", "0").Replace("NaN", "0");
        try
        {
            using var document = System.Text.Json.JsonDocument.Parse(plain);
            return true;
        }
        catch (System.Text.Json.JsonException)
        {
            return false;
        }
    }

    private static byte[] Assemble(Random random)
    {
        var text = new StringBuilder();
        var isOutput = random.Next(2) == 0;
        text.Append(isOutput ? "{{ " : "{% ");
        for (var n = random.Next(1, 12); n > 0; n--)
        {
            text.Append(Pieces[random.Next(Pieces.Length)]);
        }

        return Encoding.UTF8.GetBytes(text.Append(isOutput ? " }}" : " %}").ToString());
    }

    private static byte[] Mutate(Random random, byte[] seed)
    {
        var bytes = seed.ToList();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(4))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 8), bytes.Count - at));
                    break;
                case 2:
                    bytes.InsertRange(at, Encoding.UTF8.GetBytes(Pieces[random.Next(Pieces.Length)]));
                    break;
                default:
                    bytes.InsertRange(at, bytes.Skip(random.Next(bytes.Count)).Take(random.Next(1, 20)).ToArray());
                    break;
            }
        }

        return [.. bytes];
    }
}
