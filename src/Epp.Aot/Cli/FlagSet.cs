using System.Globalization;
using System.Text;
using Epp.Aot.Configuration;

namespace Epp.Aot.Cli;

/// <summary>Type of a flag's value, as Go's flag packages name it in their help.</summary>
internal enum FlagType
{
    Bool,
    Int,
    String,
    Duration,
    Quantity,

    /// <summary>Integers, comma-separated.</summary>
    Ints,

    /// <summary>Texts, comma-separated.</summary>
    Strings,

    /// <summary>A text; the flag may be given several times.</summary>
    Repeated,
}

/// <summary>One flag.</summary>
/// <param name="Name">Without dashes.</param>
/// <param name="Type">Of its value.</param>
/// <param name="Default">As text.</param>
/// <param name="Group">Of the help text.</param>
/// <param name="Help">What it does.</param>
/// <param name="WithoutEffect">Why it is accepted but does nothing; null = it has its effect.</param>
internal sealed record Flag(string Name, FlagType Type, string Default, string Group, string Help, string? WithoutEffect = null);

/// <summary>
/// Parses Go's flag syntax: <c>-x v</c>, <c>--x v</c>, <c>--x=v</c>, and for booleans <c>--x</c> or <c>--x=false</c>; a value apart from
/// its boolean ends the flags, as in Go. All errors are reported at once.
/// </summary>
/// <param name="flags">Known flags.</param>
/// <param name="interspersed">A value apart from its boolean is left out and reading goes on, as Go's pflag does.</param>
internal sealed class FlagSet(IReadOnlyList<Flag> flags, bool interspersed = false)
{
    private readonly Dictionary<string, Flag> _flags = flags.ToDictionary(f => f.Name, StringComparer.Ordinal);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly Dictionary<string, List<string>> _repeated = new(StringComparer.Ordinal);

    /// <summary>True when <c>-h</c> or <c>--help</c> was given.</summary>
    public bool HelpWanted { get; private set; }

    /// <summary>What is wrong with the arguments, one line each; empty = nothing.</summary>
    public List<string> Errors { get; } = [];

    /// <summary>Flags that were given but do nothing, and arguments that are not read, one line each.</summary>
    public List<string> Warnings { get; } = [];

    /// <summary>Reads the arguments of the process.</summary>
    public void Parse(IReadOnlyList<string> args)
    {
        Flag? bare = null;
        for (var i = 0; i < args.Count; i++)
        {
            var arg = args[i];
            if (bare is not null && interspersed && TryBool(arg, out _))
            {
                Warnings.Add($"'{arg}' after --{bare.Name} is not its value and is not read, as in the references; write --{bare.Name}={arg}");
                bare = null;
                continue;
            }

            if (bare is not null && TryBool(arg, out _))
            {
                Warnings.Add($"'{arg}' after --{bare.Name} ends the flags, as in the references: it is not its value, and {args.Count - i - 1} arguments behind it are not read; write --{bare.Name}={arg}");
                break;
            }

            bare = null;
            if (arg is "-h" or "--help" or "-help")
            {
                HelpWanted = true;
                continue;
            }

            if (!arg.StartsWith('-') || arg.TrimStart('-').Length == 0)
            {
                Errors.Add($"unexpected argument '{arg}': flags are written --name=value or --name value");
                continue;
            }

            var text = arg.StartsWith("--", StringComparison.Ordinal) ? arg[2..] : arg[1..];
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            var name = equals < 0 ? text : text[..equals];
            if (!_flags.TryGetValue(name, out var flag))
            {
                Errors.Add($"unknown flag: --{name}{Nearest(name)}");
                continue;
            }

            var value = equals >= 0 ? text[(equals + 1)..] : flag.Type == FlagType.Bool ? "true" : null;
            if (value is null && ++i >= args.Count)
            {
                Errors.Add($"flag needs an argument: --{name} (a {flag.Type.ToString().ToLowerInvariant()}, default '{flag.Default}')");
                continue;
            }

            bare = flag.Type == FlagType.Bool && equals < 0 ? flag : null;
            Set(flag, value ?? args[i]);
        }

        Warnings.AddRange(flags
            .Where(f => f.WithoutEffect is not null && Has(f.Name) && _values[f.Name] != f.Default)
            .Select(f => $"--{f.Name} is accepted but has no effect: {f.WithoutEffect}"));
    }

