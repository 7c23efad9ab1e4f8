using Epp.Native.Requests;

namespace Epp.Native.Expressions;

/// <summary>A node's operation; its operands are other nodes.</summary>
internal enum Operation : byte
{
    Literal = 0,
    Field,
    Has,
    Not,
    Negate,
    ToInt,
    ToDouble,
    And,
    Or,
    Choose,
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
    Add,
    Subtract,
    Multiply,
    Divide,
    Remainder,
}

/// <summary>One of the counts that a response reports; <see cref="Details"/> is the map around the cached ones.</summary>
internal enum UsageField : byte
{
    Unknown = 0,
    Prompt,
    Completion,
    Total,
    Cached,
    Details,
}

/// <summary>A node of a compiled expression.</summary>
internal readonly struct ExpressionNode(Operation operation, int a = 0, int b = 0, int c = 0, UsageValue literal = default)
{
    public readonly Operation Operation = operation;
    public readonly int A = a;
    public readonly int B = b;
    public readonly int C = c;
    public readonly UsageValue Literal = literal;
}

/// <summary>
/// An expression over a response's token counts, as <c>request-attribute-reporter</c> has it (plugins §5.10): a subset of CEL
/// (https://github.com/google/cel-spec) with numbers, <c>true</c>, <c>false</c>, <c>+ - * / %</c>, comparisons, <c>&amp;&amp; || !</c>,
/// <c>?:</c>, parentheses, <c>has()</c>, <c>int()</c>, <c>double()</c> and the fields of <c>usage</c>. Compiled once; evaluating allocates
/// nothing and never throws. Immutable; safe to share.
/// </summary>
public sealed class UsageExpression
{
    /// <summary>Longest text of an expression, in characters.</summary>
    public const int MaxLength = 4096;

    /// <summary>Deepest nesting of parentheses, signs and <c>?:</c>.</summary>
    public const int MaxDepth = 64;

    /// <summary>Most numbers, fields and operators; also the deepest recursion when it is evaluated.</summary>
    public const int MaxNodes = 256;

    private readonly ExpressionNode[] _nodes;
    private readonly int _root;

    private UsageExpression(ExpressionNode[] nodes, int root, bool readsUnknown)
    {
        _nodes = nodes;
        _root = root;
        ReadsUnknownField = readsUnknown;
    }

    /// <summary>True where it reads a field that no response has: without <c>has()</c> around it there is never a result.</summary>
    public bool ReadsUnknownField { get; }

    /// <summary>Compiles an expression that yields a number, or, where <paramref name="isCondition"/>, a truth value.</summary>
    /// <param name="text">The expression.</param>
    /// <param name="isCondition">Whether it decides something.</param>
    /// <param name="expression">The outcome.</param>
    /// <param name="error">What was found where, and what was expected; null without an error.</param>
    public static bool TryCompile(string text, bool isCondition, out UsageExpression? expression, out string? error)
    {
        var parser = new ExpressionParser(text);
        var root = parser.Parse(isCondition ? ValueKind.Bool : ValueKind.Double);
        error = parser.Error;
        expression = error is null ? new UsageExpression(parser.Nodes, root, parser.ReadsUnknownField) : null;
        return error is null;
    }

    /// <summary>True where a condition holds; false also where it has no value.</summary>
    public bool IsTrue(in TokenUsage usage) => Evaluate(_root, in usage).IsTrue;

    /// <summary>The number, whole and towards zero; false where there is none within 64 bits.</summary>
    public bool TryGetNumber(in TokenUsage usage, out long number)
    {
        var value = Arithmetic.ToInt(Evaluate(_root, in usage));
        number = value.Int;
        return value.Kind == ValueKind.Int;
    }

    private UsageValue Evaluate(int at, in TokenUsage usage)
    {
        ref readonly var node = ref _nodes[at];
        switch (node.Operation)
        {
            case Operation.Literal:
                return node.Literal;
            case Operation.Field:
                return Read((UsageField)node.A, in usage);
            case Operation.Has:
                return UsageValue.Of(IsPresent((UsageField)node.A, in usage));
            case Operation.Not:
                var truth = Evaluate(node.A, in usage);
                return truth.Kind == ValueKind.Bool ? UsageValue.Of(!truth.IsTrue) : UsageValue.Error;
            case Operation.Negate:
                return Arithmetic.Negate(Evaluate(node.A, in usage));
            case Operation.ToInt:
                return Arithmetic.ToInt(Evaluate(node.A, in usage));
            case Operation.ToDouble:
                return Arithmetic.ToDouble(Evaluate(node.A, in usage));
            case Operation.And or Operation.Or:
                return Combine(node.Operation == Operation.Or, node.A, node.B, in usage);
            case Operation.Choose:
                var condition = Evaluate(node.A, in usage);
                return condition.IsTrue ? Evaluate(node.B, in usage) : condition.IsFalse ? Evaluate(node.C, in usage) : UsageValue.Error;
            default:
                var left = Evaluate(node.A, in usage);
                var right = Evaluate(node.B, in usage);
                return left.Kind == ValueKind.Error || right.Kind == ValueKind.Error ? UsageValue.Error : Arithmetic.Apply(node.Operation, left, right);
        }
    }

    // One side that settles it is enough in CEL, in whichever order they stand and even where the other has no value.
    private UsageValue Combine(bool isOr, int a, int b, in TokenUsage usage)
    {
        var left = Evaluate(a, in usage);
        if (left.Kind == ValueKind.Bool && left.IsTrue == isOr)
        {
            return left;
        }

        var right = Evaluate(b, in usage);
        if (right.Kind == ValueKind.Bool && right.IsTrue == isOr)
        {
            return right;
        }

        return left.Kind == ValueKind.Bool && right.Kind == ValueKind.Bool ? UsageValue.Of(!isOr) : UsageValue.Error;
    }

    // llm-d counts what was not reported as 0, and has it; only the cached tokens can be missing.
    private static bool IsPresent(UsageField field, in TokenUsage usage) => field switch
    {
        UsageField.Unknown => false,
        UsageField.Cached or UsageField.Details => usage.Cached >= 0,
        _ => true,
    };

    private static UsageValue Read(UsageField field, in TokenUsage usage) => field switch
    {
        UsageField.Prompt => UsageValue.Of((double)Math.Max(0, usage.Prompt)),
        UsageField.Completion => UsageValue.Of((double)Math.Max(0, usage.Completion)),
        UsageField.Total => UsageValue.Of((double)Math.Max(0, usage.Total)),
        UsageField.Cached when usage.Cached >= 0 => UsageValue.Of((double)usage.Cached),
        _ => UsageValue.Error,
    };
}
