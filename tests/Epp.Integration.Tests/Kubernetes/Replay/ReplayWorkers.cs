using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Epp.Testing;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>The recorded workers on loopback: four addresses, three ports, of which only <c>/metrics</c> matters here.</summary>
internal sealed class ReplayWorkers : IAsyncDisposable
{
    private const double IdleKv = 0.1;

    private static readonly int[] PortNumbers = [8000, 8001, 8002];

    private readonly Dictionary<string, FakeWorker> _workers = new(StringComparer.Ordinal);

    private ReplayWorkers(string net) => Net = net;

    /// <summary>What stands for <c>10.44.0.</c>.</summary>
    public string Net { get; }

    public static async Task<ReplayWorkers> StartAsync()
    {
        for (var n = 2; n < 10; n++)
        {
            var workers = new ReplayWorkers($"127.{n}.0.");
            if (await workers.ListenAsync())
            {
                return workers;
            }

            await workers.DisposeAsync();
        }

        Assert.Fail($"Ports {string.Join(',', PortNumbers)} are taken on every loopback net that was tried.");
        return null!;
    }

    /// <summary>Idle workers, then the settings of a case; an empty worker means all.</summary>
    public void Set(IEnumerable<JsonElement> settings)
    {
        foreach (var worker in _workers.Values)
        {
            worker.Reset();
            worker.KvUsage = IdleKv;
            worker.OldKvName = true;
        }

        foreach (var setting in settings)
        {
            var name = setting.GetProperty("worker").GetString()!;
            foreach (var worker in name.Length == 0 ? [.. _workers.Values] : new[] { _workers[name] })
            {
                Set(worker, setting.GetProperty("set"));
            }
        }
    }

    /// <summary>Null where nothing listens there.</summary>
    public FakeWorker? At(string address) => _workers.GetValueOrDefault(address);

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers.Values)
        {
            await worker.DisposeAsync();
        }
    }

    // How a worker answers requests is in the recorded messages; only its figures are played.
    private static void Set(FakeWorker worker, JsonElement values)
    {
        worker.KvUsage = values.TryGetProperty("kv", out var kv) ? kv.GetDouble() : worker.KvUsage;
        worker.Waiting = values.TryGetProperty("waiting", out var waiting) ? waiting.GetInt32() : worker.Waiting;
        worker.Running = values.TryGetProperty("running", out var running) ? running.GetInt32() : worker.Running;
        worker.OldKvName = !(values.TryGetProperty("no_gpu_kv", out var none) && none.GetBoolean()) && worker.OldKvName;
    }

    private async Task<bool> ListenAsync()
    {
        for (var host = 1; host <= 4; host++)
        {
            foreach (var port in PortNumbers)
            {
                using (var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp))
                {
                    try
                    {
                        probe.Bind(new IPEndPoint(IPAddress.Parse($"{Net}{host}"), port));
                    }
                    catch (SocketException)
                    {
                        return false;
                    }
                }

                try
                {
                    var worker = await FakeWorker.StartAsync(port, $"{Net}{host}");
                    _workers[worker.HostPort] = worker;
                }
                catch (IOException)
                {
                    return false;
                }
            }
        }

        return true;
    }
}
