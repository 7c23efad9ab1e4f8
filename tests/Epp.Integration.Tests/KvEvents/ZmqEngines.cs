using System.Diagnostics;
using Epp.Testing;

namespace Epp.Integration.Tests.KvEvents;

/// <summary>
/// Engines as vLLM runs them, on the real libzmq in a Python process: PUB, ring, ROUTER. Each batch stores one block whose hash is
/// <c>epoch &lt;&lt; 32 | sequence</c>. Commands go in and answers come out line by line.
/// </summary>
internal sealed class ZmqEngines : IDisposable
{
    private const string Script = """
        import sys, struct, time, threading, zmq
        from collections import deque
        a = dict(x.split('=', 1) for x in sys.argv[1:])
        port, replay, n = int(a['port']), int(a.get('replay', 0)), int(a.get('engines', 1))
        ring_size, hwm, form = int(a.get('ring', 10000)), int(a.get('hwm', 100000)), a.get('form', 'new')
        epoch = int(a.get('epoch', 1))
        topics = [x.encode() for x in a.get('topics', 'kv@pod@model').split(',')]
        ctx = zmq.Context()
        auth = None
        if 'plain' in a:
            from zmq.auth.thread import ThreadAuthenticator
            auth = ThreadAuthenticator(ctx)
            auth.start()
            user, password = a['plain'].split(':')
            auth.configure_plain(domain='*', passwords={user: password})
        class Engine:
            def __init__(self, i):
                self.topic, self.seq, self.epoch, self.rank = topics[i % len(topics)], 0, epoch, 0
                self.ring, self.lock = deque(maxlen=ring_size or None), threading.Lock()
                self.pub = ctx.socket(zmq.PUB)
                self.pub.setsockopt(zmq.SNDHWM, hwm)
                self.pub.setsockopt(zmq.LINGER, 0)
                if 'heartbeat' in a: self.pub.setsockopt(zmq.HEARTBEAT_IVL, int(a['heartbeat']))
                if auth: self.pub.plain_server = True
                if a.get('mode') == 'connect': self.pub.connect(f'tcp://127.0.0.1:{port}')
                else: self.pub.bind(f'tcp://{a.get("host", "*")}:{port + i}')
                if replay: threading.Thread(target=self.serve, args=(replay + i,), daemon=True).start()
            def serve(self, port):
                s = ctx.socket(zmq.ROUTER)
                s.setsockopt(zmq.SNDHWM, 0)
                if auth: s.plain_server = True
                s.bind(f'tcp://*:{port}')
                while True:
                    parts = s.recv_multipart()
                    if len(parts) != 3: continue
                    start = struct.unpack('>Q', parts[2])[0]
                    head = [parts[0], b''] + ([] if form == 'old' else [self.topic])
                    with self.lock: items = [x for x in self.ring if x[0] >= start]
                    for seq, payload in items: s.send_multipart(head + [struct.pack('>Q', seq), payload])
                    if 'no_end' not in a: s.send_multipart([parts[0], b''] + ([] if form == 'old' else [b'']) + [b'\xff' * 8, b''])
            def batch(self):
                h = self.epoch << 32 | self.seq
                return (b'\x93\xcb' + struct.pack('>d', time.time()) + b'\x91\x97\xabBlockStored\x91\xcf' + struct.pack('>Q', h)
                        + b'\xc0\x94\x01\x02\x03\x04\x04\xc0\xa3GPU' + bytes([self.rank]))
            def send(self, payload, live=True):
                if ring_size:
                    with self.lock: self.ring.append((self.seq, payload))
                if live: self.pub.send_multipart([self.topic, struct.pack('>Q', self.seq), payload])
                self.seq += 1
        engines = [Engine(i) for i in range(n)]
        print('ok', flush=True)
        for line in sys.stdin:
            w = line.split()
            count = int(w[1]) if len(w) > 1 and w[1].isdigit() else 0
            if w[0] == 'send':
                for _ in range(count):
                    for e in engines: e.send(e.batch())
            elif w[0] == 'lose':
                for _ in range(count):
                    for e in engines: e.send(e.batch(), live=False)
            elif w[0] == 'raw':
                for e in engines: e.send(bytes.fromhex(w[1]))
            elif w[0] == 'repeat':
                payload, e = bytes.fromhex(w[2]), engines[0]
                for _ in range(count):
                    e.pub.send_multipart([e.topic, struct.pack('>Q', e.seq), payload])
                    e.seq += 1
            elif w[0] == 'frames':
                for e in engines: e.pub.send_multipart([bytes.fromhex(x) for x in w[1:]])
            elif w[0] == 'rank':
                for e in engines: e.rank = count
            elif w[0] == 'reset':
                for e in engines:
                    with e.lock: e.ring.clear()
                    e.seq, e.epoch = 0, e.epoch + 1
            print('ok', engines[0].seq, flush=True)
        """;

    private readonly Process _process;

    public ZmqEngines(params string[] arguments)
    {
        var python = DebianTool.Require("python3", "python3-zmq");
        python = File.Exists("/usr/bin/python3") ? "/usr/bin/python3" : python;
        Skip.IfNot(HasZmq(python), $"{python} has no zmq (Debian package python3-zmq)");
        var start = new ProcessStartInfo(python) { RedirectStandardInput = true, RedirectStandardOutput = true };
        foreach (var argument in (string[])["-c", Script, .. arguments])
        {
            start.ArgumentList.Add(argument);
        }

        _process = ChildProcesses.Start(start);
        Answer();
    }

    /// <summary>Does something and returns, once it is done, the next sequence number.</summary>
    public int Do(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        return int.Parse(Answer().Split(' ')[1]);
    }

    public void Dispose() => ChildProcesses.Kill(_process);

    private string Answer()
    {
        var line = _process.StandardOutput.ReadLine() ?? "the Python process ended; see its error output";
        Assert.StartsWith("ok", line, StringComparison.Ordinal);
        return line;
    }

    public static bool HasZmq(string python)
    {
        using var probe = ChildProcesses.Start(new ProcessStartInfo(python, "-c \"import zmq\"") { RedirectStandardError = true });
        probe.WaitForExit();
        return probe.ExitCode == 0 || Environment.GetEnvironmentVariable("EPP_REQUIRE_TOOLS") == "1";
    }
}
