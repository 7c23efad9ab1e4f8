using System.Diagnostics;
using System.Globalization;
using Epp.Native.KvEvents;
using Epp.Native.KvEvents.Engines;
using Epp.Testing;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>
/// The lab's simulated engine under the real libzmq as its consumer: what stands in for vLLM in the demo speaks the sockets that vLLM speaks,
/// and its payloads decode to what happened.
/// </summary>
[Trait("Category", "Integration")]
public sealed class LabEventTests
{
    // Asks for prompts until the subscription has arrived, then for two more and a reset; prints every message in hex, a word a frame.
    private const string Script = """
        import sys, struct, json, urllib.request, zmq
        port, events, replay = (int(x) for x in sys.argv[1:])
        ctx = zmq.Context()
        def connect(kind, to):
            s = ctx.socket(kind)
            s.setsockopt(zmq.LINGER, 0)
            s.setsockopt(zmq.RCVTIMEO, 10000)
            s.connect(f'tcp://127.0.0.1:{to}')
            return s
        def show(name, frames): print(name, *(f.hex() or '-' for f in frames), flush=True)
        def post(path, body=b''):
            urllib.request.urlopen(urllib.request.Request(f'http://127.0.0.1:{port}{path}', body, {'content-type': 'application/json'})).read()
        def ask(text): post('/v1/completions', json.dumps({'model': 'lab-model', 'prompt': text, 'max_tokens': 1}).encode())
        sub, other = connect(zmq.SUB, events), connect(zmq.SUB, events)
        sub.subscribe(b'kv@')
        other.subscribe(b'kw@')
        n = 0
        while not sub.poll(100):
            ask(f'warm up {n} '.ljust(48, 'x'))
            n += 1
            assert n < 100, 'no message within 100 requests'
        while sub.poll(200): sub.recv_multipart()
        ask('a' * 48)
        ask('a' * 32 + 'b' * 33)
        post('/reset_prefix_cache')
        for _ in range(3): show('live', sub.recv_multipart())
        show('other', [b'1' if other.poll(200) else b'0'])
        dealer, req = connect(zmq.DEALER, replay), connect(zmq.REQ, replay)
        dealer.send_multipart([b'nonsense'])
        dealer.send_multipart([b'', struct.pack('>Q', n)])
        while True:
            frames = dealer.recv_multipart()
            show('replay', frames)
            if frames[-2:] == [b'\xff' * 8, b'']: break
        req.send(struct.pack('>Q', n))
        show('req', req.recv_multipart())
        """;

    [SkippableFact]
    public void Events_ToRealSubscribers_AreFramedRepeatedAndDecodable()
    {
        var python = DebianTool.Require("python3", "python3-zmq");
        python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : python;
        Skip.IfNot(ZmqEngines.HasZmq(python), $"{python} has no zmq (Debian package python3-zmq)");
        var lab = Path.Combine(SharedTools.Repository ?? ".", "bench", "Epp.Lab", "bin", "Release", "net10.0", "epp-lab.dll");
        Skip.IfNot(File.Exists(lab), $"{lab} is missing; run make build");
        var (port, events, replay) = (Ports.Free(), Ports.Free(), Ports.Free());
        using var worker = ChildProcesses.Start(new ProcessStartInfo("dotnet", [lab, "worker", "--port", Text(port), "--events-port", Text(events), "--replay-port", Text(replay)])
        {
            RedirectStandardOutput = true,
        });
        try
        {
            Assert.StartsWith("workers:", worker.StandardOutput.ReadLine(), StringComparison.Ordinal);
            var (code, text, errors) = SharedTools.Run(python, ["-c", Script, Text(port), Text(events), Text(replay)], TimeSpan.FromMinutes(1));
            Assert.True(code == 0, text + errors);
            Check(text.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(static l => l.Split(' ')).ToLookup(static w => w[0], static w => w[1..]), port);
        }
        finally
        {
            ChildProcesses.Kill(worker);
        }
    }

    private static void Check(ILookup<string, string[]> messages, int port)
    {
        var live = messages["live"].ToArray();
        Assert.Equal("30", messages["other"].Single()[0]);
        Assert.All(live, frames => Assert.Equal(Convert.ToHexStringLower(System.Text.Encoding.UTF8.GetBytes($"kv@127.0.0.1:{port}@lab-model")), frames[0]));

        // ["", topic, sequence, payload]; the request that is none has no answer.
        var replayed = messages["replay"].ToArray();
        Assert.Equal(["-", "-", "ffffffffffffffff", "-"], replayed[^1]);
        Assert.Equal(live.Select(static f => string.Join(' ', f)), replayed[..^1].Select(static f => string.Join(' ', f[1..])));
        Assert.Equal(replayed[0][1..], messages["req"].Single());

        var seen = new EventLines();
        var decoder = new EngineEventDecoder();
        foreach (var frames in live)
        {
            var sequence = Convert.ToUInt64(frames[1], 16);
            Assert.Equal(KvDecodeError.None, decoder.Decode(Convert.FromHexString(frames[2]), new KvRank(1, 0), sequence, seen).Error);
        }

        Assert.Equal(["stored 3 root 48 16 a", "stored 2 child 32 16 b", "cleared"], seen.Lines);
        Assert.Equal(seen.FirstHashes[1], seen.Parents[1]);
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);

    private sealed class EventLines : IKvEventSink
    {
        public List<string> Lines { get; } = [];

        /// <summary>Hashes of the first stored chain.</summary>
        public List<ulong> FirstHashes { get; } = [];

        public List<ulong> Parents { get; } = [];

        public void Stored(in KvStored stored)
        {
            Lines.Add($"stored {stored.BlockHashes.Length} {(stored.HasParent ? "child" : "root")} {stored.TokenIds.Length} {stored.BlockTokens} {(char)stored.TokenIds[^1]}");
            Parents.Add(stored.ParentHash);
            FirstHashes.AddRange(FirstHashes.Count == 0 ? stored.BlockHashes.ToArray() : []);
        }

        public void Removed(in KvRemoved removed) => Lines.Add($"removed {removed.BlockHashes.Length}");

        public void Cleared(in KvCleared cleared) => Lines.Add("cleared");
    }
}
