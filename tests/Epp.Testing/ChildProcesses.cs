using System.Collections.Concurrent;
using System.Diagnostics;

namespace Epp.Testing;

/// <summary>Every process a test starts; whatever is left when the test host exits is killed with its children.</summary>
public static class ChildProcesses
{
    private static readonly ConcurrentDictionary<Process, bool> Running = new();

    static ChildProcesses() => AppDomain.CurrentDomain.ProcessExit += (_, _) => KillAll();

    public static Process Start(ProcessStartInfo start)
    {
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{start.FileName} could not be started.");
        Running[process] = true;
        return process;
    }

    /// <summary>Kills a process and its children; a no-op once it has ended.</summary>
    public static void Kill(Process process)
    {
        Running.TryRemove(process, out _);
        try
        {
            process.Kill(entireProcessTree: true);
            process.WaitForExit(TimeSpan.FromSeconds(5));
        }
        catch (InvalidOperationException)
        {
            // It had ended.
        }
    }

    private static void KillAll()
    {
        foreach (var process in Running.Keys)
        {
            Kill(process);
        }
    }
}
