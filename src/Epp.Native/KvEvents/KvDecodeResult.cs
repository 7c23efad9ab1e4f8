namespace Epp.Native.KvEvents;

/// <summary>Why a message was not decoded at all.</summary>
public enum KvDecodeError : byte
{
    /// <summary>It was.</summary>
    None = 0,

    /// <summary>The bytes end early or are neither MessagePack nor JSON: the sender and we disagree, or bytes were lost.</summary>
    Malformed,

    /// <summary>Well-formed, but no message of this kind.</summary>
    WrongShape,

    /// <summary>Larger than <see cref="KvDecodeLimits"/> allows.</summary>
    TooLarge,
}

/// <summary>What became of one message.</summary>
/// <param name="Error">None, or why nothing of it was used.</param>
/// <param name="Events">Events handed to the sink.</param>
/// <param name="Undecodable">Events left out because they could not be read; the others of the message are used.</param>
/// <param name="Unknown">Events left out because their type is not known.</param>
public readonly record struct KvDecodeResult(KvDecodeError Error, int Events = 0, int Undecodable = 0, int Unknown = 0);

/// <summary>Bounds of one message; what exceeds them is refused and counted, never grown into.</summary>
/// <param name="MessageBytes">Bytes of a message. Default 64 MiB.</param>
/// <param name="BlocksPerEvent">Blocks of one event. Default 262,144 (2 MiB of memory).</param>
/// <param name="TokensPerEvent">Token ids of one event. Default 4,194,304 (16 MiB of memory).</param>
public sealed record KvDecodeLimits(int MessageBytes = 64 << 20, int BlocksPerEvent = 1 << 18, int TokensPerEvent = 1 << 22)
{
    /// <summary>The defaults.</summary>
    public static KvDecodeLimits Default { get; } = new();
}
