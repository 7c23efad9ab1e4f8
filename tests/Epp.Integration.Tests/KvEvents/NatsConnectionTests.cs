using System.Collections.Concurrent;
using System.Text;
using Epp.Aot.KvEvents;
using Epp.Aot.KvEvents.Nats;
using Epp.Native.Wire.Nats;
using Epp.Testing;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>The NATS client against the real server: delivery, reconnects, logins, TLS, limits.</summary>
[Trait("Category", "Integration")]
public sealed class NatsConnectionTests
{
    private const string Seed = "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY";
    private const string Key = "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4";

    [SkippableFact]
    public async Task Messages_Wildcards_Requests_Unsubscribe()
    {
        using var server = new NatsServer();
        await using var receiver = await Client.ConnectAsync(new NatsOptions([server.Url]));
        await using var sender = await Client.ConnectAsync(new NatsOptions([server.Url]));
        var sink = new Sink();
        var number = receiver.Nats.Subscribe("namespace.*.component.>", sink);
        await receiver.SettleAsync();
        for (var i = 0; i < 1000; i++)
        {
            Assert.True(sender.Nats.Publish(Encoding.ASCII.GetBytes($"namespace.n.component.{i}"), default, Encoding.ASCII.GetBytes($"payload {i}")));
        }

        await Wait.UntilAsync(() => sink.Messages.Count == 1000);
        Assert.Equal("namespace.n.component.999:payload 999", sink.Messages.Last());
        receiver.Nats.Unsubscribe(number);
        receiver.Nats.Subscribe("echo", new Echo(receiver.Nats));
        await receiver.SettleAsync();
        sender.Nats.Publish("namespace.n.component.x"u8, default, default);
        var answer = await sender.Nats.RequestAsync("echo", "hi"u8.ToArray(), TimeSpan.FromSeconds(5), default);
        Assert.Equal("hi", Encoding.ASCII.GetString(answer.Payload!));
        Assert.Equal(1000, sink.Messages.Count);
        Assert.Equal(503, (await sender.Nats.RequestAsync("nobody", default, TimeSpan.FromSeconds(5), default)).Status);
        Assert.False(sender.Nats.Publish("a"u8, default, new byte[(1 << 20) + 1]), "beyond max_payload");
    }

    [SkippableFact]
    public async Task Server_Killed_IsReconnected_WithEverySubscription()
    {
        using var server = new NatsServer();
        using var other = new NatsServer();
        await using var receiver = await Client.ConnectAsync(new NatsOptions([server.Url]));
        var sink = new Sink();
        receiver.Nats.Subscribe("a", sink);
        await receiver.SettleAsync();
        var connections = sink.Connections;
        server.Kill();
        await Wait.UntilAsync(() => !receiver.Nats.IsConnected);
        Assert.Equal("not connected to a NATS server, or the request is too large", (await receiver.Nats.RequestAsync("x", default, TimeSpan.FromSeconds(1), default)).Failure);
        await Task.Delay(300);
        server.Start();
        await Wait.UntilAsync(() => receiver.Nats.IsConnected);
        await receiver.SettleAsync();
        receiver.Nats.Publish("a"u8, default, "again"u8);
        await Wait.UntilAsync(() => sink.Messages.Count == 1);
        Assert.Equal((1, 1, connections + 1), (receiver.Series.Reconnects, receiver.Series.Connected, sink.Connections));
    }

    [SkippableFact]
    public async Task SeveralServers_TheNextOneIsUsed()
    {
        using var first = new NatsServer();
        using var second = new NatsServer();
        await using var client = await Client.ConnectAsync(new NatsOptions([$"nats://127.0.0.1:{Ports.Free()}", first.Url, second.Url]));
        first.Kill();
        await Wait.UntilAsync(() => client.Nats.IsConnected && client.Series.Reconnects == 1);
        Assert.True((await client.Nats.RequestAsync("nobody", default, TimeSpan.FromSeconds(5), default)).Status == 503);
    }

