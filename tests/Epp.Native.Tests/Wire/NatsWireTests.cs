using System.Text;
using Epp.Native.Wire.Nats;

namespace Epp.Native.Tests.Wire;

/// <summary>The NATS protocol in both directions, keys and signatures, and damaged bytes.</summary>
[Trait("Category", "Unit")]
public sealed class NatsWireTests
{
    private const string Stream = "INFO {\"server_id\":\"x\",\"version\":\"2.9.10\",\"max_payload\":1048576,\"nonce\":\"ab\\\"c\",\"tls_required\":true,\"headers\":true,\"connect_urls\":[\"a\",\"b\"]}\r\n"
        + "+OK\r\nMSG a.b 7 5\r\nhello\r\nmsg a.b\t8 reply.to 0\r\n\r\nHMSG s 9 30 33\r\nNATS/1.0 503 No Responders\r\n\r\nabc\r\nPING\r\nPONG\n-ERR 'Stale Connection'\r\n";

    [Fact]
    public void Read_EveryOperation_InAnyPieces()
    {
        var expected = "Info|Ok|Message a.b 7  hello 0|Message a.b 8 reply.to  0|Message s 9  abc 503|Ping|Pong|Error 'Stale Connection'";
        foreach (var piece in new[] { 1, 3, 1000 })
        {
            Assert.Equal(expected, Run(Encoding.ASCII.GetBytes(Stream), piece));
        }
    }

    [Fact]
    public void Info_Members_AreRead()
    {
        var info = NatsServerInfo.Read(Encoding.ASCII.GetBytes(Stream[5..Stream.IndexOf('\r', StringComparison.Ordinal)]))!;
        Assert.Equal(("2.9.10", 1048576, true, "ab\"c", true), (info.Version, info.MaxPayloadBytes, info.TlsRequired, Encoding.ASCII.GetString(info.Nonce), info.HasHeaders));
        Assert.Null(NatsServerInfo.Read("{nonsense"u8));
        Assert.Null(NatsServerInfo.Read("[1]"u8));
    }

    [Theory]
    [InlineData("HTTP/1.1 400 Bad Request\r\n", "does not speak NATS")]
    [InlineData("MSG a 1\r\n", "malformed")]
    [InlineData("MSG a 1 -1\r\n", "malformed")]
    [InlineData("MSG a 1 99999999999999999999\r\n", "malformed")]
    [InlineData("MSG a b c d e f g 1\r\n", "malformed")]
    [InlineData("HMSG a 1 9 8\r\n", "malformed")]
    [InlineData("MSG a 1 2000\r\n", "beyond the limit")]
    [InlineData("MSG a 1 2\r\nabcd\r\n", "another length")]
    public void Read_WhatIsNoMessage_Fails(string text, string reason)
    {
        Assert.Equal(NatsOp.Failed, NatsReader.Read(Encoding.ASCII.GetBytes(text), 1000, out var frame, out _));
        Assert.Contains(reason, Encoding.ASCII.GetString(frame.Text), StringComparison.Ordinal);
    }

    [Fact]
    public void Read_LineWithoutEnd_IsBounded()
    {
        Assert.Equal(NatsOp.NeedMore, NatsReader.Read(new byte[NatsReader.MaxLineBytes - 1], 1000, out _, out _));
        Assert.Equal(NatsOp.Failed, NatsReader.Read(new byte[NatsReader.MaxLineBytes], 1000, out _, out _));
    }

    [Fact]
    public void Read_DamagedBytes_NeverThrows()
    {
        const int Seed = 20261129;
        var random = new Random(Seed);
        var good = Encoding.ASCII.GetBytes(Stream);
        var messages = 0;
        for (var round = 0; round < 100_000; round++)
        {
            var bytes = good.ToArray();
            for (var n = random.Next(4); n > 0; n--)
            {
                bytes[random.Next(bytes.Length)] = (byte)random.Next(256);
            }

            try
            {
                messages += Run(bytes, bytes.Length).Split("Message").Length - 1;
                NatsServerInfo.Read(bytes.AsSpan(5, random.Next(150)));
                NatsKey.Read(Encoding.Latin1.GetString(bytes, random.Next(40), 58));
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {Seed}, round {round}: {Convert.ToHexString(bytes)}: {e}");
            }
        }

        Assert.True(messages > 50_000, $"only {messages} messages survived");
    }

