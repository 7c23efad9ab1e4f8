using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Attributes and the members of loops, namespaces and their like.</summary>
internal sealed partial class Renderer
{
    /// <summary><c>value.name</c>: in jinja2 the attribute before the key, in minijinja the key only.</summary>
    private Value GetAttribute(in Value value, Node node)
    {
        var name = node.Constant;
        if (value.Kind == ValueKind.Dict)
        {
            Charge(value.Length >> 3);
            if (node.Id != 0 && _rules.IsPython && Methods.Has(ValueKind.Dict, (MethodId)node.Id))
            {
                return BindMethod(value, (MethodId)node.Id, name);
            }

            var at = ValueOrder.IndexOf(value, name.Span);
            return at >= 0 ? value.Items[at + 1] : NoElement(value, name);
        }

        if (value.IsUndefined)
        {
            return FailUndefined(value);
        }

        return TryAttribute(value, name, (MethodId)node.Id, out var attribute) ? attribute : NoElement(value, name);
    }

    private bool TryAttribute(in Value value, in Value name, MethodId method, out Value attribute)
    {
        attribute = default;
        switch (value.Kind)
        {
            case ValueKind.Loop:
                return TryLoopMember((LoopState)value.Ref!, value, name, out attribute);
            case ValueKind.Namespace:
                return TryMember((MutableState)value.Ref!, name, out attribute);
            case ValueKind.Macro:
                return TryMacroMember(((MacroState)value.Ref!).Node, name, out attribute);
            case ValueKind.Cycler:
                return TryCyclerMember(value, name, out attribute);
            case ValueKind.Tuple when value.Flag == Value.Group && (name.Is("grouper"u8) || name.Is("list"u8)):
                attribute = value.Items[name.Is("list"u8) ? 1 : 0];
                return true;
            case ValueKind.Range when name.Is("start"u8) || name.Is("stop"u8) || name.Is("step"u8):
                attribute = value.Items[name.Is("start"u8) ? 0 : name.Is("stop"u8) ? 1 : 2];
                return true;
        }

        if (method == MethodId.None || !_rules.IsPython || !Methods.Has(value.Kind, method))
        {
            return false;
        }

        attribute = method is MethodId.Real or MethodId.Imag or MethodId.Numerator or MethodId.Denominator
            ? NumberPart(value, method)
            : BindMethod(value, method, name);
        return true;
    }

    private static Value NumberPart(in Value value, MethodId part) => part switch
    {
        MethodId.Imag => value.Kind == ValueKind.Float ? Value.Float(0) : Value.Int(0),
        MethodId.Denominator => Value.Int(1),
        _ => value.Kind == ValueKind.Bool ? Value.Int(value.Bits) : value,
    };

    private Value BindMethod(in Value receiver, MethodId method, in Value name)
    {
        if (Methods.IsForbidden(method) && receiver.Kind is ValueKind.List or ValueKind.Dict)
        {
            return Value.Undefined(name, Value.Forbidden, receiver.Kind);
        }

        var block = _arena.TakeValues(1, out var start);
        if (block is null)
        {
            CheckMemory();
            return Value.Failed;
        }

        block[start] = receiver;
        return Value.Range(ValueKind.Method, block, start, (int)method);
    }

