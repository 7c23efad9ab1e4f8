using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;

namespace Epp.Aot.Kubernetes;

/// <summary>Whether a request to the metrics port may go on.</summary>
/// <param name="StatusCode">200 = yes; 401, 403 or 500 = the answer.</param>
/// <param name="Message">Body of the answer.</param>
internal readonly record struct ReviewVerdict(int StatusCode, string Message)
{
    public static ReviewVerdict Allowed { get; } = new(200, "");
}

/// <summary>
/// Authenticates a bearer token by TokenReview and authorises path and verb by SubjectAccessReview (contract §4.6). Verdicts are kept
/// for a short time; a failed review is not. Thread-safe.
/// </summary>
internal sealed class RequestReviewer(KubeClient client, ILogger logger, TimeProvider time)
{
    /// <summary>How long a user or a right counts after its review; a wrong token or a missing right is asked about sooner.</summary>
    public static readonly TimeSpan KeepGood = TimeSpan.FromSeconds(60);

    public static readonly TimeSpan KeepBad = TimeSpan.FromSeconds(5);

    /// <summary>Verdicts kept; a flood of tokens or paths empties the table.</summary>
    private const int MaxVerdicts = 256;

    private const int MaxTokenChars = 16 << 10;

    private static readonly TimeSpan ReviewTimeout = TimeSpan.FromSeconds(10);
    private static readonly ReviewVerdict Unauthorized = new(401, "Unauthorized");

    private readonly Lock _gate = new();
    private readonly Dictionary<string, (UserInfo? User, long At)> _users = new(StringComparer.Ordinal);
    private readonly Dictionary<string, (bool Allowed, long At)> _rights = new(StringComparer.Ordinal);
    private bool _saidFailed;

    /// <summary>Reviews one request.</summary>
    /// <param name="authorization">The Authorization header; empty = none.</param>
    /// <param name="path">Path asked for.</param>
    /// <param name="method">HTTP method.</param>
    /// <param name="cancellation">The client has gone.</param>
    public async Task<ReviewVerdict> ReviewAsync(string authorization, string path, string method, CancellationToken cancellation)
    {
        if (!authorization.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) || authorization.AsSpan(7).Trim() is not { Length: > 0 and <= MaxTokenChars } token)
        {
            return Unauthorized;
        }

        var key = Convert.ToHexString(SHA256.HashData(Encoding.UTF8.GetBytes(token.ToString())));
        var (user, failure) = await UserAsync(key, token.ToString(), cancellation).ConfigureAwait(false);
        if (failure is not null)
        {
            return Failed(failure, "Authentication failed");
        }

        if (user?.Username is not { Length: > 0 } name)
        {
            return Unauthorized;
        }

        (var allowed, failure) = await AllowedAsync(key, user, path, method.ToLowerInvariant(), cancellation).ConfigureAwait(false);
        return failure is not null
            ? Failed(failure, "Authorization failed")
            : allowed ? ReviewVerdict.Allowed : new ReviewVerdict(403, $"Authorization denied for user {name}");
    }

    private async Task<(UserInfo? User, KubeFailure? Failure)> UserAsync(string key, string token, CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_users.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) < (known.User is null ? KeepBad : KeepGood))
            {
                return (known.User, null);
            }
        }

        var (review, failure) = await client.SendAsync(
            HttpMethod.Post,
            "/apis/authentication.k8s.io/v1/tokenreviews",
            JsonSerializer.SerializeToUtf8Bytes(new TokenReview { Spec = new TokenReviewSpec(token) }, KubeJson.Default.TokenReview),
            KubeJson.Default.TokenReview,
            ReviewTimeout,
            cancellation).ConfigureAwait(false);
        if (review is null)
        {
            return (null, failure);
        }

        // An invalid token also comes with an error text; that it is not authenticated is what counts (contract §0a).
        var user = review.Status is { Authenticated: true } ? review.Status.User : null;
        lock (_gate)
        {
            Bound(_users);
            _users[key] = (user, time.GetTimestamp());
        }

        return (user, null);
    }

    private async Task<(bool Allowed, KubeFailure? Failure)> AllowedAsync(string tokenKey, UserInfo user, string path, string verb, CancellationToken cancellation)
    {
        var key = $"{tokenKey} {verb} {path}";
        lock (_gate)
        {
            if (_rights.TryGetValue(key, out var known) && time.GetElapsedTime(known.At) < (known.Allowed ? KeepGood : KeepBad))
            {
                return (known.Allowed, null);
            }
        }

        var spec = new SubjectAccessReviewSpec
        {
            User = user.Username,
            Uid = user.Uid,
            Groups = user.Groups,
            Extra = user.Extra,
            NonResourceAttributes = new NonResourceAttributes(path, verb),
        };
        var (review, failure) = await client.SendAsync(
            HttpMethod.Post,
            "/apis/authorization.k8s.io/v1/subjectaccessreviews",
            JsonSerializer.SerializeToUtf8Bytes(new SubjectAccessReview { Spec = spec }, KubeJson.Default.SubjectAccessReview),
            KubeJson.Default.SubjectAccessReview,
            ReviewTimeout,
            cancellation).ConfigureAwait(false);
        if (review is null)
        {
            return (false, failure);
        }

        var allowed = review.Status is { Allowed: true };
        lock (_gate)
        {
            Bound(_rights);
            _rights[key] = (allowed, time.GetTimestamp());
        }

        return (allowed, null);
    }

    private ReviewVerdict Failed(KubeFailure failure, string message)
    {
        lock (_gate)
        {
            if (!_saidFailed)
            {
                _saidFailed = true;
                KubeLog.ReviewFailed(logger, failure);
            }
        }

        return new ReviewVerdict(500, message);
    }

    private static void Bound<T>(Dictionary<string, T> table)
    {
        if (table.Count >= MaxVerdicts)
        {
            table.Clear();
        }
    }
}