    [SkippableTheory]
    [InlineData("authorization { user: u, password: \"p w\" }", "user", "u", "p w", true)]
    [InlineData("authorization { user: u, password: p }", "user", "u", "wrong", false)]
    [InlineData("authorization { token: \"t0ken\" }", "token", "t0ken", "", true)]
    [InlineData("authorization { token: \"t0ken\" }", "token", "other", "", false)]
    [InlineData("authorization { users: [ { nkey: " + Key + " } ] }", "nkey", Seed, "", true)]
    [InlineData("authorization { users: [ { nkey: UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4 } ] }", "user", "u", "p", false)]
    [InlineData("authorization { user: u, password: p }", "url", "u:p@", "", true)]
    public async Task Login_IsAcceptedOrRefused(string configuration, string kind, string first, string second, bool accepted)
    {
        using var server = new NatsServer(configuration);
        var options = new NatsOptions([kind == "url" ? server.Url.Replace("nats://", "nats://" + first, StringComparison.Ordinal) : server.Url]);
        options = kind switch
        {
            "user" => options with { User = first, Password = second },
            "token" => options with { Token = first },
            "nkey" => options with { NKeySeed = first },
            _ => options,
        };
        await using var client = new Client(options);
        if (accepted)
        {
            await Wait.UntilAsync(() => client.Nats.IsConnected);
            return;
        }

        await Wait.UntilAsync(() => client.Log.Contains("Authorization Violation"));
        Assert.False(client.Nats.IsConnected);
    }

    [SkippableFact]
    public async Task Credentials_JwtAndSeed_AreAccepted_AndAWrongSeedIsNot()
    {
        // An operator, an account and a user, each named and signed by a seed of the documentation's form made here.
        var jwt = new NatsJwts();
        using var server = new NatsServer(jwt.ServerConfiguration, jetStream: false);
        using var folder = new TemporaryFolder();
        var file = Path.Combine(folder.Path, "user.creds");
        File.WriteAllText(file, jwt.Credentials);
        await using (var client = new Client(new NatsOptions([server.Url], CredentialsFile: file)))
        {
            await Wait.UntilAsync(() => client.Nats.IsConnected, what: "credentials are accepted");
        }

        File.WriteAllText(file, jwt.Credentials.Replace(jwt.UserSeed, Seed, StringComparison.Ordinal));
        await using var wrong = new Client(new NatsOptions([server.Url], CredentialsFile: file));
        await Wait.UntilAsync(() => wrong.Log.Contains("Authorization Violation"));
    }

    [SkippableFact]
    public async Task Tls_WithAuthorityAndClientCertificate()
    {
        using var authority = new TestAuthority();
        using var folder = new TemporaryFolder();
        authority.Write(Path.Combine(folder.Path, "server"), authority.Issue("localhost"));
        authority.Write(Path.Combine(folder.Path, "client"), authority.Issue("epp", client: true));
        var ca = Path.Combine(folder.Path, "ca.pem");
        File.WriteAllText(ca, authority.Root.ExportCertificatePem());
        using var server = new NatsServer($"tls {{ cert_file: \"{folder.Path}/server/tls.crt\", key_file: \"{folder.Path}/server/tls.key\", ca_file: \"{ca}\", verify: true }}");
        var options = new NatsOptions([$"tls://localhost:{server.Port}"], CaFile: ca, CertificateFile: Path.Combine(folder.Path, "client/tls.crt"), KeyFile: Path.Combine(folder.Path, "client/tls.key"));
        await using (var client = await Client.ConnectAsync(options))
        {
            var sink = new Sink();
            client.Nats.Subscribe("a", sink);
            await client.SettleAsync();
            client.Nats.Publish("a"u8, default, new byte[200_000]);
            await Wait.UntilAsync(() => sink.Messages.Count == 1);
        }

        await using var stranger = new Client(options with { CaFile = null });
        await Wait.UntilAsync(() => stranger.Log.Contains("certificate"), what: "an unknown authority is refused");
        await using var nameless = new Client(options with { CertificateFile = null });
        await Task.Delay(500);
        Assert.False(nameless.Nats.IsConnected);
    }

