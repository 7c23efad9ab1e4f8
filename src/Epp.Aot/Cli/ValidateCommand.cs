using Epp.Aot.Configuration;

namespace Epp.Aot.Cli;

/// <summary>
/// <c>epp validate --config-file F</c>: checks a configuration without starting. Prints what would be in force, or every error; exit
/// code 0 or 1, 2 for bad arguments.
/// </summary>
internal static class ValidateCommand
{
    public static int Run(IReadOnlyList<string> args, Func<string, string?> environment, TextWriter output, TextWriter error)
    {
        var flags = new FlagSet(EppFlags.All);
        flags.Parse(args);
        if (flags.HelpWanted)
        {
            output.WriteLine("Usage of epp validate: --config-file F, or --config-text T; every other flag of epp is accepted and checked.");
            return 0;
        }

        var errors = new List<string>(flags.Errors);
        if (flags.Text("config-file").Length == 0 && flags.Text("config-text").Length == 0)
        {
            errors.Add("nothing to validate: give --config-file or --config-text");
        }

        // A pool name is no part of the configuration: without one the file is checked all the same.
        var named = flags.Has("pool-name") || flags.Has("endpoint-selector") ? args : [.. args, "--pool-name=validate"];
        var complete = new FlagSet(EppFlags.All);
        complete.Parse(named);
        var start = errors.Count > 0 ? null : StartConfiguration.Read(complete, environment);
        foreach (var line in start?.Warnings ?? flags.Warnings)
        {
            error.WriteLine("warning: " + line);
        }

        foreach (var line in start?.Errors ?? errors)
        {
            error.WriteLine("error: " + line);
        }

        if (start?.Config is not { } config)
        {
            return start?.ExitCode ?? 2;
        }

        output.Write(ConfigSummary.Of(config));
        return 0;
    }
}
