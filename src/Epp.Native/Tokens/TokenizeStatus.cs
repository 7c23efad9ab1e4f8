namespace Epp.Native.Tokens;

/// <summary>How turning a text into ids ended. Anything but <see cref="Ok"/> means: no exact ids, use the estimate.</summary>
public enum TokenizeStatus
{
    /// <summary>The ids are exact.</summary>
    Ok,

    /// <summary>The text is no valid UTF-8; the engine refuses it too.</summary>
    InvalidUtf8,

    /// <summary>A pattern of the tokenizer took more steps than a text of this length may cost.</summary>
    PatternTooSlow,

    /// <summary>The text holds what the vocabulary lacks, and the tokenizer names no unknown token that is in it; the engine fails too.</summary>
    NoUnknownToken,

    /// <summary>The text, or what normalization makes of it, is too long.</summary>
    TooLong,
}
