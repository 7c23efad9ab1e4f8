using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Epp.Aot.Kubernetes;

namespace Epp.Aot.Tests.Kubernetes;

[Trait("Category", "Unit")]
public sealed class KubeConfigTests : IDisposable
{
    private const string Good = """
        apiVersion: v1
        kind: Config
        current-context: one
        contexts:
        - name: one
          context: {cluster: k, user: u, namespace: prod}
        clusters:
        - name: k
          cluster: {server: "https://api.test", tls-server-name: kube}
        users:
        - name: u
          user: {token: secret}
        """;

    private readonly string _folder = Directory.CreateTempSubdirectory("epp-kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Flag_NamesAFile_ItsCurrentContextIsRead()
    {
        var (access, error) = Find(Write("a", Good));
        Assert.Equal("", error);
        Assert.Equal("https://api.test/", access!.Server.AbsoluteUri);
        Assert.Equal(("prod", "secret", "kube", false), (access.Namespace, access.Token, access.TlsServerName, access.InsecureSkipVerify));
    }

    [Fact]
    public void Variable_NamesSeveralFiles_TheFirstThatSetsANameWins()
    {
        var first = Write("first", """
            users:
            - name: u
              user: {tokenFile: token}
            """);
        var (access, error) = Find("", ("KUBECONFIG", $"{first}:{_folder}/missing:{Write("second", Good)}"));
        Assert.Equal("", error);
        Assert.Null(access!.Token);
        Assert.Equal(Path.Combine(_folder, "token"), access.TokenFile);
    }

    [Fact]
    public void Order_FlagThenVariableThenPodThenHome()
    {
        var home = Directory.CreateDirectory(Path.Combine(_folder, "home", ".kube")).Parent!.FullName;
        File.WriteAllText(Path.Combine(home, ".kube", "config"), Good.Replace("api.test", "home.test", StringComparison.Ordinal));
        var variable = Write("v", Good.Replace("api.test", "variable.test", StringComparison.Ordinal));
        File.WriteAllText(Path.Combine(_folder, "token"), "t\n");
        File.WriteAllText(Path.Combine(_folder, "namespace"), "own\n");
        (string, string?)[] all = [("KUBECONFIG", variable), ("KUBERNETES_SERVICE_HOST", "fd00::1"), ("KUBERNETES_SERVICE_PORT", "443"), ("HOME", home)];
        Assert.Equal("api.test", Find(Write("f", Good), all).Access!.Server.Host);
        Assert.Equal("variable.test", Find("", all).Access!.Server.Host);
        var pod = Find("", all[1..]).Access!;
        Assert.Equal(("[fd00::1]", "own", Path.Combine(_folder, "token")), (pod.Server.Host, pod.Namespace, pod.TokenFile));
        Assert.Equal("home.test", Find("", all[3..]).Access!.Server.Host);
        Assert.Contains("--kubeconfig", Find("").Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Certificates_InlineAndAsFiles_AreRead()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=u", key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(200));
        var pem = certificate.ExportCertificatePem();
        Write("ca.crt", pem);
        var data = Convert.ToBase64String(Encoding.ASCII.GetBytes(pem));
        var keyData = Convert.ToBase64String(Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem()));
        var text = Good.Replace("tls-server-name: kube", "certificate-authority: ca.crt", StringComparison.Ordinal)
            .Replace("token: secret", $"client-certificate-data: {data}, client-key-data: {keyData}", StringComparison.Ordinal);
        using var access = Find(Write("c", text)).Access!;
        Assert.Equal(certificate.Thumbprint, Assert.Single(access.Authorities!).Thumbprint);
        Assert.True(Assert.Single(access.ClientCertificate!).HasPrivateKey);
    }

    [Theory]
    [InlineData("current-context: one", "current-context: two", "current-context 'two' names no entry")]
    [InlineData("current-context: one", "x: one", "no current-context")]
    [InlineData("cluster: k,", "cluster: z,", "names cluster 'z'")]
    [InlineData("user: u,", "user: z,", "user 'z' is no entry of users")]
    [InlineData("https://api.test", "api.test", "is no http or https address")]
    [InlineData("token: secret", "exec: {command: aws}", "uses exec, which is not supported")]
    [InlineData("token: secret", "auth-provider: {name: gcp}", "uses auth-provider, which is not supported")]
    [InlineData("token: secret", "client-certificate-data: '!'", "client-certificate-data is not base64")]
    [InlineData("token: secret", "client-certificate-data: aGk=", "only one of client-certificate and client-key")]
    [InlineData("token: secret", "client-certificate-data: aGk=, client-key-data: aGk=", "cannot be used")]
    [InlineData("token: secret", "client-certificate: missing.crt, client-key: missing.key", "missing.crt: cannot be read")]
    [InlineData("tls-server-name: kube", "certificate-authority-data: aGk=", "holds no certificate in PEM form")]
    [InlineData("apiVersion: v1", "apiVersion: [v1", "expected a kubeconfig file")]
    public void Mistake_IsNamed(string good, string bad, string reason)
    {
        var (access, error) = Find(Write("k", Good.Replace(good, bad, StringComparison.Ordinal)));
        Assert.Null(access);
        Assert.Contains(reason, error, StringComparison.Ordinal);
    }

    [Fact]
    public void MissingFile_IsNamed() => Assert.Contains("nowhere: cannot be read", Find(Path.Combine(_folder, "nowhere")).Error, StringComparison.Ordinal);

    [Fact]
    public void Fuzz_DamagedFiles_NeverThrow()
    {
        const int Seed = 20260;
        var random = new Random(Seed);
        var path = Path.Combine(_folder, "fuzz");
        for (var i = 0; i < 2000; i++)
        {
            Fuzz.Mutate(random, Encoding.UTF8.GetBytes(Good), bytes =>
            {
                File.WriteAllBytes(path, bytes);
                var (access, error) = Find(path);
                Assert.True(access is null != (error.Length == 0), $"seed {Seed}, round {i}");
            });
        }
    }

    private KubeAccessResult Find(string flag, params (string Name, string? Value)[] environment) =>
        new KubeAccessFinder(name => environment.FirstOrDefault(e => e.Name == name).Value, _folder).Find(flag);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_folder, name);
        File.WriteAllText(path, text);
        return path;
    }
}
