using System.Security.Cryptography.X509Certificates;

namespace Epp.Aot.Kubernetes;

/// <summary>How to reach an API server and who to be there. Owns its certificates.</summary>
/// <param name="Server">Base address, http or https.</param>
/// <param name="Source">Where this came from, for messages.</param>
internal sealed record KubeAccess(Uri Server, string Source) : IDisposable
{
    /// <summary>Namespace of the context or of the service account; empty = none stated.</summary>
    public string Namespace { get; init; } = "";

    /// <summary>Fixed bearer token; null = none.</summary>
    public string? Token { get; init; }

    /// <summary>File with the bearer token, read again as it rotates; wins over <see cref="Token"/>.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Authorities that may sign the server's certificate; null = the system's.</summary>
    public X509Certificate2Collection? Authorities { get; init; }

    /// <summary>Client certificate first, with its key, then its intermediates; null = none.</summary>
    public X509Certificate2Collection? ClientCertificate { get; init; }

    /// <summary>Accept any server certificate.</summary>
    public bool InsecureSkipVerify { get; init; }

    /// <summary>Name in the server's certificate where it is not the host of <see cref="Server"/>; empty = the host.</summary>
    public string TlsServerName { get; init; } = "";

    public void Dispose()
    {
        foreach (var certificate in (Authorities ?? []).Concat(ClientCertificate ?? []))
        {
            certificate.Dispose();
        }
    }
}

/// <summary>An access, or why there is none.</summary>
internal readonly record struct KubeAccessResult(KubeAccess? Access, string Error)
{
    public static KubeAccessResult Failed(string error) => new(null, error);
}

/// <summary>
/// Finds the access in the references' order: flag, <c>KUBECONFIG</c>, the pod's service account, <c>~/.kube/config</c> (contract §4.2).
/// </summary>
/// <param name="environment">Value of an environment variable; null = unset.</param>
/// <param name="serviceAccount">Folder of the mounted service account.</param>
internal sealed class KubeAccessFinder(Func<string, string?> environment, string serviceAccount = KubeAccessFinder.ServiceAccountFolder)
{
    /// <summary>Where Kubernetes mounts the service account of a pod.</summary>
    public const string ServiceAccountFolder = "/var/run/secrets/kubernetes.io/serviceaccount";

    /// <summary>Finds and reads the access.</summary>
    /// <param name="kubeconfigFlag">Value of <c>--kubeconfig</c>; empty = not given.</param>
    public KubeAccessResult Find(string kubeconfigFlag)
    {
        if (kubeconfigFlag.Length > 0)
        {
            return KubeConfigFile.Load([kubeconfigFlag], allMustExist: true);
        }

        var listed = (environment("KUBECONFIG") ?? "").Split(Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        if (listed.Length > 0)
        {
            return KubeConfigFile.Load(listed, allMustExist: false);
        }

        if (environment("KUBERNETES_SERVICE_HOST") is { Length: > 0 } host)
        {
            return InCluster(host, environment("KUBERNETES_SERVICE_PORT") is { Length: > 0 } port ? port : "443");
        }

        var home = environment("HOME") is { Length: > 0 } folder ? Path.Combine(folder, ".kube", "config") : "";
        return File.Exists(home)
            ? KubeConfigFile.Load([home], allMustExist: true)
            : KubeAccessResult.Failed("no access to a Kubernetes API server: not in a pod (KUBERNETES_SERVICE_HOST is unset) and no kubeconfig found; "
                + "give --kubeconfig or KUBECONFIG, or discover endpoints from a file with --endpoints-file");
    }

    private KubeAccessResult InCluster(string host, string port)
    {
        var authority = host.Contains(':', StringComparison.Ordinal) ? $"[{host}]:{port}" : $"{host}:{port}";
        if (!Uri.TryCreate($"https://{authority}", UriKind.Absolute, out var server))
        {
            return KubeAccessResult.Failed($"KUBERNETES_SERVICE_HOST '{host}' and KUBERNETES_SERVICE_PORT '{port}' are no address");
        }

        var token = Path.Combine(serviceAccount, "token");
        if (!File.Exists(token))
        {
            return KubeAccessResult.Failed($"{token} does not exist: mount the service account's token (automountServiceAccountToken), or give --kubeconfig");
        }

        X509Certificate2Collection? authorities = null;
        var bundle = Path.Combine(serviceAccount, "ca.crt");
        if (File.Exists(bundle) && !KubeCertificates.TryReadAuthorities(ReadText(bundle), out authorities))
        {
            return KubeAccessResult.Failed($"{bundle} holds no certificate in PEM form");
        }

        var name = Path.Combine(serviceAccount, "namespace");
        return new(
            new KubeAccess(server, "the pod's service account") { TokenFile = token, Authorities = authorities, Namespace = File.Exists(name) ? ReadText(name).Trim() : "" }, "");
    }

    private static string ReadText(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
