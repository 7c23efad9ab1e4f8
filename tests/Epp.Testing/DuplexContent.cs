using System.Net;

namespace Epp.Testing;

/// <summary>A request body that is written while the response is read.</summary>
internal sealed class DuplexContent : HttpContent
{
    private readonly TaskCompletionSource<Stream> _stream = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private bool _started;

    /// <summary>The stream of the body, once the request's headers are on their way.</summary>
    public Task<Stream> Stream => _stream.Task;

    /// <summary>Ends the body.</summary>
    public void Complete() => _done.TrySetResult();

    /// <summary>Breaks the body off, which resets the stream.</summary>
    public void Abort() => _done.TrySetException(new OperationCanceledException("The stream is reset by the test."));

    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        // The client repeats a request whose connection the server closed; what was sent is gone, so this must fail instead of waiting.
        if (Interlocked.Exchange(ref _started, true))
        {
            throw new IOException("The server closed the connection under an open stream.");
        }

        await stream.FlushAsync();
        _stream.TrySetResult(stream);
        await _done.Task;
    }

    protected override bool TryComputeLength(out long length)
    {
        length = -1;
        return false;
    }
}