    private bool TryLoopMember(LoopState loop, in Value self, in Value name, out Value value)
    {
        var (index, length) = (loop.Index, loop.Items.Length);
        value = name.Span switch
        {
            var n when n.SequenceEqual("index"u8) => Value.Int(index + 1),
            var n when n.SequenceEqual("index0"u8) => Value.Int(index),
            var n when n.SequenceEqual("first"u8) => Value.Bool(index == 0),
            var n when n.SequenceEqual("last"u8) => Value.Bool(index == length - 1),
            var n when n.SequenceEqual("length"u8) => Value.Int(length),
            var n when n.SequenceEqual("revindex"u8) => Value.Int(length - index),
            var n when n.SequenceEqual("revindex0"u8) => Value.Int(length - index - 1),
            var n when n.SequenceEqual("depth"u8) => Value.Int(loop.Depth + 1),
            var n when n.SequenceEqual("depth0"u8) => Value.Int(loop.Depth),
            var n when n.SequenceEqual("previtem"u8) =>
                index > 0 ? loop.Items.Items[index - 1] : Value.Undefined(NoPrevious, Value.Hint),
            var n when n.SequenceEqual("nextitem"u8) =>
                index + 1 < length ? loop.Items.Items[index + 1] : Value.Undefined(NoNext, Value.Hint),
            var n when n.SequenceEqual("cycle"u8) => BindMember(self, LoopCycle),
            var n when n.SequenceEqual("changed"u8) => BindMember(self, LoopChanged),
            _ => default,
        };
        return !value.IsMissing;
    }

    private static readonly byte[] NoPrevious = "there is no previous item"u8.ToArray();
    private static readonly byte[] NoNext = "there is no next item"u8.ToArray();

    /// <summary>Numbers of members that can be called, beyond those of <see cref="MethodId"/>.</summary>
    private const int LoopCycle = 1001, LoopChanged = 1002, CyclerNext = 1003, CyclerReset = 1004;

    private Value BindMember(in Value receiver, int member) => BindMethod(receiver, (MethodId)member, Value.EmptyText);

    private bool TryMember(MutableState space, in Value name, out Value value)
    {
        Charge(space.Count >> 4);
        for (var i = 0; i < space.Count; i += 2)
        {
            if (ValueOrder.KeysEqual(space.Values[i], name))
            {
                value = space.Values[i + 1];
                return true;
            }
        }

        value = default;
        return false;
    }

    private void SetMember(MutableState space, in Value name, in Value value)
    {
        Charge(space.Count >> 4);
        for (var i = 0; i < space.Count; i += 2)
        {
            if (ValueOrder.KeysEqual(space.Values[i], name))
            {
                space.Values[i + 1] = value;
                return;
            }
        }

        if (space.Count + 2 > space.Values.Length)
        {
            var grown = new Value[Math.Max(8, space.Count * 2)];
            Charge(grown.Length);
            space.Values.AsSpan(0, space.Count).CopyTo(grown);
            space.Values = grown;
        }

        space.Values[space.Count++] = name;
        space.Values[space.Count++] = value;
    }

    private bool TryMacroMember(Node macro, in Value name, out Value value)
    {
        value = default;
        if (name.Is("name"u8))
        {
            value = macro.Constant;
        }
        else if (name.Is("arguments"u8))
        {
            var mark = _top;
            foreach (var parameter in macro.Items)
            {
                Push(Value.Text(_template.Names[parameter.Id]));
            }

            value = PopList(mark, TupleKind);
        }
        else if (name.Is("caller"u8) || name.Is("catch_kwargs"u8) || name.Is("catch_varargs"u8))
        {
            var bit = name.Is("caller"u8) ? TemplateChecker.ReadsCaller
                : name.Is("catch_kwargs"u8) ? TemplateChecker.ReadsKwArgs : TemplateChecker.ReadsVarArgs;
            value = Value.Bool((macro.Extra & bit) != 0);
        }

        return !value.IsMissing;
    }

    private bool TryCyclerMember(in Value cycler, in Value name, out Value value)
    {
        var state = (MutableState)cycler.Ref!;
        value = name.Is("current"u8) ? state.Values[state.Position]
            : name.Is("next"u8) ? BindMember(cycler, CyclerNext)
            : name.Is("reset"u8) ? BindMember(cycler, CyclerReset)
            : name.Is("pos"u8) ? Value.Int(state.Position)
            : name.Is("items"u8) ? NewList(state.Values.AsSpan(0, state.Count), TupleKind)
            : default;
        return !value.IsMissing;
    }
}
