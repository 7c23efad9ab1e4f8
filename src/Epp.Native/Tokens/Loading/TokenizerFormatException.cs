namespace Epp.Native.Tokens.Loading;

/// <summary>A tokenizer file that cannot be used, and where. Ends loading; never thrown while text is read.</summary>
internal sealed class TokenizerFormatException(string path, string problem) : Exception($"{path}: {problem}");
