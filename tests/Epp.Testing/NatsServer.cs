using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using Xunit;

namespace Epp.Testing;

/// <summary>A real nats-server with its own folder and configuration; may be killed and started again on the same port.</summary>
public sealed class NatsServer : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("epp-nats").FullName;
    private readonly string _program = DebianTool.Require("nats-server", "nats-server");
    private Process? _process;

    /// <param name="configuration">Lines of nats.conf beside the port and JetStream.</param>
    /// <param name="jetStream">Whether streams are kept.</param>
    public NatsServer(string configuration = "", bool jetStream = true)
    {
        Port = Ports.Free();
        File.WriteAllText(Path.Combine(_folder, "nats.conf"), $$"""
            listen: "127.0.0.1:{{Port}}"
            {{(jetStream ? $"jetstream {{ store_dir: \"{_folder}/js\" }}" : "")}}
            {{configuration}}
            """);
        Start();
    }

    /// <summary>On 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>Where clients connect.</summary>
    public string Url => $"nats://127.0.0.1:{Port}";

    /// <summary>Starts it, or starts it again; returns when it answers.</summary>
    public void Start()
    {
        var start = new ProcessStartInfo(_program) { RedirectStandardError = true };
        start.ArgumentList.Add("-c");
        start.ArgumentList.Add(Path.Combine(_folder, "nats.conf"));
        _process = ChildProcesses.Start(start);
        _process.ErrorDataReceived += (_, line) => Log.Add(line.Data ?? "");
        _process.BeginErrorReadLine();
        var watch = Stopwatch.StartNew();
        while (!Answers())
        {
            Assert.False(_process.HasExited || watch.Elapsed > Wait.Limit, "nats-server did not start: " + string.Join('\n', Log));
            Thread.Sleep(20);
        }
    }

    /// <summary>Lines it wrote.</summary>
    public ConcurrentBag<string> Log { get; } = [];

    /// <summary>kill -9.</summary>
    public void Kill() => ChildProcesses.Kill(_process!);

    /// <inheritdoc/>
    public void Dispose()
    {
        Kill();
        Directory.Delete(_folder, recursive: true);
    }

    private bool Answers()
    {
        try
        {
            using var client = new TcpClient("127.0.0.1", Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