    [Fact]
    public void Outbox_WritesTheProtocol_AndRefusesBeyondItsBound()
    {
        var box = new NatsOutbox(200);
        Assert.True(box.TrySubscribe("a.*"u8, 3) && box.TryPublish("s"u8, "r"u8, "xyz"u8) && box.TryPublish("s"u8, default, default) && box.TryPing() && box.TryPong() && box.TryUnsubscribe(3));
        Assert.Equal("SUB a.* 3\r\nPUB s r 3\r\nxyz\r\nPUB s 0\r\n\r\nPING\r\nPONG\r\nUNSUB 3\r\n", Encoding.ASCII.GetString(box.Waiting.Span));
        Assert.False(box.TryPublish("s"u8, default, new byte[100]));
        box.Clear();
        Assert.True(box.TryPublish("s"u8, default, new byte[100]));
    }

    [Fact]
    public void Connect_EscapesWhatItIsGiven()
    {
        var box = new NatsOutbox(100_000);
        box.Connect(new NatsLogin("a\"b", "c\\d\n", Signature: "é"), tls: true);
        using var json = System.Text.Json.JsonDocument.Parse(box.Waiting[8..]);
        Assert.Equal(("a\"b", "c\\d", "é", true), (json.RootElement.GetProperty("user").GetString(), json.RootElement.GetProperty("pass").GetString(), json.RootElement.GetProperty("sig").GetString(), json.RootElement.GetProperty("tls_required").GetBoolean()));
        Assert.False(json.RootElement.TryGetProperty("jwt", out _));
    }

    /// <summary>RFC 8032, section 7.1: tests 1, 2, 3, SHA(abc).</summary>
    [Theory]
    [InlineData("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60", "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a", "", "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b")]
    [InlineData("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb", "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c", "72", "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00")]
    [InlineData("c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7", "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025", "af82", "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a")]
    [InlineData("833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42", "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf", "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f", "dc2a4459e7369633a52b1bf277839a00201009a3efbf3ecb69bea2186c26b58909351fc9ac90b3ecfdfbc7c66431e0303dca179c138ac17ad9bef1177331a704")]
    public void Ed25519_RfcVectors(string seed, string key, string message, string signature)
    {
        Assert.Equal(key, Convert.ToHexStringLower(Ed25519.PublicKey(Convert.FromHexString(seed))));
        Assert.Equal(signature, Convert.ToHexStringLower(Ed25519.Sign(Convert.FromHexString(seed), Convert.FromHexString(message))));
    }

    /// <summary>The pair of the NKey documentation of NATS.</summary>
    [Fact]
    public void NKey_SeedGivesItsPublicKey()
    {
        var key = NatsKey.Read("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY")!;
        Assert.Equal("UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4", key.Public);
        Assert.Null(NatsKey.Read("SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VA"));
        Assert.Null(NatsKey.Read("UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"));
        var file = "-----BEGIN NATS USER JWT-----\neyJ0.a.b\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\nSUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY\n------END USER NKEY SEED------\n";
        Assert.True(NatsKey.TryReadCredentials(file, out var jwt, out var fromFile));
        Assert.Equal(("eyJ0.a.b", key.Public), (jwt, fromFile!.Public));
        Assert.False(NatsKey.TryReadCredentials("nothing", out _, out _));
    }

    private static string Run(byte[] bytes, int piece)
    {
        var said = new List<string>();
        var buffer = new List<byte>();
        for (var at = 0; at < bytes.Length; at += piece)
        {
            buffer.AddRange(bytes[at..int.Min(at + piece, bytes.Length)]);
            while (true)
            {
                var operation = NatsReader.Read(buffer.ToArray(), 1000, out var frame, out var consumed);
                if (operation is NatsOp.NeedMore or NatsOp.Failed)
                {
                    if (operation == NatsOp.Failed)
                    {
                        return string.Join('|', said);
                    }

                    break;
                }

                said.Add(operation switch
                {
                    NatsOp.Message => $"Message {Text(frame.Subject)} {frame.Subscription} {Text(frame.Reply)} {Text(frame.Payload)} {frame.Status}",
                    NatsOp.Error => $"Error {Text(frame.Text)}",
                    _ => operation.ToString(),
                });
                buffer.RemoveRange(0, consumed);
            }
        }

        return string.Join('|', said);
    }

    private static string Text(ReadOnlySpan<byte> text) => Encoding.ASCII.GetString(text);
}
