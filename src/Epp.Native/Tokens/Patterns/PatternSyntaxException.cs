namespace Epp.Native.Tokens.Patterns;

/// <summary>A pattern that is malformed or uses what the matcher does not do. Ends loading; never thrown while text is read.</summary>
internal sealed class PatternSyntaxException(string message) : Exception(message);
