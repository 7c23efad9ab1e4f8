namespace Epp.Native.Objectives;

/// <summary>What a rewrite decided for one request.</summary>
/// <param name="Rewrite">Name of the object, UTF-8; a metric label.</param>
/// <param name="Target">Model the worker gets, UTF-8; not empty. Kept by the table: not to be changed.</param>
/// <param name="Matched">The model an exact rule matched, UTF-8; null for a generic rule.</param>
public readonly record struct RewriteChoice(byte[] Rewrite, byte[] Target, byte[]? Matched);
