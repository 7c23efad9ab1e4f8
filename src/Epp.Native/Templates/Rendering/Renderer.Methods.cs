using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Methods of text, dicts, lists and numbers.</summary>
internal sealed partial class Renderer
{
    private Value CallMethod(in Value receiver, MethodId method, Arguments arguments)
    {
        if ((int)method >= LoopCycle)
        {
            return CallMember(receiver, (int)method, arguments);
        }

        return receiver.Kind switch
        {
            ValueKind.Text when receiver.Flag == Value.Markup && _rules.IsPython =>
                Marked(CallTextMethod(receiver, method, arguments)),
            ValueKind.Text => CallTextMethod(receiver, method, arguments),
            ValueKind.Dict => CallDictMethod(receiver, method, arguments),
            ValueKind.List or ValueKind.Tuple or ValueKind.Range => CallListMethod(receiver, method, arguments),
            _ => CallNumberMethod(receiver, method, arguments),
        };
    }

    /// <summary>Methods of Markup give Markup.</summary>
    private Value Marked(in Value value)
    {
        if (value.Kind == ValueKind.Text)
        {
            return value.As(ValueKind.Text, Value.Markup);
        }

        if (!value.IsSequence)
        {
            return value;
        }

        var mark = _top;
        foreach (ref readonly var item in value.Items)
        {
            Push(item.As(item.Kind, item.Kind == ValueKind.Text ? Value.Markup : item.Flag));
        }

        return PopList(mark, value.Kind);
    }

    private Value CallDictMethod(in Value dict, MethodId method, Arguments arguments)
    {
        if (method == MethodId.Get)
        {
            if (!Bind(arguments, "key,default"u8, 1, out var bound))
            {
                return Value.Failed;
            }

            Charge(dict.Length >> 3);
            if (arguments.NamedCount > 0 || !IsHashable(bound[0]))
            {
                return TypeError("get takes a hashable key and a default");
            }

            var at = ValueOrder.IndexOf(dict, bound[0]);
            return at >= 0 ? dict.Items[at + 1] : bound[1].IsMissing ? Value.None : bound[1];
        }

        if (method is not (MethodId.Items or MethodId.Keys or MethodId.Values or MethodId.Copy))
        {
            return TypeError("this method of dict is not supported");
        }

        if (!Bind(arguments, default, 0, out _))
        {
            return Value.Failed;
        }

        return method switch
        {
            MethodId.Items => ViewOf(PairsOf(dict), Value.Pairs),
            MethodId.Keys => ViewOf(KeysOf(dict, 0), Value.Keys),
            MethodId.Values => ViewOf(KeysOf(dict, 1), Value.Values),
            _ => dict,
        };
    }

    private Value ViewOf(in Value list, byte flag) => _rules.IsPython ? list.As(ValueKind.View, flag) : list;

    private Value CallListMethod(in Value list, MethodId method, Arguments arguments)
    {
        if (!TryIterate(list, out var items))
        {
            return Value.Failed;
        }

        switch (method)
        {
            case MethodId.Copy:
                return Bind(arguments, default, 0, out _) ? list : Value.Failed;
            case MethodId.Count when Bind(arguments, "value"u8, 1, out var counted):
                var count = 0;
                for (var i = 0; i < items.Length && Charge(1); i++)
                {
                    count += IsEqual(items.Items[i], counted[0]) ? 1 : 0;
                }

                return Value.Int(count);
            case MethodId.Index when Bind(arguments, "value,start,stop"u8, 1, out var bound):
                if (!TryRange(bound[1], bound[2], items.Length, out var start, out var stop))
                {
                    return Value.Failed;
                }

                var index = start >= stop ? -1 : IndexOf(NewList(items.Items[start..stop]), bound[0]);
                return index < 0 ? TypeError("value is not in list") : Value.Int(start + index);
            default:
                return TypeError("this method is not supported");
        }
    }