    [Theory]
    [InlineData("", "no login in time")]
    [InlineData("HTTP/1.1 200 OK\r\n\r\n", "does not")]
    [InlineData("INFO {\"max_payload\":1}\r\n-ERR 'go away'\r\n", "go away")]
    [InlineData("INFO {}\r\nMSG a 1 999999999\r\n", "beyond the limit")]
    public async Task Server_ThatIsNone_IsRetried_WithTheReason(string says, string reason)
    {
        using var listener = new System.Net.Sockets.TcpListener(System.Net.IPAddress.Loopback, Ports.Free());
        listener.Start();
        _ = Task.Run(async () =>
        {
            while (true)
            {
                var client = await listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(says));
            }
        });
        await using var nats = new Client(new NatsOptions([$"nats://{listener.LocalEndpoint}"]) { ConnectTimeout = TimeSpan.FromMilliseconds(500) });
        await Wait.UntilAsync(() => nats.Log.Contains(reason), what: reason + " is in: " + nats.Log.Text);
        Assert.False(nats.Nats.IsConnected);
    }

    [Fact]
    public void Environment_FirstCompleteLoginWins()
    {
        NatsOptions From(params (string Name, string Value)[] set) => NatsOptions.FromEnvironment(name => set.FirstOrDefault(s => s.Name == name).Value);
        Assert.Equal(("user", "user", "nats://localhost:4222"), (From().User, From().Password, From().Servers[0]));
        Assert.Equal(["nats://a:1", "nats://b:2"], From(("NATS_SERVER", "nats://a:1, nats://b:2")).Servers);
        Assert.Equal("t", From(("NATS_AUTH_USERNAME", "u"), ("NATS_AUTH_TOKEN", "t"), ("NATS_AUTH_NKEY", "k")).Token);
        Assert.Equal("u", From(("NATS_AUTH_USERNAME", "u"), ("NATS_AUTH_PASSWORD", "p"), ("NATS_AUTH_TOKEN", "t")).User);
        Assert.Equal(("f", null), (From(("NATS_AUTH_CREDENTIALS_FILE", "f")).CredentialsFile, From(("NATS_AUTH_CREDENTIALS_FILE", "f")).User));
    }

    private sealed class Client : IAsyncDisposable
    {
        public Client(NatsOptions options)
        {
            Log = new TextLogger();
            Nats = new NatsConnection(options with { RetryCap = TimeSpan.FromMilliseconds(200) }, TimeProvider.System, Log, Series, seed: (ulong)Environment.TickCount64);
            Nats.Start();
        }

        public TextLogger Log { get; }

        public KvEventSeries Series { get; } = new();

        public NatsConnection Nats { get; }

        public static async Task<Client> ConnectAsync(NatsOptions options)
        {
            var client = new Client(options);
            await Wait.UntilAsync(() => client.Nats.IsConnected, what: "connected: " + client.Log.Text);
            return client;
        }

        /// <summary>The server has taken everything queued before, as it answers in order.</summary>
        public async Task SettleAsync() => Assert.Equal(503, (await Nats.RequestAsync("nobody", default, TimeSpan.FromSeconds(5), default)).Status);

        public ValueTask DisposeAsync() => Nats.DisposeAsync();
    }

    private sealed class Sink : INatsSink
    {
        public ConcurrentQueue<string> Messages { get; } = new();

        public int Connections { get; private set; }

        public void OnMessage(in NatsFrame message) => Messages.Enqueue($"{Encoding.ASCII.GetString(message.Subject)}:{Encoding.ASCII.GetString(message.Payload)}");

        public void OnConnected() => Connections++;
    }

    private sealed class Echo(NatsConnection nats) : INatsSink
    {
        public void OnMessage(in NatsFrame message) => nats.Publish(message.Reply, default, message.Payload);

        public void OnConnected()
        {
        }
    }
}
