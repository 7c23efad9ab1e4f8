namespace Epp.Native.Templates.Parsing;

/// <summary>A function that every template can call.</summary>
internal enum FunctionId
{
    None,
    Range,
    Dict,
    Namespace,
    Cycler,
    Joiner,
    RaiseException,
    StrftimeNow,
    Debug,
    Self,

    /// <summary>Known, so that <c>lipsum is defined</c> is right; calling it is refused, its text is random.</summary>
    Lipsum,
}

/// <summary>Names of the global functions.</summary>
internal static class GlobalFunctions
{
    public static FunctionId Find(ReadOnlySpan<byte> name, FlavourRules rules)
    {
        var found = AsciiName.Widen(name, stackalloc char[AsciiName.MaxLength]) switch
        {
            "range" => FunctionId.Range,
            "dict" => FunctionId.Dict,
            "namespace" => FunctionId.Namespace,
            "cycler" => FunctionId.Cycler,
            "joiner" => FunctionId.Joiner,
            "raise_exception" => FunctionId.RaiseException,
            "strftime_now" => FunctionId.StrftimeNow,
            "debug" => FunctionId.Debug,
            "lipsum" => FunctionId.Lipsum,
            "self" => FunctionId.Self,
            _ => FunctionId.None,
        };
        var isAbsent = rules.IsPython
            ? found == FunctionId.Debug
            : found is FunctionId.Cycler or FunctionId.Joiner or FunctionId.Lipsum;
        return isAbsent ? FunctionId.None : found;
    }
}
