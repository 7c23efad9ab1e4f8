using System.Text;
using Epp.Aot.Scraping;

namespace Epp.Aot.Tests.Scraping;

[Trait("Category", "Unit")]
public sealed class HttpAnswerTests
{
    private const string Chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n";
    private const string Sized = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

    [Theory]
    [InlineData(Chunked, "abc0123456789")]
    [InlineData(Sized, "hello")]
    public void Parse_EveryPrefix_NeedsMoreUntilComplete(string text, string body)
    {
        for (var n = 0; n < text.Length; n++)
        {
            Assert.Equal(HttpProgress.NeedMore, HttpAnswer.Parse(Encoding.ASCII.GetBytes(text, 0, n), false, out _));
            Assert.Equal(HttpProgress.Malformed, HttpAnswer.Parse(Encoding.ASCII.GetBytes(text, 0, n), true, out _));
        }

        var bytes = Encoding.ASCII.GetBytes(text + "next");
        Assert.Equal(HttpProgress.Complete, HttpAnswer.Parse(bytes, false, out var answer));
        Assert.Equal((200, body, true, text.Length), (answer.Status, Encoding.ASCII.GetString(bytes, answer.BodyStart, answer.BodyLength), answer.KeepAlive, answer.End));
    }

    [Theory]
    [InlineData("HTTP/2 200\r\n\r\n")]
    [InlineData("HTTP/1.1 2x0 OK\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab")]
    [InlineData("HTTP/1.1 200 OK\r\nno colon\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabcd")]
    [InlineData("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nFFFFFFFF\r\n")]
    public void Parse_Broken_IsMalformed(string text) => Assert.Equal(HttpProgress.Malformed, HttpAnswer.Parse(Encoding.ASCII.GetBytes(text), false, out _));

    [Fact]
    public void Parse_HugeHead_IsMalformed() =>
        Assert.Equal(HttpProgress.Malformed, HttpAnswer.Parse(Encoding.ASCII.GetBytes("HTTP/1.1 200 OK\r\nX: " + new string('y', 40_000)), false, out _));

    [Fact]
    public void Parse_MutatedAnswers_NeverThrowsAndStaysInside()
    {
        const int Seed = 9;
        var random = new Random(Seed);
        for (var round = 0; round < 50_000; round++)
        {
            var bytes = Encoding.ASCII.GetBytes(round % 2 == 0 ? Chunked : Sized);
            for (var edits = random.Next(6); edits > 0; edits--)
            {
                bytes[random.Next(bytes.Length)] = (byte)"\r\n0123F:; H"[random.Next(11)];
            }

            var cut = bytes.AsSpan(0, random.Next(bytes.Length + 1));
            if (HttpAnswer.Parse(cut, random.Next(2) == 0, out var answer) == HttpProgress.Complete)
            {
                Assert.True(answer.BodyStart + answer.BodyLength <= cut.Length && answer.End <= cut.Length, $"seed {Seed} round {round}");
            }
        }
    }
}
