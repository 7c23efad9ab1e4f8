using System.Diagnostics;
using System.Globalization;
using System.Text;
using Epp.Native.Tokens;

namespace Epp.Bench.Tokens;

/// <summary>
/// MB/s of processor time for given tokenizers: warm, without cache, on two threads, and of the Hugging Face library (its node binding) on
/// the same text in the same run. Processor time, because on a shared machine the clock measures the neighbours.
/// </summary>
internal static class TokenizeComparison
{
    private const int TextBytes = 256 << 10;

    public static int Run(IReadOnlyList<string> tokenizers, TextWriter output)
    {
        output.WriteLine($"{"tokenizer",-34} {"text",-8} {"warm",7} {"no cache",9} {"2 threads",10} {"library",8}  MB/s of processor time (2 threads: of time)");
        foreach (var file in tokenizers)
        {
            var tokenizer = TokenizeBench.Load(file);
            foreach (var kind in Enum.GetValues<PromptKind>())
            {
                var text = Prompts.Make(kind, TextBytes);
                var warm = OneThread(tokenizer.CreateEncoder(), text, 16);
                var uncached = OneThread(new TokenEncoder(tokenizer.Parts, cached: false), text, 3);
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{Name(file),-34} {kind,-8} {warm,7:F0} {uncached,9:F0} {TwoThreads(tokenizer, text),10:F0} {Library(file, text),8}"));
            }
        }

        return 0;
    }

    private static string Name(string file) => Path.GetFileName(file) == "tokenizer.json" ? Path.GetFileName(Path.GetDirectoryName(file)!) : Path.GetFileName(file);

    private static double OneThread(TokenEncoder encoder, byte[] text, int rounds)
    {
        var ids = new TokenBuffer(text.Length);
        var best = TimeSpan.MaxValue;
        for (var round = 0; round < rounds; round++)
        {
            var before = Process.GetCurrentProcess().TotalProcessorTime;
            for (var i = 0; i < 8; i++)
            {
                ids.Clear();
                encoder.Encode(text, false, ids);
            }

            var spent = Process.GetCurrentProcess().TotalProcessorTime - before;
            best = spent < best ? spent : best;
        }

        return 8 * text.Length / best.TotalMicroseconds;
    }

    // Both threads' bytes by the clock: what scaling gives on this machine.
    private static double TwoThreads(Tokenizer tokenizer, byte[] text)
    {
        var best = 0.0;
        for (var round = 0; round < 4; round++)
        {
            var threads = new Thread[2];
            using var ready = new Barrier(3);
            for (var t = 0; t < threads.Length; t++)
            {
                threads[t] = new Thread(() =>
                {
                    var (encoder, ids) = (tokenizer.CreateEncoder(), new TokenBuffer(text.Length));
                    encoder.Encode(text, false, ids);
                    ready.SignalAndWait();
                    for (var i = 0; i < 40; i++)
                    {
                        ids.Clear();
                        encoder.Encode(text, false, ids);
                    }
                });
                threads[t].Start();
            }

            ready.SignalAndWait();
            var start = Stopwatch.GetTimestamp();
            Array.ForEach(threads, static t => t.Join());
            best = Math.Max(best, 2 * 40 * text.Length / Stopwatch.GetElapsedTime(start).TotalMicroseconds);
        }

        return best;
    }

    private static string Library(string file, byte[] text)
    {
        var modules = Environment.GetEnvironmentVariable("EPP_ORACLE") ?? Path.Combine(Prompts.Root, "artifacts", "oracle", "node_modules");
        if (!Directory.Exists(Path.Combine(modules, "tokenizers")))
        {
            return "-";
        }

        var start = new ProcessStartInfo("node")
        {
            ArgumentList = { Path.Combine(Prompts.Root, "bench", "Epp.Bench", "Tokens", "library-speed.js"), file },
            Environment = { ["NODE_PATH"] = modules },
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        };
        using var node = Process.Start(start)!;
        node.StandardInput.Write(Encoding.UTF8.GetString(text));
        node.StandardInput.Close();
        return node.StandardOutput.ReadToEnd().Trim();
    }
}
