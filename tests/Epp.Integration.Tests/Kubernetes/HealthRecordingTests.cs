using System.Text.Json;
using Epp.Testing;
using Xunit.Abstractions;

namespace Epp.Integration.Tests.Kubernetes;

/// <summary>Every recorded health question in Kubernetes mode, of both references, alone and as one of two replicas (contract §4.4).</summary>
[Trait("Category", "Integration")]
public sealed class HealthRecordingTests(ITestOutputHelper output)
{
    private const string HealthPath = "/grpc.health.v1.Health/";

    [SkippableFact]
    public async Task Health_AnswersAsRecorded()
    {
        var rows = (await File.ReadAllLinesAsync(SharedTools.RequireData("transcripts-kube/health.jsonl"))).Select(l => JsonSerializer.Deserialize<JsonElement>(l)).ToArray();
        var plane = await KubeTestplane.RequireAsync();
        var ns = await plane.NewNamespaceAsync();
        await plane.PoolAsync(ns);
        await plane.PodAsync(ns, "a", "127.1.0.1");
        var (compared, deviating) = (0, 0);
        foreach (var stack in rows.GroupBy(r => Epp(r).Split('-')[0]))
        {
            // The first of two replicas leads: it has to run while the second one is asked.
            var running = new List<EppProcess>();
            try
            {
                foreach (var group in stack.GroupBy(Epp).OrderBy(g => g.Key, StringComparer.Ordinal))
                {
                    var isFollower = group.Key.EndsWith("-b", StringComparison.Ordinal);
                    running.Add(await StartAsync(plane.Kubeconfig, ns, group.Key));
                    await running[^1].UntilHealthAsync(isFollower ? "NOT_SERVING" : "SERVING", "readiness");
                    foreach (var row in group)
                    {
                        if (await CompareAsync(running[^1], row))
                        {
                            compared++;
                        }
                        else
                        {
                            deviating++;
                        }
                    }
                }
            }
            finally
            {
                foreach (var epp in running)
                {
                    await epp.DisposeAsync();
                }
            }
        }

        output.WriteLine($"{compared} answers as recorded, {deviating} of the health service on the ext_proc port, which is always there");
        Assert.True(compared > deviating, $"{compared} compared");
    }

    private static string Epp(JsonElement row) => row.GetProperty("epp").GetString()!;

    private static Task<EppProcess> StartAsync(string kubeconfig, string ns, string name)
    {
        var flags = new List<string>();
        if (name.Contains("-ha-", StringComparison.Ordinal))
        {
            flags.Add("--ha-enable-leader-election");
        }

        if (name.Contains("health-checking", StringComparison.Ordinal))
        {
            flags.Add("--health-checking");
        }

        return KubeEpp.StartAsync(kubeconfig, ns, name.StartsWith("gaie", StringComparison.Ordinal) ? KubeEpp.GaieConfig : KubeEpp.Config, [.. flags]);
    }

    /// <summary>False for a question about health at the ext_proc port without the flag: ours always answers there (contract §4.4, advice).</summary>
    private static async Task<bool> CompareAsync(EppProcess epp, JsonElement row)
    {
        var question = row.GetProperty("question").GetString()!;
        var path = GrpcLayerTests.Path(question);
        Assert.True(path is not null, $"the question '{question}' is not known");
        var onHealthPort = row.GetProperty("port").GetString() == "health";
        using var channel = new GrpcChannel(onHealthPort ? epp.HealthPort : epp.GrpcPort);
        var (end, messages) = await channel.CallAsync(path, question.StartsWith("Process", StringComparison.Ordinal) ? null : GrpcLayerTests.HealthRequest(question));
        var isWatch = question.StartsWith("Watch", StringComparison.Ordinal);
        if (!onHealthPort && path.StartsWith(HealthPath, StringComparison.Ordinal) && (isWatch || !Epp(row).Contains("health-checking", StringComparison.Ordinal)))
        {
            var known = question.EndsWith("\"\"", StringComparison.Ordinal) || question.Contains("ExternalProcessor", StringComparison.Ordinal) || question == "List";
            Assert.Equal((question, isWatch ? 12 : known ? 0 : 5), (question, end.Code));
            return false;
        }

        var where = $"{Epp(row)} {row.GetProperty("port").GetString()} {question}";
        Assert.Equal((where, row.GetProperty("grpc_code_number").GetInt32()), (where, end.Code));
        Assert.Equal((where, row.TryGetProperty("grpc_message", out var message) ? message.GetString() : ""), (where, end.Message));
        if (row.TryGetProperty("answer", out var answer) && messages.Count > 0)
        {
            Assert.Equal((where, GrpcLayerTests.AnswerText(answer)), (where, question == "List" ? GrpcLayerTests.StatusList(messages[0]) : GrpcLayerTests.StatusName(messages[0])));
        }

        return true;
    }
}
