using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Tests.</summary>
internal sealed partial class Renderer
{
    private bool EvalTest(Node node)
    {
        var value = Eval(node.A!);
        var mark = _top;
        var arguments = EvalArguments(node.Call!);
        var result = ApplyTest((TestId)node.Id, value, arguments);
        _top = mark;
        return result;
    }

    private bool ApplyTest(TestId test, in Value value, Arguments arguments)
    {
        ChargeBytes(value.IsText ? value.Length : 0);
        var needed = test is TestId.DivisibleBy or TestId.SameAs or (>= TestId.In and <= TestId.EndingWith) ? 1 : 0;
        if (test == TestId.None)
        {
            return FailTest("this test is unknown or not supported");
        }

        if (arguments.Count + arguments.NamedCount != needed)
        {
            return FailTest("a test with a wrong number of arguments");
        }

        if (needed == 1)
        {
            return ApplyTest(test, value, _stack[arguments.Count > 0 ? arguments.Start : arguments.NamedStart + 1]);
        }

        return test switch
        {
            TestId.Defined => !value.IsUndefined,
            TestId.Undefined => value.IsUndefined,
            TestId.Nothing => value.Kind == ValueKind.None,
            TestId.Boolean => value.Kind == ValueKind.Bool,
            TestId.True => value.Kind == ValueKind.Bool && value.Bits != 0,
            TestId.False => value.Kind == ValueKind.Bool && value.Bits == 0,
            TestId.Integer => value.Kind is ValueKind.Int or ValueKind.Big,
            TestId.Float => value.Kind == ValueKind.Float,
            TestId.Number => value.IsNumber && (value.Kind != ValueKind.Bool || _rules.IsPython),
            TestId.String => value.Kind == ValueKind.Text,
            TestId.Mapping => value.Kind == ValueKind.Dict || (value.Kind == ValueKind.Namespace && !_rules.IsPython),
            TestId.Sequence => IsSequence(value),
            TestId.Iterable => IsIterable(value),
            TestId.Callable => value.Kind is ValueKind.Macro or ValueKind.Method or ValueKind.Function or ValueKind.Loop
                or ValueKind.Joiner or ValueKind.Undefined,
            TestId.Escaped => value.Kind == ValueKind.Text && value.Flag == Value.Markup,
            TestId.Odd or TestId.Even => HasParity(value, test == TestId.Odd),
            TestId.Lower or TestId.Upper => HasCase(value, test == TestId.Lower),
            TestId.Filter or TestId.Test when !IsHashable(value) => FailTest("unhashable type"),
            TestId.Filter => value.IsText && Filters.Find(value.Span, _rules) != FilterId.None,
            _ => value.IsText && Tests.Find(value.Span, _rules) != TestId.None,
        };
    }

    private bool FailTest(string message)
    {
        TypeError(message);
        return false;
    }

    private bool ApplyTest(TestId test, in Value value, in Value argument)
    {
        switch (test)
        {
            case TestId.DivisibleBy:
                if (!_rules.IsPython && !(value.IsNumber && argument.IsNumber))
                {
                    return false;
                }

                return !IsTrue(Arithmetic(NodeKind.Modulo, value, argument)) && !HasFailed;
            case TestId.SameAs:
                return IsSame(value, argument);
            case TestId.In:
                return Contains(argument, value);
            case TestId.Equal:
                return IsEqual(value, argument);
            case TestId.NotEqual:
                return !IsEqual(value, argument);
            case TestId.StartingWith or TestId.EndingWith:
                if (!value.IsText || !argument.IsText)
                {
                    return FailTest("startingwith and endingwith test strings");
                }

                return test == TestId.StartingWith ? value.Span.StartsWith(argument.Span) : value.Span.EndsWith(argument.Span);
            default:
                var comparator = test switch
                {
                    TestId.Greater => Comparator.Greater,
                    TestId.GreaterOrEqual => Comparator.GreaterOrEqual,
                    TestId.Less => Comparator.Less,
                    _ => Comparator.LessOrEqual,
                };
                return Compare(comparator, value, argument);
        }
    }

    /// <summary>Python's <c>is</c>: the same object; small integers and literals are shared.</summary>
    private static bool IsSame(in Value left, in Value right)
    {
        if (left.Kind != right.Kind)
        {
            return false;
        }

        return left.Kind switch
        {
            ValueKind.Bool or ValueKind.None => left.Bits == right.Bits,
            ValueKind.Int => left.Bits == right.Bits && left.Bits is >= -5 and <= 256,
            ValueKind.Float or ValueKind.Big or ValueKind.Undefined => false,
            _ => left.Length == right.Length && (left.Bits == right.Bits || left.Length == 0) && ReferenceEquals(left.Ref, right.Ref),
        };
    }

    private bool IsSequence(in Value value) => value.Kind is ValueKind.List or ValueKind.Tuple or ValueKind.Range
        || (_rules.IsPython && value.Kind is ValueKind.Text or ValueKind.Dict or ValueKind.Bytes or ValueKind.Undefined);

    private bool IsIterable(in Value value) => value.Kind switch
    {
        ValueKind.Text or ValueKind.Bytes or ValueKind.List or ValueKind.Tuple or ValueKind.View or ValueKind.Dict or ValueKind.Range
            or ValueKind.Iterator or ValueKind.Undefined => true,
        ValueKind.Loop => _rules.IsPython,
        ValueKind.None or ValueKind.Namespace => !_rules.IsPython,
        _ => false,
    };

    private bool HasParity(in Value value, bool odd)
    {
        if (!_rules.IsPython && !value.IsNumber)
        {
            return false;
        }

        var rest = Arithmetic(NodeKind.Modulo, value, Value.Int(2));
        return !HasFailed && AreEqual(rest, Value.Int(odd ? 1 : 0));
    }

    private bool HasCase(in Value value, bool lower)
    {
        if (!_rules.IsPython)
        {
            return value.IsText
                ? AllRunes(value.Span, lower ? MethodId.IsLower : MethodId.IsUpper)
                : FailTest("lower and upper test strings");
        }

        var text = ToText(value);
        return IsCasedAs(text.Span, lower ? MethodId.IsLower : MethodId.IsUpper);
    }

    /// <summary><c>str(value)</c>.</summary>
    private Value ToText(in Value value)
    {
        if (value.Kind == ValueKind.Text)
        {
            return value;
        }

        var mark = _out.Length;
        Print(value);
        return Cut(mark);
    }
}
