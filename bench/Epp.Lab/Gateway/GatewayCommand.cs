namespace Epp.Lab.Gateway;

/// <summary>`epp-lab gateway`: one gateway in the foreground.</summary>
internal static class GatewayCommand
{
    public static readonly Option[] Options =
    [
        new("port", "8080", "HTTP port on 127.0.0.1, 0 = a free one"),
        new("policy", "epp", "epp or round-robin"),
        new("epp", "http://127.0.0.1:9002", "address of the EPP; https:// accepts any certificate"),
        new("workers", "", "round-robin: comma list of ip:port"),
    ];

    public static async Task<int> RunAsync(Flags flags, CancellationToken stop)
    {
        var workers = flags.Text("workers").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var epp = flags.Text("policy") switch
        {
            "epp" => new Uri(flags.Text("epp")),
            "round-robin" when workers.Length > 0 => null,
            "round-robin" => throw new UsageException("--policy round-robin needs --workers ip:port,..."),
            var other => throw new UsageException($"--policy: '{other}' is neither epp nor round-robin"),
        };
        var gateway = await GatewayServer.StartAsync(flags.Int("port"), epp, workers).ConfigureAwait(false);
        await using var _ = gateway.ConfigureAwait(false);
        Console.WriteLine($"gateway on http://127.0.0.1:{gateway.Port}, {(epp is null ? "round-robin" : $"asks {epp}")}");
        await Task.Delay(Timeout.Infinite, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return 0;
    }
}
