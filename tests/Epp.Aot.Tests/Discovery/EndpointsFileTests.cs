using System.Text;
using Epp.Aot.Discovery.File;

namespace Epp.Aot.Tests.Discovery;

[Trait("Category", "Unit")]
public class EndpointsFileTests
{
    [Fact]
    public void Parse_Full_EveryField()
    {
        var endpoints = Good("""
            endpoints:
            - name: a
              address: 10.0.0.1
              port: "8000"
              labels: {role: decode, rank: 0}
              unknown: ignored
            - {name: a, namespace: other, address: "fd00:0::1", port: 9000}
            - {name: b, address: "[::1]", port: 1}
            """);
        Assert.Equal(["default/a (10.0.0.1:8000)", "other/a ([fd00::1]:9000)", "default/b ([::1]:1)"], endpoints.Select(e => e.ToString()));
        Assert.Equal(["rank=0", "role=decode"], endpoints[0].Labels.Select(l => $"{l.Key}={l.Value}").Order());
    }

    [Theory]
    [InlineData("endpoints: []")]
    [InlineData("endpoints:")]
    [InlineData("{\"endpoints\": []}")]
    public void Parse_EmptyList_IsAnEmptyPool(string text) => Assert.Empty(Good(text));

    [Fact]
    public void Parse_Json_IsAccepted() =>
        Assert.Equal("10.0.0.1:8000", Assert.Single(Good("{\"endpoints\":[{\"name\":\"a\",\"address\":\"10.0.0.1\",\"port\":\"8000\"}]}")).HostPort);

    [Theory]
    [InlineData("", "endpoints: is missing")]
    [InlineData("endpoint: []", "1:1: endpoints: is missing")]
    [InlineData("endpoints: 5", "1:12: endpoints: found '5', expected a list")]
    [InlineData("endpoints: [5]", "endpoints[0]: found '5', expected a map")]
    [InlineData("endpoints: [{address: 10.0.0.1, port: 1}]", "endpoints[0].name: is missing")]
    [InlineData("endpoints: [{name: a, port: 1}]", "endpoints[0].address: is missing")]
    [InlineData("endpoints: [{name: a, address: 10.0.0.1}]", "endpoints[0].port: is missing")]
    [InlineData("endpoints: [{name: a, address: worker.local, port: 1}]", "1:32: endpoints[0].address: found 'worker.local', expected an IPv4 or IPv6 address")]
    [InlineData("endpoints: [{name: a, address: 127.1, port: 1}]", "found '127.1'")]
    [InlineData("endpoints: [{name: a, address: 'fe80::1%eth0', port: 1}]", "found 'fe80::1%eth0'")]
    [InlineData("endpoints: [{name: a, address: 10.0.0.1, port: 0}]", "found '0', expected a port")]
    [InlineData("endpoints: [{name: a, address: 10.0.0.1, port: 65536}]", "expected a port from 1 to 65535")]
    [InlineData("endpoints: [{name: a, address: 10.0.0.1, port: http}]", "expected a port")]
    [InlineData("endpoints: [{name: a, address: 10.0.0.1, port: 1, labels: [x]}]", "endpoints[0].labels: found a list")]
    [InlineData("endpoints: [{name: \"a\\nb\", address: 10.0.0.1, port: 1}]", "printable")]
    [InlineData("endpoints:\n- {name: a, address: 10.0.0.1, port: 1}\n- {name: a, address: 10.0.0.2, port: 1}", "3:3: endpoints[1].name: 'default/a' is in line 2 already")]
    [InlineData("endpoints: [", "f.yaml:2:1: ")]
    public void Parse_BadFile_SaysWhereAndWhatIsExpected(string text, string expected)
    {
        var result = EndpointsFile.Parse(Encoding.UTF8.GetBytes(text), "f.yaml");
        Assert.Null(result.Endpoints);
        Assert.Contains(expected, string.Join('\n', result.Errors));
    }

    [Fact]
    public void Parse_SeveralErrors_AllAtOnce()
    {
        var result = EndpointsFile.Parse("endpoints:\n- {name: a, address: x, port: y}\n- {address: 1.2.3.4}\n"u8, "f.yaml");
        Assert.Equal([2, 2, 3, 3], result.Errors.Select(e => e.Line));
    }

    [Fact]
    public void Parse_AFullPool_FitsTheLimits()
    {
        var text = "endpoints:\n" + string.Concat(Enumerable.Range(0, 16384).Select(i => $"- {{name: e{i}, address: 10.0.{i / 256}.{i % 256}, port: 8000}}\n"));
        Assert.Equal(16384, Good(text).Count);
        Assert.Contains("the limit is 16384", Assert.Single(EndpointsFile.Parse(Encoding.UTF8.GetBytes(text + "- {name: more, address: 10.0.0.1, port: 1}\n"), "f").Errors).Message);
    }

    [Fact]
    public void Parse_MutatedText_NeverThrows()
    {
        const int Seed = 72;
        var random = new Random(Seed);
        var seed = "endpoints:\n- name: a\n  address: 10.0.0.1\n  port: \"8000\"\n  labels: &l {role: x}\n- {name: b, address: 'fd00::1', port: 9, labels: *l}\n"u8.ToArray();
        for (var i = 0; i < 4000; i++)
        {
            Fuzz.Mutate(random, seed, bytes =>
            {
                var result = EndpointsFile.Parse(bytes, "fuzz");
                Assert.True(result.Endpoints is null == result.Errors.Count > 0, $"seed {Seed}, round {i}");
            });
        }
    }

    private static IReadOnlyList<Epp.Native.Pool.Endpoint> Good(string text)
    {
        var result = EndpointsFile.Parse(Encoding.UTF8.GetBytes(text), "f.yaml");
        Assert.Empty(result.Errors);
        return result.Endpoints!;
    }
}
