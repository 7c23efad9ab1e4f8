using System.Text;
using Epp.Aot.Kubernetes;

namespace Epp.Aot.Tests.Kubernetes;

[Trait("Category", "Unit")]
public sealed class WatchTextTests
{
    private const string PodLine = """
        {"type":"MODIFIED","object":{"kind":"Pod","metadata":{"name":"a","uid":"u1","resourceVersion":"7","labels":{"app":"vllm"},"managedFields":[{"fieldsV1":{"f:metadata":{}}}]},"status":{"podIP":"10.0.0.1","conditions":[{"type":"Ready","status":"True"}]}}}
        """;

    [Theory]
    [InlineData("ADDED", nameof(WatchKind.Added))]
    [InlineData("MODIFIED", nameof(WatchKind.Modified))]
    [InlineData("DELETED", nameof(WatchKind.Deleted))]
    [InlineData("BOOKMARK", nameof(WatchKind.Bookmark))]
    [InlineData("ERROR", nameof(WatchKind.Error))]
    public void Event_OfEachKind_IsSplit(string type, string expected)
    {
        Assert.True(KubeText.TryReadEvent(Encoding.UTF8.GetBytes($$"""{"type":"{{type}}","object":{"a":[1,{"b":2}]} }"""), out var kind, out var text));
        Assert.Equal(expected, kind.ToString());
        Assert.Equal("""{"a":[1,{"b":2}]}""", Encoding.UTF8.GetString(text));
    }

    [Fact]
    public void Event_ObjectBeforeType_IsSplit()
    {
        Assert.True(KubeText.TryReadEvent("""{ "object" : {} , "type" : "ADDED" }"""u8, out var kind, out var text));
        Assert.Equal((WatchKind.Added, "{}"), (kind, Encoding.UTF8.GetString(text)));
    }

    [Theory]
    [InlineData("")]
    [InlineData("null")]
    [InlineData("[]")]
    [InlineData("{}")]
    [InlineData("""{"type":"ADDED"}""")]
    [InlineData("""{"type":"ADDED","object":null}""")]
    [InlineData("""{"type":"WHAT","object":{}}""")]
    [InlineData("""{"type":7,"object":{}}""")]
    [InlineData("""{"type":"ADDED","object":{}""")]
    [InlineData("""{"type":"ADDED","object":{}} x""")]
    [InlineData("<html>")]
    public void Event_Malformed_IsRefused(string line) => Assert.False(KubeText.TryReadEvent(Encoding.UTF8.GetBytes(line), out _, out _));

    [Fact]
    public void Event_DeeperThanTheLimit_IsRefused()
    {
        var deep = string.Concat(Enumerable.Repeat("[", 100)) + string.Concat(Enumerable.Repeat("]", 100));
        Assert.False(KubeText.TryReadEvent(Encoding.UTF8.GetBytes($$"""{"type":"ADDED","object":{"a":{{deep}} } }"""), out _, out _));
    }

    [Fact]
    public void Pod_UsedFields_AreRead()
    {
        Assert.True(KubeText.TryReadEvent(Encoding.UTF8.GetBytes(PodLine), out _, out var text));
        var pod = KubeText.Read(text, KubeJson.Default.Pod).Value!;
        Assert.Equal(("a", "u1", "7", "vllm"), (pod.Metadata!.Name, pod.Metadata.Uid, pod.Metadata.ResourceVersion, pod.Metadata.Labels!["app"]));
        Assert.Equal(("10.0.0.1", "Ready", "True"), (pod.Status!.PodIP, pod.Status.Conditions![0]!.Type, pod.Status.Conditions[0]!.Status));
    }

    [Fact]
    public void Fuzz_DamagedLines_NeverThrow()
    {
        const int Seed = 4711;
        var random = new Random(Seed);
        for (var i = 0; i < 20_000; i++)
        {
            Fuzz.Mutate(random, Encoding.UTF8.GetBytes(PodLine), bytes =>
            {
                if (KubeText.TryReadEvent(bytes, out _, out var text))
                {
                    var (pod, failure) = KubeText.Read(text, KubeJson.Default.Pod);
                    Assert.True(pod is null != failure is null, $"seed {Seed}, round {i}");
                }
            });
        }
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(4096)]
    public async Task Lines_InChunksOfAnySize_AreWhole(int chunk)
    {
        var text = string.Join('\n', Enumerable.Range(0, 200).Select(i => new string('x', i * 7))) + "\nhalf";
        using var stream = new Chunks(Encoding.UTF8.GetBytes(text), chunk);
        using var lines = new WatchLines(stream);
        var read = new List<int>();
        do
        {
            while (lines.TryTake(out var line))
            {
                read.Add(line.Length);
            }
        }
        while (await lines.FillAsync(default));
        Assert.Equal(Enumerable.Range(0, 200).Select(i => i * 7), read);
        Assert.False(lines.TooLong);
    }

    [Fact]
    public async Task Lines_LongerThanTheLimit_EndTheReading()
    {
        using var stream = new Chunks(new byte[1 << 20], 4096);
        using var lines = new WatchLines(stream, maxLineBytes: 128 << 10);
        while (await lines.FillAsync(default))
        {
            Assert.False(lines.TryTake(out _));
        }

        Assert.True(lines.TooLong);
        Assert.True(stream.Position < 300 << 10);
    }

    [Fact]
    public void Failure_OfAHostileServer_IsOneShortLine()
    {
        var failure = KubeText.Failure(403, "a\nb\u001b[31m" + new string('x', 10_000));
        Assert.Equal(KubeFault.Forbidden, failure.Fault);
        Assert.DoesNotContain('\n', failure.Message);
        Assert.DoesNotContain('\u001b', failure.Message);
        Assert.True(failure.Message.Length < 600);
    }

    private sealed class Chunks(byte[] bytes, int chunk) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer[..Math.Min(chunk, buffer.Length)], cancellationToken);
    }
}
