using System.Numerics;

namespace Epp.Native.Templates.Values;

/// <summary>Equality and order of values.</summary>
internal static class ValueOrder
{
    /// <summary>Deeper values count as different.</summary>
    private const int MaxDepth = 200;

    /// <summary>Keys have at most 64 values (Renderer.MaxKeyItems), so this is never reached.</summary>
    private const int MaxKeySteps = 1000;

    /// <summary>Equality of keys: numbers by value, whatever their type.</summary>
    public static bool KeysEqual(in Value a, in Value b)
    {
        if (a.Kind == ValueKind.Text && b.Kind == ValueKind.Text)
        {
            return a.Length == b.Length && a.Span.SequenceEqual(b.Span);
        }

        long steps = MaxKeySteps;
        return Equal(a, b, tuplesAreLists: false, ref steps);
    }

    /// <summary>A total order in which equal keys are neighbours: text by its bytes, then numbers, then the rest.</summary>
    public static int CompareKeys(in Value a, in Value b)
    {
        var order = KeyClass(a).CompareTo(KeyClass(b));
        if (order != 0)
        {
            return order;
        }

        if (a.Kind == ValueKind.Text)
        {
            return a.Span.SequenceCompareTo(b.Span);
        }

        if (a.IsNumber)
        {
            return CompareNumbers(a, b);
        }

        if (!a.IsSequence)
        {
            return 0;
        }

        for (var i = 0; i < Math.Min(a.Length, b.Length) && order == 0; i++)
        {
            order = CompareKeys(a.Items[i], b.Items[i]);
        }

        return order != 0 ? order : a.Length.CompareTo(b.Length);
    }

    /// <summary>
    /// Python's <c>==</c>; minijinja's has one type for lists and tuples. Every element takes a step, because lists may share elements
    /// and then have many more paths than values; without steps values count as different.
    /// </summary>
    public static bool Equal(in Value a, in Value b, bool tuplesAreLists, ref long steps, int depth = 0)
    {
        if (--steps <= 0)
        {
            return false;
        }

        if (a.IsNumber && b.IsNumber)
        {
            return !IsNan(a) && !IsNan(b) && CompareNumbers(a, b) == 0;
        }

        if (a.IsSequence && b.IsSequence && (a.Kind == b.Kind || tuplesAreLists))
        {
            return SequencesEqual(a.Items, b.Items, tuplesAreLists, ref steps, depth);
        }

        if (a.Kind != b.Kind)
        {
            return false;
        }

        return a.Kind switch
        {
            ValueKind.Undefined or ValueKind.None => true,
            ValueKind.Text or ValueKind.Bytes => a.Span.SequenceEqual(b.Span),
            ValueKind.Dict => DictsEqual(a, b, tuplesAreLists, ref steps, depth),
            ValueKind.Range => SequencesEqual(a.Items, b.Items, tuplesAreLists, ref steps, depth),
            _ => ReferenceEquals(a.Ref, b.Ref) && a.Bits == b.Bits,
        };
    }

    public static int CompareNumbers(in Value a, in Value b)
    {
        if (a.IsSmall && b.IsSmall)
        {
            return a.Bits.CompareTo(b.Bits);
        }

        if (a.Kind != ValueKind.Float && b.Kind != ValueKind.Float)
        {
            return a.Integer.CompareTo(b.Integer);
        }

        if (a.Kind == ValueKind.Float && b.Kind == ValueKind.Float)
        {
            return a.Double.CompareTo(b.Double);
        }

        return a.Kind == ValueKind.Float ? -CompareIntegerWithFloat(b, a.Double) : CompareIntegerWithFloat(a, b.Double);
    }

    public static bool IsNan(in Value value) => value.Kind == ValueKind.Float && double.IsNaN(value.Double);

    /// <summary>Place of a type in minijinja's order of all values.</summary>
    public static int Rank(in Value value) => value.Kind switch
    {
        ValueKind.Undefined => 0,
        ValueKind.None => 1,
        ValueKind.Bool => 2,
        ValueKind.Int or ValueKind.Big or ValueKind.Float => 3,
        ValueKind.Text => 4,
        ValueKind.Bytes => 5,
        ValueKind.List or ValueKind.Tuple or ValueKind.View or ValueKind.Range => 6,
        ValueKind.Dict or ValueKind.Namespace => 7,
        _ => 8,
    };

    private static int KeyClass(in Value value) => value.Kind switch
    {
        ValueKind.Text => 0,
        ValueKind.Int or ValueKind.Bool or ValueKind.Big or ValueKind.Float => 1,
        _ => 2 + (int)value.Kind,
    };

    private static int CompareIntegerWithFloat(in Value integer, double number)
    {
        if (double.IsNaN(number) || double.IsInfinity(number))
        {
            return double.IsNegative(number) ? 1 : -1;
        }

        var whole = Math.Floor(number);
        var order = integer.Integer.CompareTo(new BigInteger(whole));
        return order != 0 ? order : whole.CompareTo(number);
    }

    private static bool SequencesEqual(ReadOnlySpan<Value> a, ReadOnlySpan<Value> b, bool tuplesAreLists, ref long steps, int depth)
    {
        if (a.Length != b.Length || depth > MaxDepth)
        {
            return false;
        }

        for (var i = 0; i < a.Length; i++)
        {
            if (!Equal(a[i], b[i], tuplesAreLists, ref steps, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    private static bool DictsEqual(in Value a, in Value b, bool tuplesAreLists, ref long steps, int depth)
    {
        if (a.Length != b.Length || depth > MaxDepth)
        {
            return false;
        }

        var items = a.Items;
        for (var i = 0; i < items.Length; i += 2)
        {
            // Dicts from the same template mostly have the same order, which makes this linear.
            var at = i < b.Items.Length && KeysEqual(items[i], b.Items[i]) ? i : IndexOf(b, items[i]);
            if (at < 0 || !Equal(items[i + 1], b.Items[at + 1], tuplesAreLists, ref steps, depth + 1))
            {
                return false;
            }
        }

        return true;
    }

    /// <summary>Place of a key among the keys and values of a dict; -1 = absent.</summary>
    public static int IndexOf(in Value dict, in Value key)
    {
        var items = dict.Items;
        for (var i = 0; i < items.Length; i += 2)
        {
            if (KeysEqual(items[i], key))
            {
                return i;
            }
        }

        return -1;
    }

    /// <summary>As <see cref="IndexOf(in Value, in Value)"/> for text.</summary>
    public static int IndexOf(in Value dict, ReadOnlySpan<byte> key)
    {
        var items = dict.Items;
        for (var i = 0; i < items.Length; i += 2)
        {
            ref readonly var candidate = ref items[i];
            if (candidate.Kind == ValueKind.Text && candidate.Length == key.Length && candidate.Span.SequenceEqual(key))
            {
                return i;
            }
        }

        return -1;
    }
}
