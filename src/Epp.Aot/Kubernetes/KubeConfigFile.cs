using System.Security.Cryptography.X509Certificates;
using System.Text;
using Epp.Aot.Configuration;

namespace Epp.Aot.Kubernetes;

/// <summary>
/// Reads kubeconfig files (https://kubernetes.io/docs/reference/config-api/kubeconfig.v1/). Of several files the first that sets a
/// name wins, as kubectl does it. Exec plugins and auth providers are refused: there is no program to run in the image.
/// </summary>
internal static class KubeConfigFile
{
    /// <summary>Reads the current context of the files together.</summary>
    /// <param name="paths">In order of precedence.</param>
    /// <param name="allMustExist">False: files that do not exist are left out, but one must.</param>
    public static KubeAccessResult Load(IReadOnlyList<string> paths, bool allMustExist)
    {
        var files = new List<(string Path, YamlNode Root)>();
        foreach (var path in paths)
        {
            if (!allMustExist && !File.Exists(path))
            {
                continue;
            }

            var (bytes, unreadable) = Read(path);
            if (bytes is null)
            {
                return KubeAccessResult.Failed(unreadable);
            }

            var problems = new Problems(path);
            if (YamlTree.Read(bytes, problems) is not { } root)
            {
                return KubeAccessResult.Failed($"{problems.Errors[0]}; expected a kubeconfig file");
            }

            files.Add((path, root));
        }

        return files.Count == 0
            ? KubeAccessResult.Failed($"none of the kubeconfig files exists: {string.Join(", ", paths)}")
            : FromContext(files);
    }

    private static KubeAccessResult FromContext(List<(string Path, YamlNode Root)> files)
    {
        var names = string.Join(", ", files.Select(f => f.Path));
        var current = files.Select(f => Text(f.Root, "current-context")).FirstOrDefault(c => c.Length > 0) ?? "";
        if (current.Length == 0)
        {
            return KubeAccessResult.Failed($"{names}: no current-context; set it with kubectl config use-context");
        }

        if (Named(files, "contexts", current, "context") is not { } context)
        {
            return KubeAccessResult.Failed($"{names}: current-context '{current}' names no entry of contexts");
        }

        var clusterName = Text(context.Node, "cluster");
        if (Named(files, "clusters", clusterName, "cluster") is not { } cluster)
        {
            return KubeAccessResult.Failed($"{names}: context '{current}' names cluster '{clusterName}', which is no entry of clusters");
        }

        var server = Text(cluster.Node, "server");
        if (!Uri.TryCreate(server, UriKind.Absolute, out var address) || address.Scheme is not ("http" or "https"))
        {
            return KubeAccessResult.Failed($"{cluster.Path}: server '{server}' of cluster '{clusterName}' is no http or https address");
        }

        var access = new KubeAccess(address, names)
        {
            Namespace = Text(context.Node, "namespace"),
            InsecureSkipVerify = Text(cluster.Node, "insecure-skip-tls-verify") == "true",
            TlsServerName = Text(cluster.Node, "tls-server-name"),
        };
        var (bundle, error) = Content(cluster, "certificate-authority");
        X509Certificate2Collection? authorities = null;
        if (error.Length > 0 || (bundle is not null && !KubeCertificates.TryReadAuthorities(bundle, out authorities)))
        {
            return KubeAccessResult.Failed(error.Length > 0 ? error : $"{cluster.Path}: certificate-authority of cluster '{clusterName}' holds no certificate in PEM form");
        }

        var userName = Text(context.Node, "user");
        access = access with { Authorities = authorities };
        return userName.Length == 0 ? new(access, "") : WithUser(access, files, userName);
    }

    private static KubeAccessResult WithUser(KubeAccess access, List<(string Path, YamlNode Root)> files, string userName)
    {
        if (Named(files, "users", userName, "user") is not { } user)
        {
            return KubeAccessResult.Failed($"{access.Source}: user '{userName}' is no entry of users");
        }

        foreach (var kind in (string[])["exec", "auth-provider", "username"])
        {
            if (Child(user.Node, kind) is { IsNull: false })
            {
                return KubeAccessResult.Failed(
                    $"{user.Path}: user '{userName}' uses {kind}, which is not supported; expected token, tokenFile or client-certificate with client-key: "
                    + "use a service account token (kubectl create token)");
            }
        }

        var (certificate, certificateError) = Content(user, "client-certificate");
        var (key, keyError) = Content(user, "client-key");
        if (certificateError.Length + keyError.Length > 0)
        {
            return KubeAccessResult.Failed(certificateError + keyError);
        }

        if (certificate is null != key is null)
        {
            return KubeAccessResult.Failed($"{user.Path}: user '{userName}' has only one of client-certificate and client-key; give both");
        }

        X509Certificate2Collection? pair = null;
        if (certificate is not null && !KubeCertificates.TryReadPair(certificate, key!, out pair, out var unusable))
        {
            return KubeAccessResult.Failed($"{user.Path}: client-certificate and client-key of user '{userName}' cannot be used: {unusable}");
        }

        var tokenFile = Text(user.Node, "tokenFile");
        return new(
            access with
            {
                Token = Text(user.Node, "token") is { Length: > 0 } token ? token : null,
                TokenFile = tokenFile.Length > 0 ? Resolve(user.Path, tokenFile) : null,
                ClientCertificate = pair,
            },
            "");
    }

    /// <summary>Text of <c>KEY-data</c> (base64) or of the file that KEY names; null = neither.</summary>
    private static (string? Text, string Error) Content((string Path, YamlNode Node) owner, string key)
    {
        var data = Text(owner.Node, key + "-data");
        if (data.Length > 0)
        {
            var bytes = new byte[data.Length];
            return Convert.TryFromBase64String(data, bytes, out var n)
                ? (Encoding.UTF8.GetString(bytes, 0, n), "")
                : (null, $"{owner.Path}: {key}-data is not base64");
        }

        var file = Text(owner.Node, key);
        if (file.Length == 0)
        {
            return (null, "");
        }

        var (content, error) = Read(Resolve(owner.Path, file));
        return content is null ? (null, $"{owner.Path}: {key}: {error}") : (Encoding.UTF8.GetString(content), "");
    }

    private static string Resolve(string kubeconfig, string path) => Path.Combine(Path.GetDirectoryName(Path.GetFullPath(kubeconfig)) ?? "/", path);

    private static (byte[]? Bytes, string Error) Read(string path)
    {
        try
        {
            return new FileInfo(path).Length > YamlTree.MaxBytes ? (null, $"{path}: larger than 1 MiB") : (File.ReadAllBytes(path), "");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            return (null, $"{path}: cannot be read: {e.Message}");
        }
    }

    private static (string Path, YamlNode Node)? Named(List<(string Path, YamlNode Root)> files, string list, string name, string key)
    {
        foreach (var (path, root) in files)
        {
            foreach (var item in Child(root, list)?.Items ?? [])
            {
                if (Text(item, "name") == name && Child(item, key) is { Kind: YamlKind.Map } node)
                {
                    return (path, node);
                }
            }
        }

        return null;
    }

    private static YamlNode? Child(YamlNode node, string key)
    {
        foreach (var (name, value) in node.Entries)
        {
            if (name.Text == key)
            {
                return value;
            }
        }

        return null;
    }

    private static string Text(YamlNode node, string key) => Child(node, key) is { Kind: YamlKind.Scalar, IsNull: false } value ? value.Text : "";
}
