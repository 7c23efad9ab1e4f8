using System.Text;
using Epp.Native.Pool;
using Epp.Native.Requests;

namespace Epp.Native.Tests.Requests;

[Trait("Category", "Unit")]
public sealed class SubsetHintTests
{
    [Theory]
    [InlineData("10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.1:9", "10.0.0.1", true)]
    [InlineData("::ffff:10.0.0.1", "10.0.0.1", true)]
    [InlineData("10.0.0.2", "10.0.0.1", false)]
    [InlineData("fd00:44::1", "fd00:44::1", true)]
    [InlineData("[fd00:44::1]", "fd00:44::1", true)]
    [InlineData("[fd00:44::1]:9", "fd00:44::1", true)]
    // Without brackets the last group may be a port: only the endpoint's own counts as one.
    [InlineData("fd00:44::1:8000", "fd00:44::1", true)]
    [InlineData("fd00:44::1:8001", "fd00:44::1", false)]
    [InlineData("fd00:44::1:8000", "fd00:44::1:8000", true)]
    [InlineData("[fd00:44::1:8000]", "fd00:44::1", false)]
    [InlineData("fd00:44::1:", "fd00:44::1", true)]
    [InlineData("::", "fd00:44::1", false)]
    [InlineData(":", "fd00:44::1", false)]
    [InlineData("[", "fd00:44::1", false)]
    public void Allows_EverySpellingOfAnAddress(string item, string address, bool expected)
    {
        var hint = new SubsetHint { Present = true };
        hint.Add(Encoding.ASCII.GetBytes(item));
        Assert.Equal(expected, hint.Allows(new Endpoint("default", "e", address, 8000)));
        hint.Clear();
        hint.Present = true;
        Assert.False(hint.Allows(new Endpoint("default", "e", address, 8000)));
    }
}
