using Epp.Testing;

namespace Epp.E2E.Tests;

/// <summary>Ports 18000-18003 and 21000-29004 of this machine, held by one test run at a time.</summary>
public sealed class FixedPorts : IDisposable
{
    /// <summary>Name of the collection of tests that use them.</summary>
    public const string Collection = "fixed ports";

    private readonly FileStream _lock;

    private FixedPorts(FileStream held) => _lock = held;

    public static async Task<FixedPorts> TakeAsync()
    {
        FileStream? held = null;
        await Wait.UntilAsync(
            () =>
            {
                try
                {
                    held = new FileStream(Path.Combine(Path.GetTempPath(), "epp-fixed-ports.lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None);
                    return true;
                }
                catch (IOException)
                {
                    return false;
                }
            },
            TimeSpan.FromMinutes(5),
            "no other run of these tests holds the fixed ports");
        return new FixedPorts(held!);
    }

    public void Dispose() => _lock.Dispose();
}

[CollectionDefinition(FixedPorts.Collection, DisableParallelization = true)]
public sealed class FixedPortsCollection;
