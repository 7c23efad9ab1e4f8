using System.Text;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Requests;

[Trait("Category", "Unit")]
public sealed class AgentIdentityTests
{
    private static string Find(string[] additional, params (string Key, string Value)[] headers)
    {
        using var table = new HeaderTable();
        foreach (var (key, value) in headers)
        {
            Assert.True(table.Add(Encoding.UTF8.GetBytes(key), Encoding.UTF8.GetBytes(value)));
        }

        return Encoding.UTF8.GetString(new AgentIdentity(additional).Find(table, "none"u8));
    }

    [Fact]
    public void Find_KnownHeaders_InTheirOrder()
    {
        (string, string)[] all = [("session_id", "4"), ("session-id", "3"), ("x-session-affinity", "2"), ("x-claude-code-session-id", "1")];
        for (var left = all.Length; left > 0; left--)
        {
            Assert.Equal((5 - left).ToString(), Find([], all[..left]));
        }

        Assert.Equal("none", Find([]));
        Assert.Equal("none", Find([], ("x-request-id", "r")));
    }

    [Fact]
    public void Find_AdditionalHeaders_ComeFirst_InAnyCase()
    {
        Assert.Equal("b", Find(["X-Agent-A", "x-agent-b"], ("x-claude-code-session-id", "1"), ("X-AGENT-B", "b")));
        Assert.Equal("a", Find(["X-Agent-A", "x-agent-b"], ("x-agent-b", "b"), ("x-agent-a", "a")));
        Assert.Equal("1", Find(["x-agent"], ("x-claude-code-session-id", "1")));
    }

    [Fact]
    public void Find_EmptyValue_IsNone()
    {
        Assert.Equal("2", Find([""], ("x-claude-code-session-id", ""), ("x-session-affinity", "2")));
        Assert.Equal("none", Find(["x-agent"], ("x-agent", "")));
    }
}
