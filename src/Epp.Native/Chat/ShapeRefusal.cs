namespace Epp.Native.Chat;

/// <summary>Why a body has no exact prompt: the engine will refuse it too, or it asks for what is not reproduced.</summary>
public enum ShapeRefusal
{
    /// <summary>Not refused.</summary>
    None = 0,

    /// <summary>The body is no JSON the engine reads.</summary>
    InvalidJson,

    /// <summary>Nested deeper, or larger, than any prompt.</summary>
    TooLarge,

    /// <summary>A field is missing or wrong; the engine answers 4xx.</summary>
    InvalidRequest,

    /// <summary>Images, audio or other parts that are no text.</summary>
    Media,

    /// <summary>Half a surrogate pair, which no tokenizer takes.</summary>
    LoneSurrogate,

    /// <summary>A template in the request on a server that does not trust it.</summary>
    UntrustedTemplate,

    /// <summary>The engine accepts it, this code does not reproduce it.</summary>
    NotReproduced,

    /// <summary>The template raised an error or is not understood.</summary>
    Template,

    /// <summary>No token came out, or more than the model takes.</summary>
    PromptLength,
}
