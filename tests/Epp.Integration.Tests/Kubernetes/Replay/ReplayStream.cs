using Epp.Testing;
using Proto = Epp.Testing.Protos;

namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>A stream of the EPP under test, read all the time, so that the recording decides alone when something is sent.</summary>
internal sealed class ReplayStream : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan IdleLimit = TimeSpan.FromMinutes(2);

    private readonly Lock _gate = new();
    private readonly GrpcStream _stream;
    private readonly List<Proto.ProcessingResponse> _answers = [];
    private readonly Task<GrpcEnd> _end;
    private TaskCompletionSource _news = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ReplayStream(EppProcess epp)
    {
        _stream = epp.Open();
        _end = ReadAsync();
    }

    /// <summary>What has been answered so far.</summary>
    public IReadOnlyList<Proto.ProcessingResponse> Answers
    {
        get
        {
            lock (_gate)
            {
                return [.. _answers];
            }
        }
    }

    /// <summary>The status with which the EPP ended the stream; null while it has not.</summary>
    public GrpcEnd? End => _end.IsCompletedSuccessfully ? _end.Result : null;

    public Task SendAsync(byte[] message) => _stream.SendRawAsync(GrpcChannel.Frame(message));

    public async Task CloseAsync(bool reset)
    {
        if (reset)
        {
            _stream.Reset();
        }
        else
        {
            await _stream.HalfCloseAsync();
        }
    }

    /// <summary>Waits until the answers satisfy a condition, the stream ends, or the limit is over.</summary>
    public async Task UntilAsync(Func<IReadOnlyList<Proto.ProcessingResponse>, bool> condition, TimeSpan? limit = null)
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        var most = limit ?? AnswerLimit;
        while (true)
        {
            Task news;
            lock (_gate)
            {
                if (_end.IsCompleted || condition(_answers) || watch.Elapsed > most)
                {
                    return;
                }

                news = _news.Task;
            }

            await Task.WhenAny(news, _end, Task.Delay(most - watch.Elapsed is var left && left > TimeSpan.Zero ? left : TimeSpan.Zero));
        }
    }

    /// <summary>Waits for the EPP to end the stream.</summary>
    public Task UntilEndAsync() => UntilAsync(static _ => false);

    public async ValueTask DisposeAsync()
    {
        await _stream.DisposeAsync();
        await _end;
    }

    private async Task<GrpcEnd> ReadAsync()
    {
        try
        {
            while (await _stream.ReceiveAsync(IdleLimit) is { } answer)
            {
                lock (_gate)
                {
                    _answers.Add(answer);
                    _news.TrySetResult();
                    _news = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                }
            }

            return await _stream.EndAsync();
        }
        catch (Exception e) when (e is HttpRequestException or IOException or OperationCanceledException or ObjectDisposedException)
        {
            return new GrpcEnd(-1, e.Message);
        }
    }
}
