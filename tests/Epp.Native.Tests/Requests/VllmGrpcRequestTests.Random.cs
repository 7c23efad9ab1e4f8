using Epp.Native.Memory;
using Epp.Native.Requests;
using Epp.Testing;
using Epp.Testing.Protos;
using Google.Protobuf;

namespace Epp.Native.Tests.Requests;

/// <content>Random messages and damaged ones, beside Google's library.</content>
public sealed partial class VllmGrpcRequestTests
{
    [Fact]
    public void RandomMessages_AreReadAsGooglesLibraryReadsThem()
    {
        var random = new Random(Seed);
        for (var round = 0; round < 2000; round++)
        {
            var message = Random(random);
            var bytes = Frame(message);
            var (scan, body) = Read(bytes, splits: random);
            Assert.True(scan.ErrorMessage is null, $"seed {Seed}, round {round}: {scan.ErrorMessage}");
            AssertSame(message, scan, body);
            body.Dispose();
        }
    }

    /// <summary>Damaged messages never throw; what Google's library takes is taken, and read alike.</summary>
    [Fact]
    public void DamagedMessages_NeverThrow_AndAreTakenAsByGooglesLibrary()
    {
        var random = new Random(Seed + 1);
        var taken = 0;
        for (var round = 0; round < 20_000; round++)
        {
            var bytes = Damage(random, Random(random).ToByteArray());
            var (scan, body) = Read(GrpcChannel.Frame(bytes), splits: random);
            Ids(scan, body);
            if (TryParse(bytes) is { InputCase: not VllmGenerateRequest.InputOneofCase.None } message)
            {
                taken++;
                Assert.True(scan.ErrorMessage is null, $"seed {Seed}, round {round}: {scan.ErrorMessage}: {Convert.ToHexString(bytes)}");
                AssertSame(message, scan, body);
            }

            body.Dispose();
            Read(bytes, (RequestApi)random.Next((int)RequestApi.VllmGrpcGenerate, (int)RequestApi.VllmGrpcEmbed + 1)).Body.Dispose();
        }

        Assert.True(taken > 1000);
    }

    private static void AssertSame(VllmGenerateRequest message, RequestScanner scan, BodyBuffer body)
    {
        Assert.Equal(message.Stream, scan.Stream);
        Assert.Equal(message.SamplingParams is { HasMaxTokens: true } sampling ? sampling.MaxTokens : -1L, scan.MaxOutputTokens);
        Assert.Equal(message.InputCase == VllmGenerateRequest.InputOneofCase.Text, scan.GrpcPrompt.IsText);
        if (scan.GrpcPrompt.IsText)
        {
            Assert.Equal(message.Text, Text(scan, body));
        }
        else
        {
            Assert.Equal(message.Tokenized.InputIds.Count, scan.ElementCount);
            Assert.Equal(scan.GrpcPrompt.IsAltered || scan.ElementCount == 0 ? null : [.. message.Tokenized.InputIds], Ids(scan, body));
        }
    }

    private static VllmGenerateRequest Random(Random random)
    {
        var message = new VllmGenerateRequest { RequestId = new string('r', random.Next(40)), Stream = random.Next(2) == 0 };
        if (random.Next(2) == 0)
        {
            message.Text = new string('x', random.Next(3) == 0 ? random.Next(9000) : random.Next(20));
        }
        else
        {
            message.Tokenized = new() { InputIds = { Enumerable.Range(0, random.Next(3) == 0 ? random.Next(4000) : random.Next(20)).Select(_ => (uint)random.NextInt64() >> random.Next(32)) } };
        }

        if (random.Next(2) == 0)
        {
            message.SamplingParams = new() { Temperature = 0.5f, Stop = { "a", "b" }, LogitBias = { [1] = 1 } };
            if (random.Next(2) == 0)
            {
                message.SamplingParams.MaxTokens = (uint)random.Next();
            }
        }

        return message;
    }

    private static byte[] Damage(Random random, byte[] message)
    {
        var bytes = message.ToList();
        for (var n = random.Next(1, 4); n > 0; n--)
        {
            var at = random.Next(Math.Min(bytes.Count, 60) + 1);
            switch (random.Next(5))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 1:
                    bytes.Insert(at, (byte)random.Next(64));
                    break;
                case 2 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(random.Next(9), bytes.Count - at));
                    break;
                case 3:
                    bytes.AddRange(bytes.GetRange(0, random.Next(bytes.Count + 1)));
                    break;
                case 4:
                    bytes.InsertRange(at, random.Next(3) switch { 0 => [0x5B, 0x08, 0x01, 0x5C], 1 => [0x5D, 1, 2, 3, 4], _ => [0xF8, 0x07, 0xFF, 0xFF, 0x03] });
                    break;
            }
        }

        return [.. bytes];
    }

    private static VllmGenerateRequest? TryParse(byte[] bytes)
    {
        try
        {
            return VllmGenerateRequest.Parser.ParseFrom(bytes);
        }
        catch (InvalidProtocolBufferException)
        {
            return null;
        }
    }
}
