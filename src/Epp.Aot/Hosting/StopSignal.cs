using System.Runtime.InteropServices;

namespace Epp.Aot.Hosting;

/// <summary>Waits for SIGTERM or SIGINT; a second one ends the process at once, as the references do (contract §4.9).</summary>
internal sealed class StopSignal : IDisposable
{
    private readonly TaskCompletionSource<string> _received = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly PosixSignalRegistration[] _registrations;

    public StopSignal()
    {
        _registrations = [PosixSignalRegistration.Create(PosixSignal.SIGTERM, On), PosixSignalRegistration.Create(PosixSignal.SIGINT, On)];
    }

    /// <summary>The first signal's name.</summary>
    public Task<string> Received => _received.Task;

    public void Dispose()
    {
        foreach (var registration in _registrations)
        {
            registration.Dispose();
        }
    }

    private void On(PosixSignalContext context)
    {
        context.Cancel = true;
        if (!_received.TrySetResult(context.Signal.ToString()))
        {
            Environment.Exit(1);
        }
    }
}
