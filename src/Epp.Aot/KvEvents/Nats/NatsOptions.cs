using Epp.Native.Wire.Nats;

namespace Epp.Aot.KvEvents.Nats;

/// <summary>Where the NATS servers are and who we are to them.</summary>
/// <param name="Servers">URLs, <c>nats://host:4222</c> or <c>tls://…</c>, tried in turn. User info in a URL wins over the rest.</param>
/// <param name="User">User name.</param>
/// <param name="Password">Password.</param>
/// <param name="Token">Token.</param>
/// <param name="NKeySeed">Seed of an NKey, <c>SU…</c>.</param>
/// <param name="CredentialsFile">File with a JWT and a seed; read at every connect, so that it may be renewed.</param>
/// <param name="CaFile">PEM bundle of the authorities to trust instead of the system's.</param>
/// <param name="CertificateFile">PEM client certificate.</param>
/// <param name="KeyFile">Its key.</param>
/// <param name="Insecure">Accept any certificate.</param>
internal sealed record NatsOptions(
    string[] Servers,
    string? User = null,
    string? Password = null,
    string? Token = null,
    string? NKeySeed = null,
    string? CredentialsFile = null,
    string? CaFile = null,
    string? CertificateFile = null,
    string? KeyFile = null,
    bool Insecure = false)
{
    /// <summary>Bytes of a message at most; servers allow up to 64 MiB.</summary>
    public int MaxMessageBytes { get; init; } = 64 << 20;

    /// <summary>Bytes waiting to be sent at most; what exceeds them is refused and counted.</summary>
    public int MaxPendingBytes { get; init; } = 8 << 20;

    /// <summary>Time for a connection, its TLS handshake and login.</summary>
    public TimeSpan ConnectTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Longest wait between attempts to connect.</summary>
    public TimeSpan RetryCap { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>Pause between PINGs; two without an answer end the connection.</summary>
    public TimeSpan PingInterval { get; init; } = TimeSpan.FromSeconds(20);

    private bool HasLogin => User is not null || Token is not null || NKeySeed is not null || CredentialsFile is not null;

    /// <summary>Dynamo's variables (kv-routing §2.6): the first complete login wins; none at all means user/user.</summary>
    public static NatsOptions FromEnvironment(Func<string, string?> get)
    {
        string? Get(string name) => get(name) is { Length: > 0 } value ? value : null;
        var options = new NatsOptions((Get("NATS_SERVER") ?? "nats://localhost:4222").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            CaFile = Get("NATS_TLS_CA_CERT_PATH"),
            CertificateFile = Get("NATS_TLS_CLIENT_CERT_PATH"),
            KeyFile = Get("NATS_TLS_CLIENT_KEY_PATH"),
            Insecure = Get("NATS_TLS_INSECURE") is "1" or "true" or "TRUE" or "True" or "yes",
        };
        var (user, password) = (Get("NATS_AUTH_USERNAME"), Get("NATS_AUTH_PASSWORD"));
        return user is not null && password is not null ? options with { User = user, Password = password }
            : Get("NATS_AUTH_TOKEN") is { } token ? options with { Token = token }
            : Get("NATS_AUTH_NKEY") is { } seed ? options with { NKeySeed = seed }
            : Get("NATS_AUTH_CREDENTIALS_FILE") is { } file ? options with { CredentialsFile = file }
            : options with { User = "user", Password = "user" };
    }

    /// <summary>What CONNECT says; null with the reason where a credential cannot be read.</summary>
    public NatsLogin? Login(Uri server, ReadOnlySpan<byte> nonce, out string failure)
    {
        failure = "";
        if (server.UserInfo.Length > 0)
        {
            var parts = server.UserInfo.Split(':', 2);
            var first = Uri.UnescapeDataString(parts[0]);
            return parts.Length == 2 ? new NatsLogin(first, Uri.UnescapeDataString(parts[1])) : new NatsLogin(Token: first);
        }

        if (User is not null || !HasLogin)
        {
            return new NatsLogin(User, Password);
        }

        if (Token is not null)
        {
            return new NatsLogin(Token: Token);
        }

        var jwt = "";
        NatsKey? key;
        if (NKeySeed is not null)
        {
            key = NatsKey.Read(NKeySeed);
        }
        else if (!TryRead(CredentialsFile!, out var text, out failure) || !NatsKey.TryReadCredentials(text, out jwt, out key))
        {
            failure = failure.Length > 0 ? failure : $"{CredentialsFile} is no credentials file: it must hold a user JWT and a user seed";
            return null;
        }

        if (key is null)
        {
            failure = "the NKey is no user seed; it must begin with SU and have 58 characters";
            return null;
        }

        return new NatsLogin(Jwt: jwt.Length > 0 ? jwt : null, Key: jwt.Length > 0 ? null : key.Public, Signature: nonce.IsEmpty ? null : key.Sign(nonce));
    }

    private static bool TryRead(string file, out string text, out string failure)
    {
        (text, failure) = ("", "");
        try
        {
            text = File.ReadAllText(file);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            failure = e.Message;
            return false;
        }
    }
}
