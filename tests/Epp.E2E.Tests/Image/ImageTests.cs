using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using Epp.Testing;

namespace Epp.E2E.Tests.Image;

/// <summary>
/// The OCI archive of `make image`: its configuration, its files, and that its binary serves TLS as uid 65532 in a chroot
/// on a read-only root, with nothing but /dev and /proc mounted.
/// </summary>
[Trait("Category", "E2E")]
[System.Runtime.Versioning.SupportedOSPlatform("linux")]
public sealed class ImageTests : IDisposable
{
    const string Archive = "artifacts/epp-image.tar";
    readonly string _folder = Directory.CreateTempSubdirectory("epp-image-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableFact]
    public void Config_IsNonrootWithEntrypointLabelsAndPorts()
    {
        var layout = Extract();
        using var index = JsonDocument.Parse(File.ReadAllText(Path.Combine(layout, "index.json")));
        using var manifest = Blob(layout, index.RootElement.GetProperty("manifests")[0]);
        using var image = Blob(layout, manifest.RootElement.GetProperty("config"));

        Assert.Equal("linux", image.RootElement.GetProperty("os").GetString());
        Assert.Equal("amd64", image.RootElement.GetProperty("architecture").GetString());
        var config = image.RootElement.GetProperty("config");
        Assert.Equal("65532:65532", config.GetProperty("User").GetString());
        Assert.Equal(["/epp"], config.GetProperty("Entrypoint").EnumerateArray().Select(static e => e.GetString()));
        Assert.Equal(["9002/tcp", "9003/tcp", "9090/tcp"], config.GetProperty("ExposedPorts").EnumerateObject().Select(static p => p.Name).Order());
        var labels = config.GetProperty("Labels");
        Assert.Equal("epp", labels.GetProperty("org.opencontainers.image.title").GetString());
        Assert.Equal("Apache-2.0", labels.GetProperty("org.opencontainers.image.licenses").GetString());
        Assert.NotEqual("", labels.GetProperty("org.opencontainers.image.version").GetString());
    }

    [SkippableFact]
    public void Files_AreTheBinaryItsLibrariesAndCertificates_NoShell()
    {
        var root = Unpack(Extract());

        Assert.Equal("/epp", new FileInfo(Path.Combine(root, "app/epp")).LinkTarget);
        Assert.StartsWith("-----BEGIN CERTIFICATE-----", FirstCertificateLine(root), StringComparison.Ordinal);
        Assert.Contains("nonroot:x:65532:65532:", File.ReadAllText(Path.Combine(root, "etc/passwd")), StringComparison.Ordinal);
        Assert.Contains("nonroot:x:65532:", File.ReadAllText(Path.Combine(root, "etc/group")), StringComparison.Ordinal);
        var programs = Directory.EnumerateFiles(root, "*", SearchOption.AllDirectories)
            .Where(static file => new FileInfo(file).LinkTarget is null && (File.GetUnixFileMode(file) & UnixFileMode.UserExecute) != 0)
            .Select(file => Path.GetRelativePath(root, file))
            .Where(static file => !file.Contains(".so", StringComparison.Ordinal))
            .Order();
        Assert.Equal(["epp"], programs);
    }

    [SkippableFact]
    public async Task Binary_ReadOnlyRootAsNonroot_ServesTls()
    {
        Skip.IfNot(Environment.UserName == "root", "a chroot on a read-only root needs root privileges");
        var unshare = DebianTool.Require("unshare", "util-linux");
        var root = Unpack(Extract());
        Skip.IfNot(await RunAsync(unshare, ["--mount", "true"]) == 0, "this machine does not allow mount namespaces (unshare --mount)");
        await File.WriteAllTextAsync(Path.Combine(root, "etc/endpoints.yaml"), "endpoints:\n- {name: w, address: 127.0.0.1, port: \"9\"}\n");
        await File.WriteAllTextAsync(Path.Combine(root, "etc/epp.yaml"), ConfigText);
        var (grpc, health, metrics) = (FreePort(), FreePort(), FreePort());

        var script = $"""
            set -e
            mount --bind '{root}' '{root}'
            mount --rbind /dev '{root}/dev'
            mount -t proc proc '{root}/proc' || mount --rbind /proc '{root}/proc'
            mount -o remount,ro,bind '{root}'
            exec chroot --userspec=65532:65532 '{root}' /app/epp --pool-name pool --config-file /etc/epp.yaml \
              --grpc-port {grpc} --grpc-health-port {health} --metrics-port {metrics}
            """;
        using var epp = Process.Start(new ProcessStartInfo(unshare, ["--mount", "sh", "-c", script]) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = Task.WhenAll(epp.StandardOutput.ReadToEndAsync(), epp.StandardError.ReadToEndAsync());
        try
        {
            var opened = await OpensAsync(health, epp) && await OpensAsync(grpc, epp);
            if (!opened)
            {
                epp.Kill(entireProcessTree: true);
                Assert.Fail($"ports {grpc} and {health} did not open; the binary said:\n{string.Join('\n', await output)}");
            }
            Assert.Contains("Uid:\t65532\t65532\t65532\t65532", await File.ReadAllTextAsync($"/proc/{epp.Id}/status"), StringComparison.Ordinal);
            await AssertSpeaksTlsAsync(grpc);
        }
        finally
        {
            epp.Kill(entireProcessTree: true);
            await epp.WaitForExitAsync();
        }
    }

    const string ConfigText = """
        apiVersion: llm-d.ai/v1alpha1
        kind: EndpointPickerConfig
        plugins:
        - {name: file, type: file-discovery, parameters: {path: /etc/endpoints.yaml}}
        - {type: queue-scorer}
        - {type: max-score-picker}
        schedulingProfiles:
        - name: default
          plugins: [{pluginRef: queue-scorer, weight: 1}, {pluginRef: max-score-picker}]
        dataLayer:
          discovery: {pluginRef: file}

        """;

    /// <summary>The self-signed default certificate: generated without a writable disk, ALPN h2.</summary>
    static async Task AssertSpeaksTlsAsync(int port)
    {
        using var socket = new TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port);
        await using var tls = new System.Net.Security.SslStream(socket.GetStream(), false, static (_, certificate, _, _) => certificate is not null);
        await tls.AuthenticateAsClientAsync(new System.Net.Security.SslClientAuthenticationOptions
        {
            TargetHost = "epp",
            ApplicationProtocols = [System.Net.Security.SslApplicationProtocol.Http2],
        });
        Assert.Equal(System.Net.Security.SslApplicationProtocol.Http2, tls.NegotiatedApplicationProtocol);
    }

    string Extract()
    {
        var archive = Path.Combine(RepositoryRoot(), Archive);
        Skip.IfNot(File.Exists(archive), $"{Archive} is missing; run 'make image'");
        var layout = Path.Combine(_folder, "layout");
        Directory.CreateDirectory(layout);
        System.Formats.Tar.TarFile.ExtractToDirectory(archive, layout, overwriteFiles: false);
        return layout;
    }

    string Unpack(string layout)
    {
        var umoci = DebianTool.Require("umoci", "umoci");
        var bundle = Path.Combine(_folder, "bundle");
        string[] rootless = Environment.UserName == "root" ? [] : ["--rootless"];
        Assert.Equal(0, RunAsync(umoci, ["unpack", .. rootless, "--image", $"{layout}:epp", bundle]).GetAwaiter().GetResult());
        return Path.Combine(bundle, "rootfs");
    }

    static JsonDocument Blob(string layout, JsonElement descriptor)
    {
        var digest = descriptor.GetProperty("digest").GetString()!.Split(':');
        return JsonDocument.Parse(File.ReadAllText(Path.Combine(layout, "blobs", digest[0], digest[1])));
    }

    static string FirstCertificateLine(string root) =>
        File.ReadLines(Path.Combine(root, "etc/ssl/certs/ca-certificates.crt")).First();

    static async Task<int> RunAsync(string program, string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true })!;
        await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode;
    }

    static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    static async Task<bool> OpensAsync(int port, Process process)
    {
        for (var waited = Stopwatch.StartNew(); waited.Elapsed < TimeSpan.FromSeconds(10) && !process.HasExited; await Task.Delay(50))
        {
            using var client = new TcpClient();
            try
            {
                await client.ConnectAsync(IPAddress.Loopback, port);
                return true;
            }
            catch (SocketException)
            {
                // Not listening yet.
            }
        }
        return false;
    }

    static string RepositoryRoot()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (folder is not null && !File.Exists(Path.Combine(folder.FullName, "Epp.slnx")))
        {
            folder = folder.Parent;
        }
        return folder?.FullName ?? throw new InvalidOperationException($"no Epp.slnx above {AppContext.BaseDirectory}: run the tests from a checkout");
    }
}
