using System.Globalization;
using System.Runtime.InteropServices;

namespace Epp.Lab;

/// <summary>One option of a subcommand: its name without dashes, its default ("" = none) and one line of help.</summary>
internal sealed record Option(string Name, string Default, string Help);

/// <summary>A subcommand: what it does, its options, its body. The body returns the exit code.</summary>
internal sealed record Command(string Help, Option[] Options, Func<Flags, CancellationToken, Task<int>> RunAsync);

/// <summary>Parsed flags of one subcommand; a missing flag has its declared default.</summary>
internal sealed class Flags(IReadOnlyDictionary<string, string> values)
{
    public string Text(string name) => values[name];

    public int Int(string name) =>
        int.TryParse(values[name], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new UsageException($"--{name}: '{values[name]}' is not a whole number");

    public double Number(string name) =>
        double.TryParse(values[name], NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
            ? value
            : throw new UsageException($"--{name}: '{values[name]}' is not a number");

    public bool On(string name) => values[name] is "true" or "1";
}

/// <summary>The command line asks for something that does not exist; the message says what.</summary>
internal sealed class UsageException(string message) : Exception(message);

/// <summary>Finds the subcommand, parses its flags (`--name value`, `--name=value`, bare switch) and runs it until it ends or a signal comes.</summary>
internal static class Cli
{
    public static async Task<int> RunAsync(string[] args, IReadOnlyDictionary<string, Command> commands)
    {
        if (args.Length == 0 || !commands.TryGetValue(args[0], out var command))
        {
            Console.WriteLine("usage: epp-lab COMMAND [--option value]...");
            foreach (var (name, entry) in commands)
            {
                Console.WriteLine($"  {name,-11} {entry.Help}");
            }
            return args is ["help"] or ["--help"] or ["-h"] ? 0 : 2;
        }
        using var stop = new CancellationTokenSource();
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Cancel);
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Cancel);
        void Cancel(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
        try
        {
            var flags = Parse(args[1..], command.Options);
            return flags is null ? Help(args[0], command) : await command.RunAsync(flags, stop.Token).ConfigureAwait(false);
        }
        catch (UsageException e)
        {
            await Console.Error.WriteLineAsync($"epp-lab {args[0]}: {e.Message}").ConfigureAwait(false);
            return 2;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return 130;
        }
    }

    static Flags? Parse(string[] args, Option[] options)
    {
        var values = options.ToDictionary(o => o.Name, o => o.Default, StringComparer.Ordinal);
        for (var i = 0; i < args.Length; i++)
        {
            if (args[i] is "-h" or "--help")
            {
                return null;
            }
            var (name, value) = args[i].TrimStart('-').Split('=', 2) is [var n, var v] ? (n, v) : (args[i].TrimStart('-'), null);
            if (!args[i].StartsWith('-') || !values.ContainsKey(name))
            {
                throw new UsageException($"unknown option '{args[i]}'; see --help");
            }
            var isSwitch = options.First(o => o.Name == name).Default is "false" or "true";
            if (value is null && !isSwitch && i + 1 >= args.Length)
            {
                throw new UsageException($"--{name} needs a value");
            }
            values[name] = value ?? (isSwitch ? "true" : args[++i]);
        }
        return new Flags(values);
    }

    static int Help(string name, Command command)
    {
        Console.WriteLine($"usage: epp-lab {name} [--option value]...\n{command.Help}");
        foreach (var option in command.Options)
        {
            var fallback = option.Default.Length > 0 ? $" (default {option.Default})" : "";
            Console.WriteLine($"  --{option.Name,-18} {option.Help}{fallback}");
        }
        return 0;
    }
}
