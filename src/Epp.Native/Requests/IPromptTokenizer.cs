using Epp.Native.Memory;

namespace Epp.Native.Requests;

/// <summary>Computes the token ids of a request as the engine will. Thread-safe.</summary>
public interface IPromptTokenizer
{
    /// <summary>
    /// Fills <paramref name="into"/>; false, and nothing kept, where there are no exact ids: the model is not known or not loaded, or the engine
    /// would refuse the request.
    /// </summary>
    /// <param name="scan">The scanned body, complete.</param>
    /// <param name="body">The body.</param>
    /// <param name="model">The model that the worker will see, UTF-8.</param>
    /// <param name="into">Receives the ids.</param>
    bool TryTokenize(RequestScanner scan, BodyBuffer body, ReadOnlySpan<byte> model, PromptTokens into);
}
