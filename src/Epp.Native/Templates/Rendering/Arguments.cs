using System.Runtime.CompilerServices;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Evaluated arguments on the stack: positional ones, then names and values in turn.</summary>
internal readonly record struct Arguments(int Start, int Count, int NamedCount)
{
    public int NamedStart => Start + Count;

    public int End => NamedStart + NamedCount * 2;
}

/// <summary>Arguments in the order of a function's parameters; Missing where none was given.</summary>
[InlineArray(6)]
internal struct BoundArguments
{
    private Value _first;
}
