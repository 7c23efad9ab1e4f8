using Epp.Aot.Kubernetes;
using Epp.Aot.Tests.ExtProc;

namespace Epp.Aot.Tests.Kubernetes;

[Trait("Category", "Unit")]
public sealed class RetryTests
{
    [Fact]
    public void Backoff_Grows_NeverBeyondItsCap_AndStartsOver()
    {
        var backoff = new Backoff(new Random(1), TimeSpan.FromSeconds(5));
        var waits = Enumerable.Range(0, 100).Select(_ => backoff.Next().TotalMilliseconds).ToArray();
        Assert.InRange(waits[0], 50, 100);
        Assert.All(waits, w => Assert.InRange(w, 50, 5000));
        Assert.InRange(waits[^1], 2500, 5000);
        backoff.Reset();
        Assert.InRange(backoff.Next().TotalMilliseconds, 50, 100);
    }

    [Fact]
    public void Token_OfAFile_FollowsItsRotation()
    {
        var path = Path.GetTempFileName();
        try
        {
            var time = new SteppedTime();
            File.WriteAllText(path, "one\n");
            var token = new BearerToken(null, path, time);
            Assert.Equal("one", token.Current());
            File.WriteAllText(path, "two\n");
            Assert.Equal("one", token.Current());
            time.Advance(BearerToken.MaxAge.TotalSeconds);
            Assert.Equal("two", token.Current());
            File.WriteAllText(path, "three");
            token.Distrust();
            Assert.Equal("three", token.Current());
            File.WriteAllText(path, "header\r\ninjection: x");
            token.Distrust();
            Assert.Equal("three", token.Current());
        }
        finally
        {
            File.Delete(path);
        }
    }
}
