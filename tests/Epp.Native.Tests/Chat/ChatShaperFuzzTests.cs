using System.Diagnostics;
using System.Text;
using Epp.Native.Chat;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Chat;

/// <summary>Hostile bodies: nothing throws, nothing takes long, and what is handed to the template is JSON.</summary>
[Trait("Category", "Unit")]
public sealed class ChatShaperFuzzTests
{
    private const int Seed = 60613;

    /// <summary>Values put where others were: each kind, and shapes that mean something one level off.</summary>
    private static readonly string[] Values =
    [
        "null", "true", "false", "0", "-1", "1e400", "1.50", "18446744073709551616", "\"\"", "\"auto\"", "\"\\u0000\"", "\"\\ud83d\"", "[]", "{}", "[[]]", "[null]",
        "[{}]", "{\"type\":\"text\"}", "{\"type\":\"text\",\"text\":1}", "[{\"type\":\"text\",\"text\":\"t\"}]", "[1,2]", "[\"a\",1]", "\"{\\\"a\\\":NaN}\"", "\"[\"",
        "{\"role\":\"user\"}", "{\"type\":\"function\",\"function\":{}}", "{\"a\":1,\"a\":{\"b\":[]}}", "\"required\"", "\"system\"", "\"function_call_output\"", "NaN",
    ];

    private static readonly ChatFlavour[] Flavours = Enum.GetValues<ChatFlavour>();
    private static readonly ChatEndpoint[] Endpoints = Enum.GetValues<ChatEndpoint>();
    private static readonly ContentFormat[] Formats = Enum.GetValues<ContentFormat>();

    [Fact]
    public void Shape_MutatedBodies_NeverThrowAndGiveJson()
    {
        var random = new Random(Seed);
        var shaper = new ChatShaper();
        var tree = new JsonTree();
        var bodies = ShapingCases.All.ToArray();
        var kinds = new Dictionary<ShapedKind, int>();
        var watch = Stopwatch.StartNew();
        for (var round = 0; round < 60_000; round++)
        {
            var origin = bodies[random.Next(bodies.Length)];
            var body = Mutate(Encoding.UTF8.GetBytes(origin.Body), tree, random);
            var endpoint = random.Next(8) == 0 ? Endpoints[random.Next(Endpoints.Length)] : origin.Endpoint;
            try
            {
                var shaped = shaper.Shape(body, endpoint, AnyProfile(random));
                kinds[shaped.Kind] = kinds.GetValueOrDefault(shaped.Kind) + 1;
                Check(shaped, tree);
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {round}, {endpoint}: {Encoding.Latin1.GetString(body)}: {e}");
            }
        }

        Assert.True(kinds[ShapedKind.Template] > 5000 && kinds[ShapedKind.Texts] > 200 && kinds[ShapedKind.Tokens] > 200, string.Join(' ', kinds));
        Assert.InRange(watch.Elapsed.TotalSeconds, 0, 60);
    }

    [Theory]
    [InlineData("[", 110)]
    [InlineData("[", 127)]
    [InlineData("{\"a\":", 110)]
    [InlineData("{\"a\":", 127)]
    [InlineData("[", 100_000)]
    [InlineData("{\"a\":", 100_000)]
    public void Shape_DeepValues_AreShapedOrRefused(string open, int depth)
    {
        var value = string.Concat(Enumerable.Repeat(open, depth)) + "1" + new string(open == "[" ? ']' : '}', depth);
        var shaper = new ChatShaper();
        foreach (var flavour in Flavours)
        {
            foreach (var body in new[]
            {
                $$$"""{"messages":[{"role":"user","content":"x"}],"chat_template_kwargs":{"a":{{{value}}}}}""",
                $$$"""{"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{{{value}}}}}]}""",
                $$$"""{"messages":[{"role":"assistant","tool_calls":[{"id":"c","type":"function","function":{"name":"f","arguments":"{{{value.Replace("\"", "\\\"", StringComparison.Ordinal)}}}"}}]}]}""",
                $$$"""{"max_tokens":1,"messages":[{"role":"assistant","content":[{"type":"tool_use","id":"i","name":"f","input":{"a":{{{value}}}}}]}]}""",
            })
            {
                foreach (var endpoint in Endpoints)
                {
                    shaper.Shape(Encoding.UTF8.GetBytes(body), endpoint, ChatShaperTests.Profile(flavour, ContentFormat.Text));
                }
            }
        }
    }

