using Epp.Aot.Configuration;

namespace Epp.Aot.Tests.Configuration;

[Trait("Category", "Unit")]
public class GoDurationTests
{
    [Theory]
    [InlineData("50ms", 50)]
    [InlineData("2s", 2000)]
    [InlineData("1m30s", 90000)]
    [InlineData("1.5h", 5400000)]
    [InlineData("-2s", -2000)]
    [InlineData("+1ms500us", 1.5)]
    [InlineData("0", 0)]
    [InlineData("0s", 0)]
    public void TryParse_Valid_IsRead(string text, double ms)
    {
        Assert.True(GoDuration.TryParse(text, out var duration));
        Assert.Equal(ms, duration.TotalMilliseconds, 6);
    }

    [Theory]
    [InlineData("")]
    [InlineData("-")]
    [InlineData("5")]
    [InlineData("s")]
    [InlineData("1x")]
    [InlineData("1 s")]
    [InlineData("1..5s")]
    [InlineData("99999999999h")]
    public void TryParse_Invalid_IsRefused(string text) => Assert.False(GoDuration.TryParse(text, out _));
}
