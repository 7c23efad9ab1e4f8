using System.Net.Sockets;

namespace Epp.Lab.Workers.Events;

/// <summary>Ways in which a worker tells what it holds; each makes the publisher once the worker's port is known.</summary>
internal static class Publishers
{
    /// <summary>As vLLM does.</summary>
    /// <param name="publisher">Listening socket of the publisher; owned from now on.</param>
    /// <param name="replay">Listening socket of the replay; owned from now on.</param>
    /// <param name="model">Model that the topic names.</param>
    /// <param name="rank">Data-parallel rank that the events name.</param>
    public static Func<int, ICachePublisher> Zmq(Socket publisher, Socket replay, string model, int rank) =>
        port => new EngineEvents(new EventStream(publisher, replay, $"kv@127.0.0.1:{port}@{model}"), rank);

    /// <summary>As Dynamo's workers do; worker N is the pod <c>sim-N</c>.</summary>
    public static async Task<Func<int, ICachePublisher>> NatsAsync(string url, int number)
    {
        var nats = await NatsPublisher.ConnectAsync(url).ConfigureAwait(false);
        return _ => new DynamoEvents(nats, $"sim-{number}");
    }
}