    /// <summary>What is quadratic in a body's parts shows here: 40,000 of each.</summary>
    [Fact]
    public void Shape_ManyParts_TakesTimeInProportion()
    {
        const int Count = 40_000;
        var bodies = new[]
        {
            Repeated("{\"messages\":[", "{\"role\":\"system\",\"content\":\"x\"}", "]}", Count),
            Repeated("{\"messages\":[{\"role\":\"user\",\"content\":[", "{\"type\":\"text\",\"text\":\"x\"}", "]}]}", Count),
            Repeated("{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[", "{\"type\":\"function\",\"function\":{\"name\":\"f\",\"parameters\":{\"b\":1,\"a\":2}}}", "]}", Count),
            Repeated("{\"messages\":[{\"role\":\"developer\",\"content\":\"x\"},", "{\"role\":\"developer\",\"content\":\"x\"}", "]}", Count),
            "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"chat_template_kwargs\":{" + string.Join(',', Enumerable.Range(0, Count).Select(i => $"\"{Count - i}\":1")) + "}}",
        };
        var shaper = new ChatShaper();
        var strict = new ShapingProfile { Flavour = ChatFlavour.Dynamo16, Template = new TemplateFacts { RaisesOnLaterSystem = true, RaisesOnUserAfterUser = true } };
        foreach (var body in bodies)
        {
            var bytes = Encoding.UTF8.GetBytes(body);
            foreach (var profile in Flavours.Select(f => ChatShaperTests.Profile(f, ContentFormat.Text)).Append(strict))
            {
                var watch = Stopwatch.StartNew();
                shaper.Shape(bytes, ChatEndpoint.Chat, profile);
                Assert.True(watch.Elapsed.TotalSeconds < 5, $"{profile.Flavour}: {watch.Elapsed.TotalSeconds} s for {body[..80]}");
            }
        }
    }

    private static string Repeated(string open, string part, string close, int count) => open + string.Join(',', Enumerable.Repeat(part, count)) + close;

    private static ShapingProfile AnyProfile(Random random) => new()
    {
        Flavour = Flavours[random.Next(Flavours.Length)],
        TrustsRequestTemplate = random.Next(2) == 0,
        Template = new TemplateFacts
        {
            ContentFormat = Formats[random.Next(Formats.Length)],
            MentionsReasoning = random.Next(2) == 0,
            RaisesOnInlineSystem = random.Next(2) == 0,
            RaisesOnLaterSystem = random.Next(2) == 0,
            RaisesOnUserAfterUser = random.Next(2) == 0,
        },
        SpecialTokens = SpecialTokens.Of(("bos_token", "<s>")),
    };

    private static void Check(ShapedRequest shaped, JsonTree tree)
    {
        switch (shaped.Kind)
        {
            case ShapedKind.Template:
                // Arguments are JSON within JSON: unpacked they may lie deeper than a body may.
                Assert.True(tree.Parse(shaped.Context, allowSpecialNumbers: true) is JsonOutcome.Ok or JsonOutcome.TooDeep, Encoding.UTF8.GetString(shaped.Context));
                Assert.True(!shaped.ContinueFinalMessage || shaped.FinalTextEnd <= shaped.Context.Length, "final text");
                break;
            case ShapedKind.Texts:
                for (var i = 0; i < shaped.PromptCount; i++)
                {
                    Assert.True(shaped.Text(i).Length >= 0);
                }

                break;
            case ShapedKind.Tokens:
                for (var i = 0; i < shaped.PromptCount; i++)
                {
                    Assert.True(shaped.Tokens(i).Length >= 0);
                }

                break;
            default:
                Assert.NotEqual(ShapeRefusal.None, shaped.Refusal);
                Assert.True(shaped.RefusalDetail.Length > 0, "a refusal says why");
                break;
        }
    }

    /// <summary>Mostly another value in a value's place, so that the result is JSON and gets far; sometimes bytes.</summary>
    internal static byte[] Mutate(byte[] body, JsonTree tree, Random random)
    {
        for (var edits = random.Next(4); edits > 0; edits--)
        {
            if (random.Next(6) == 0 && body.Length > 1)
            {
                var at = random.Next(body.Length);
                body = random.Next(2) == 0 ? [.. body[..at], .. body[(at + 1)..]] : [.. body[..at], (byte)random.Next(256), .. body[at..]];
            }
            else if (tree.Parse(body, allowSpecialNumbers: true) == JsonOutcome.Ok && RandomValue(tree, random) is var (raw, isText) && raw.Length > 0)
            {
                body = Replace(body, raw, isText, Encoding.UTF8.GetBytes(Values[random.Next(Values.Length)]), random);
            }
        }

        return body;
    }

    /// <summary>Walks down from the root a random way.</summary>
    private static (byte[] Raw, bool IsText) RandomValue(JsonTree tree, Random random)
    {
        var node = 0;
        while ((tree.IsMap(node) || tree.IsList(node)) && tree.Count(node) > 0 && random.Next(7) > 0)
        {
            var isMap = tree.IsMap(node);
            var child = isMap ? tree.FirstKey(node) : tree.First(node);
            for (var skip = random.Next(tree.Count(node)); skip > 0; skip--)
            {
                var next = isMap ? tree.KeyAfter(node, child) : tree.After(node, child);
                child = next < 0 ? child : next;
            }

            node = isMap ? tree.Value(child) : child;
        }

        return (tree.Raw(node).ToArray(), tree.Kind(node) == JsonKind.Text);
    }

    private static byte[] Replace(byte[] body, byte[] raw, bool isText, byte[] value, Random random)
    {
        var old = isText ? [(byte)'"', .. raw, (byte)'"'] : raw;
        var at = body.AsSpan().IndexOf(old);
        if (at < 0)
        {
            return body;
        }

        // Beside the old value, in a list or not, in its place, or both.
        var both = random.Next(5) == 0;
        return [.. body[..at], .. value, .. both ? [(byte)',', .. old] : Array.Empty<byte>(), .. body[(at + old.Length)..]];
    }
}
