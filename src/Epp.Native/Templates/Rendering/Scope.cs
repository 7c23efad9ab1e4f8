using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Variables set in one place: the template, one turn of a loop, a macro call, a block. Names are numbers of the parser.</summary>
internal sealed class Scope
{
    private int[] _names = new int[8];
    private Value[] _values = new Value[8];

    public int Count { get; private set; }

    public Scope? Parent { get; private set; }

    /// <summary>A macro defined inside still needs it: it is not reused before the rendering ends.</summary>
    public bool IsCaptured { get; set; }

    public void Reset(Scope? parent)
    {
        Parent = parent;
        Count = 0;
        IsCaptured = false;
    }

    public void Clear() => Count = 0;

    public bool TryGet(int name, out Value value)
    {
        var index = _names.AsSpan(0, Count).IndexOf(name);
        value = index < 0 ? default : _values[index];
        return index >= 0;
    }

    public void Set(int name, in Value value)
    {
        var index = _names.AsSpan(0, Count).IndexOf(name);
        if (index < 0)
        {
            index = Count++;
            if (index == _names.Length)
            {
                Array.Resize(ref _names, index * 2);
                Array.Resize(ref _values, index * 2);
            }
        }

        _names[index] = name;
        _values[index] = value;
    }
}

/// <summary>A loop as <c>loop</c> shows it.</summary>
internal sealed class LoopState
{
    public Node Node { get; set; } = null!;

    public Value Items { get; set; }

    public int Index { get; set; }

    public int Depth { get; set; }

    /// <summary>Where the loop was written: the parent of its turns, also of recursive ones.</summary>
    public Scope Outer { get; set; } = null!;

    /// <summary>Arguments of the last <c>loop.changed</c>; missing = none yet.</summary>
    public Value LastChanged { get; set; }
}

/// <summary>A namespace, cycler or joiner: what can change.</summary>
internal sealed class MutableState
{
    /// <summary>Namespace: names and values in turn. Cycler: items. Joiner: the separator.</summary>
    public Value[] Values { get; set; } = [];

    public int Count { get; set; }

    public int Position { get; set; }
}

/// <summary>A macro and where it was defined.</summary>
internal sealed class MacroState
{
    public Node Node { get; set; } = null!;

    public Scope Closure { get; set; } = null!;
}

/// <summary>What is left of an iterator.</summary>
internal sealed class IteratorState
{
    public Value Items { get; set; }

    public int Position { get; set; }

    /// <summary>Its name when printed.</summary>
    public string Name { get; set; } = "";
}
