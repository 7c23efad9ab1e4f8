using Epp.Aot.Cli;

namespace Epp.Aot.Tests.Cli;

[Trait("Category", "Unit")]
public sealed class FlagSetTests
{
    private static FlagSet Parse(params string[] args)
    {
        var flags = new FlagSet(EppFlags.All);
        flags.Parse(args);
        return flags;
    }

    [Theory]
    [InlineData("-grpc-port", "9100")]
    [InlineData("--grpc-port", "9100")]
    [InlineData("--grpc-port=9100", null)]
    [InlineData("-grpc-port=9100", null)]
    public void Value_InEverySpellingOfGo_IsRead(string first, string? second)
    {
        var flags = Parse(second is null ? [first] : [first, second]);
        Assert.Empty(flags.Errors);
        Assert.Equal(9100, flags.Int("grpc-port"));
        Assert.True(flags.Has("grpc-port"));
    }

    [Fact]
    public void Defaults_WithoutArguments_AreThoseOfTheTable()
    {
        var flags = Parse();
        Assert.All(EppFlags.All, f => Assert.Equal((f.Default, false), (flags.Text(f.Name), flags.Has(f.Name))));
        Assert.True(flags.Bool("secure-serving"));
        Assert.Equal(64L << 20, flags.Quantity("max-request-body-bytes"));
        Assert.Equal(TimeSpan.FromMilliseconds(50), flags.Duration("refresh-metrics-interval"));
    }

    [Theory]
    [InlineData("--secure-serving", true)]
    [InlineData("--secure-serving=true", true)]
    [InlineData("--secure-serving=T", true)]
    [InlineData("--secure-serving=1", true)]
    [InlineData("--secure-serving=false", false)]
    [InlineData("--secure-serving=F", false)]
    [InlineData("-secure-serving=0", false)]
    public void Bool_HasItsValueBehindTheEqualsSignOnly(string argument, bool expected) => Assert.Equal(expected, Parse(argument).Bool("secure-serving"));

    [Fact]
    public void Bool_ValueAsTheNextArgument_EndsTheFlagsAsInGo()
    {
        var flags = Parse("--metrics-port=1", "--secure-serving", "false", "--grpc-port=2");
        Assert.Empty(flags.Errors);
        Assert.Equal((1, true, 9002), (flags.Int("metrics-port"), flags.Bool("secure-serving"), flags.Int("grpc-port")));
        Assert.Contains("1 arguments behind it are not read; write --secure-serving=false", Assert.Single(flags.Warnings), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--zap-time-encoding=epoch")]
    [InlineData("--zap-stacktrace-level=error")]
    [InlineData("--grpc-max-send-msg-size=4MiB")]
    public void FlagWithoutEffect_WarnsOnce(string argument) =>
        Assert.Contains(" is accepted but has no effect: ", Assert.Single(Parse(argument).Warnings), StringComparison.Ordinal);

    [Fact]
    public void Lists_AreSplitAtCommas()
    {
        var flags = Parse("--endpoint-target-ports=8000,8001,8000", "--tls-cipher-suites", "A, B");
        Assert.Equal([8000, 8001], flags.Ints("endpoint-target-ports"));
        Assert.Equal(["A", "B"], flags.Strings("tls-cipher-suites"));
        Assert.Single(Parse("--endpoint-target-ports=8000,x").Errors);
        Assert.Empty(Parse("--endpoint-target-ports=").Ints("endpoint-target-ports"));
    }

    [Fact]
    public void EmptyValue_IsAValue()
    {
        var flags = Parse("--cert-path=", "--pool-name", "");
        Assert.Empty(flags.Errors);
        Assert.True(flags.Has("cert-path"));
        Assert.Equal("", flags.Text("pool-name"));
    }

    [Fact]
    public void Value_GivenTwice_TheLastWins() => Assert.Equal(2, Parse("-v", "5", "-v=2").Int("v"));

    [Fact]
    public void NegativeValue_IsNoFlag() => Assert.Equal(-3, Parse("-v", "-3").Int("v"));

    [Theory]
    [InlineData("--grcp-port=1", "unknown flag: --grcp-port, did you mean --grpc-port?")]
    [InlineData("--nothing-like-any-of-them", "unknown flag: --nothing-like-any-of-them, see --help")]
    [InlineData("--grpc-port", "flag needs an argument: --grpc-port (a int, default '9002')")]
    [InlineData("--grpc-port=x", "invalid value 'x' for flag --grpc-port: expected an integer")]
    [InlineData("--secure-serving=maybe", "invalid value 'maybe' for flag --secure-serving: expected true or false")]
    [InlineData("--drain-timeout=5", "invalid value '5' for flag --drain-timeout: expected a duration such as 50ms, 2s or 1m30s")]
    [InlineData("--max-buffered-bytes=lots", "invalid value 'lots' for flag --max-buffered-bytes: expected a size such as 16MiB, 64Mi or 1000000")]
    [InlineData("stray", "unexpected argument 'stray': flags are written --name=value or --name value")]
    [InlineData("--", "unexpected argument '--': flags are written --name=value or --name value")]
    public void Mistake_IsNamedWithWhatWasExpected(string argument, string error) => Assert.Equal([error], Parse(argument).Errors);

    [Fact]
    public void Mistakes_AreReportedAllAtOnce() => Assert.Equal(3, Parse("--grpc-port=x", "stray", "--bogus-flag-of-nobody", "--metrics-port=1").Errors.Count);

    [Theory]
    [InlineData("-h")]
    [InlineData("--help")]
    [InlineData("-help")]
    public void Help_NamesEveryFlagWithItsDefault(string argument)
    {
        var flags = Parse(argument);
        Assert.True(flags.HelpWanted);
        var help = flags.Help();
        Assert.All(EppFlags.All, f => Assert.Contains(f.Help, help, StringComparison.Ordinal));
        Assert.Contains("(default 9002)", help, StringComparison.Ordinal);
    }
}