    /// <summary>True where the flag was given.</summary>
    public bool Has(string name) => _values.ContainsKey(name);

    public string Text(string name) => _values.GetValueOrDefault(name, _flags[name].Default);

    /// <summary>Every value of a flag that may be given several times, in their order.</summary>
    public IReadOnlyList<string> Each(string name) => _repeated.GetValueOrDefault(name, []);

    public bool Bool(string name) => TryBool(Text(name), out var value) && value;

    public int Int(string name) => int.TryParse(Text(name), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) ? value : 0;

    public TimeSpan Duration(string name) => GoDuration.TryParse(Text(name), out var value) ? value : TimeSpan.Zero;

    /// <summary>Empty = the default.</summary>
    public long Quantity(string name) => ByteQuantity.TryParse(Text(name).Length > 0 ? Text(name) : _flags[name].Default, out var value) ? value : 0;

    public IReadOnlyList<string> Strings(string name) => Text(name).Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    /// <summary>Each number once.</summary>
    public IReadOnlyList<int> Ints(string name)
    {
        var numbers = new List<int>();
        foreach (var text in Strings(name))
        {
            if (int.Parse(text, CultureInfo.InvariantCulture) is var number && !numbers.Contains(number))
            {
                numbers.Add(number);
            }
        }

        return numbers;
    }

    /// <summary>The help text: every flag with type and default, grouped.</summary>
    public string Help()
    {
        var text = new StringBuilder();
        foreach (var group in _flags.Values.GroupBy(f => f.Group))
        {
            text.Append('\n').Append(group.Key).Append(":\n");
            foreach (var flag in group.OrderBy(f => f.Name, StringComparer.Ordinal))
            {
                var name = flag.Name.Length == 1 ? $"-{flag.Name}" : $"--{flag.Name}";
                var type = flag.Type == FlagType.Bool ? "" : $" {flag.Type.ToString().ToLowerInvariant()}";
                var @default = flag.Default.Length == 0 ? "" : $" (default {flag.Default})";
                var without = flag.WithoutEffect is null ? "" : $" Accepted without effect: {flag.WithoutEffect}.";
                text.Append(CultureInfo.InvariantCulture, $"  {name}{type}\n      {flag.Help}{without}{@default}\n");
            }
        }

        return text.ToString();
    }

    private void Set(Flag flag, string value)
    {
        var (ok, expected) = flag.Type switch
        {
            FlagType.Bool => (TryBool(value, out _), "true or false"),
            FlagType.Int => (int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _), "an integer"),
            FlagType.Duration => (GoDuration.TryParse(value, out _), "a duration such as 50ms, 2s or 1m30s"),
            FlagType.Ints => (value.Split(',').All(i => value.Length == 0 || int.TryParse(i, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)), "integers such as 8000,8001"),
            FlagType.Quantity => (value.Length == 0 || ByteQuantity.TryParse(value, out _), "a size such as 16MiB, 64Mi or 1000000"),
            _ => (true, ""),
        };
        if (!ok)
        {
            Errors.Add($"invalid value '{value}' for flag --{flag.Name}: expected {expected}");
            return;
        }

        _values[flag.Name] = value;
        if (flag.Type == FlagType.Repeated)
        {
            if (!_repeated.TryGetValue(flag.Name, out var values))
            {
                _repeated[flag.Name] = values = [];
            }

            values.Add(value);
        }
    }

    private string Nearest(string name)
    {
        var best = _flags.Keys.MinBy(k => Distance(k, name));
        return best is not null && Distance(best, name) <= Math.Max(2, name.Length / 3) ? $", did you mean --{best}?" : ", see --help";
    }

    private static bool TryBool(string text, out bool value)
    {
        value = text is "1" or "t" or "T" or "true" or "TRUE" or "True";
        return value || text is "0" or "f" or "F" or "false" or "FALSE" or "False";
    }

    // Levenshtein over two rows; names are short.
    private static int Distance(string a, string b)
    {
        var previous = Enumerable.Range(0, b.Length + 1).ToArray();
        for (var i = 1; i <= a.Length; i++)
        {
            var current = new int[b.Length + 1];
            current[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var change = previous[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
                current[j] = Math.Min(change, Math.Min(previous[j], current[j - 1]) + 1);
            }

            previous = current;
        }

        return previous[b.Length];
    }
}
