using System.Text;

namespace Epp.Native.Requests;

/// <summary>
/// llm-d's <c>agent-identity</c> (plugins §5.9): the session an agent names in one of its headers, which keeps the turns of that session in
/// one fairness queue where the client sends no fairness id. Immutable; safe to share.
/// </summary>
public sealed class AgentIdentity
{
    public const string PluginType = "agent-identity";

    private static readonly string[] KnownHeaders = ["x-claude-code-session-id", "x-session-affinity", "session-id", "session_id"];

    private readonly byte[][] _headers;

    /// <param name="additionalHeaders">Headers looked at before the known ones, in order; empty names never match.</param>
    public AgentIdentity(IReadOnlyList<string> additionalHeaders)
    {
        _headers = new byte[additionalHeaders.Count + KnownHeaders.Length][];
        for (var i = 0; i < _headers.Length; i++)
        {
            // Request headers have lower-case keys.
            var name = i < additionalHeaders.Count ? additionalHeaders[i].ToLowerInvariant() : KnownHeaders[i - additionalHeaders.Count];
            _headers[i] = Encoding.UTF8.GetBytes(name);
        }
    }

    /// <summary>Value of the first of the headers that is there and not empty; else <paramref name="otherwise"/>.</summary>
    public ReadOnlySpan<byte> Find(HeaderTable headers, ReadOnlySpan<byte> otherwise)
    {
        foreach (var header in _headers)
        {
            if (headers.TryGet(header, out var value) && !value.IsEmpty)
            {
                return value;
            }
        }

        return otherwise;
    }
}