    /// <summary>Start and stop as Python's searching methods take them.</summary>
    private bool TryRange(in Value from, in Value to, int length, out int start, out int stop)
    {
        start = 0;
        stop = length;
        var first = from.IsMissing ? Value.None : from;
        var last = to.IsMissing ? Value.None : to;
        if (!IsSliceIndex(first) || !IsSliceIndex(last))
        {
            TypeError("slice indices must be integers or None");
            return false;
        }

        start = first.IsSmall && first.Bits > length ? length + 1 : (int)SliceBound(first, length, 1, isStart: true);
        stop = (int)SliceBound(last, length, 1, isStart: false);
        return true;
    }

    private Value CallNumberMethod(in Value number, MethodId method, Arguments arguments)
    {
        if (!Bind(arguments, default, 0, out _))
        {
            return Value.Failed;
        }

        switch (method)
        {
            case MethodId.Conjugate:
                return NumberPart(number, MethodId.Real);
            case MethodId.IsInteger:
                return Value.Bool(double.IsFinite(number.Double) && Math.Floor(number.Double) == number.Double);
            case MethodId.BitLength:
                var magnitude = System.Numerics.BigInteger.Abs(number.Integer);
                return Value.Int(magnitude.IsZero ? 0 : (long)magnitude.GetBitLength());
            case MethodId.BitCount when number.IsSmall:
                return Value.Int(System.Numerics.BitOperations.PopCount(number.Bits < 0 ? 0 - (ulong)number.Bits : (ulong)number.Bits));
            default:
                return TypeError("this method is not supported");
        }
    }

    private Value CallTextMethod(in Value text, MethodId method, Arguments arguments)
    {
        ChargeBytes(text.Length);
        switch (method)
        {
            case MethodId.Strip or MethodId.LStrip or MethodId.RStrip:
                return Strip(text, method, arguments);
            case MethodId.Split or MethodId.RSplit:
                return CallSplit(text, method == MethodId.RSplit, arguments);
            case MethodId.SplitLines:
                return Bind(arguments, "keepends"u8, 0, out var keep) ? SplitLines(text, IsTrue(keep[0])) : Value.Failed;
            case MethodId.StartsWith or MethodId.EndsWith:
                return StartsOrEndsWith(text, method == MethodId.EndsWith, arguments);
            case MethodId.Find or MethodId.RFind or MethodId.Index or MethodId.RIndex or MethodId.Count:
                return Search(text, method, arguments);
            case MethodId.Replace:
                return Bind(arguments, "old,new,count"u8, 2, out var replace)
                    ? Replace(text, replace[0], replace[1], replace[2])
                    : Value.Failed;
            case MethodId.Join:
                return Bind(arguments, "iterable"u8, 1, out var joined) ? JoinText(text, joined[0], strict: _rules.IsPython) : Value.Failed;
            case MethodId.Format:
                return FormatBraces(text, arguments);
            case MethodId.ZFill or MethodId.Center or MethodId.LJust or MethodId.RJust:
                return Pad(text, method, arguments);
            case MethodId.Partition or MethodId.RPartition:
                return Partition(text, method == MethodId.RPartition, arguments);
            case MethodId.RemovePrefix or MethodId.RemoveSuffix:
                return RemoveAffix(text, method == MethodId.RemoveSuffix, arguments);
            case MethodId.ExpandTabs:
                return ExpandTabs(text, arguments);
            case MethodId.Encode:
                return Encode(text, arguments);
            case MethodId.FormatMap or MethodId.Translate or MethodId.MakeTrans:
                return TypeError("this method of str is not supported");
            default:
                return Bind(arguments, default, 0, out _) ? CaseOrClass(text, method) : Value.Failed;
        }
    }

    private Value Encode(in Value text, Arguments arguments)
    {
        if (!Bind(arguments, "encoding,errors"u8, 0, out var bound))
        {
            return Value.Failed;
        }

        return bound[0].IsMissing || bound[0].Is("utf-8"u8) || bound[0].Is("utf8"u8)
            ? text.As(ValueKind.Bytes)
            : TypeError("encodings other than utf-8 are not supported");
    }
}
