using System.Globalization;

namespace Epp.Native.Expressions;

/// <summary>
/// Parses and checks the subset of CEL that <see cref="UsageExpression"/> has, by recursive descent (https://github.com/google/cel-spec,
/// langdef "Syntax"). The first mistake ends it, with its place. Used once.
/// </summary>
internal sealed partial class ExpressionParser(string text)
{
    // Binary operators by how loosely they bind: || && comparisons + - and * / %.
    private const int OrLevel = 0, AndLevel = 1, RelationLevel = 2, SumLevel = 3, UnaryLevel = 5;

    private readonly ExpressionNode[] _nodes = new ExpressionNode[UsageExpression.MaxNodes];
    private int _count;
    private int _position;
    private int _depth;

    /// <summary>The first mistake; null without one.</summary>
    public string? Error { get; private set; }

    public bool ReadsUnknownField { get; private set; }

    public ExpressionNode[] Nodes => _nodes;

    /// <summary>Parses the whole text as a value of a kind; returns the root.</summary>
    public int Parse(ValueKind wanted)
    {
        if (text.Length > UsageExpression.MaxLength)
        {
            Error = string.Create(CultureInfo.InvariantCulture, $"has {text.Length} characters; at most {UsageExpression.MaxLength} are read");
            return 0;
        }

        var start = Skip();
        var root = Choice();
        if (Error is null && Skip() < text.Length)
        {
            Expected("an operator or the end");
        }

        Require(root, start, wanted);
        return root.Node;
    }

    private Operand Choice()
    {
        var start = Skip();
        var condition = Binary(OrLevel);
        if (!Take("?") || !Enter())
        {
            return condition;
        }

        Require(condition, start, ValueKind.Bool);
        var whenTrue = Binary(OrLevel);
        if (Error is null && !Take(":"))
        {
            Expected("':'");
        }

        var at = Skip();
        var whenFalse = Choice();
        _depth--;
        CheckAlike(whenTrue, whenFalse, at);
        var kind = whenTrue.Kind == ValueKind.Any || whenFalse.Kind == ValueKind.Any ? ValueKind.Any
            : whenTrue.Kind == whenFalse.Kind ? whenTrue.Kind
            : ValueKind.Double;
        return Add(kind, Operation.Choose, condition.Node, whenTrue.Node, whenFalse.Node);
    }

    private Operand Binary(int level)
    {
        if (level == UnaryLevel)
        {
            return Unary();
        }

        var start = Skip();
        var left = Binary(level + 1);
        while (Operator(level) is var operation && operation != Operation.Literal)
        {
            var at = Skip();
            var right = Binary(level + 1);
            left = Add(Check(operation, level, left, start, right, at), operation, left.Node, right.Node);
        }

        return left;
    }

    /// <summary>Takes the next operator of a level; <see cref="Operation.Literal"/> = there is none.</summary>
    private Operation Operator(int level) => level switch
    {
        OrLevel => Take("||") ? Operation.Or : Operation.Literal,
        AndLevel => Take("&&") ? Operation.And : Operation.Literal,
        RelationLevel => Take("==") ? Operation.Equal
            : Take("!=") ? Operation.NotEqual
            : Take("<=") ? Operation.LessOrEqual
            : Take("<") ? Operation.Less
            : Take(">=") ? Operation.GreaterOrEqual
            : Take(">") ? Operation.Greater
            : Operation.Literal,
        SumLevel => Take("+") ? Operation.Add : Take("-") ? Operation.Subtract : Operation.Literal,
        _ => Take("*") ? Operation.Multiply : Take("/") ? Operation.Divide : Take("%") ? Operation.Remainder : Operation.Literal,
    };

    /// <summary>Checks both sides of an operator; returns what it yields.</summary>
    private ValueKind Check(Operation operation, int level, Operand left, int start, Operand right, int at)
    {
        if (level == RelationLevel)
        {
            CheckAlike(left, right, at);
            return ValueKind.Bool;
        }

        var wanted = level < RelationLevel ? ValueKind.Bool : ValueKind.Double;
        Require(left, start, wanted);
        Require(right, at, wanted);
        return wanted == ValueKind.Bool ? ValueKind.Bool
            : left.Kind == ValueKind.Any || right.Kind == ValueKind.Any ? ValueKind.Any
            : left.Kind == ValueKind.Int && right.Kind == ValueKind.Int ? ValueKind.Int
            : ValueKind.Double;
    }

    private Operand Unary()
    {
        if (Skip() >= text.Length || text[_position] is not ('!' or '-') || !Enter())
        {
            return Primary();
        }

        var isNot = text[_position++] == '!';
        var at = Skip();
        Operand operand;
        if (!isNot && at < text.Length && text[at] is (>= '0' and <= '9') or '.')
        {
            // The sign belongs to the number: the least whole number has no positive twin.
            operand = Number(isNegative: true);
        }
        else
        {
            operand = Unary();
            Require(operand, at, isNot ? ValueKind.Bool : ValueKind.Double);
            operand = Add(isNot ? ValueKind.Bool : operand.Kind, isNot ? Operation.Not : Operation.Negate, operand.Node);
        }

        _depth--;
        return operand;
    }

    private Operand Primary()
    {
        if (Error is not null || Skip() >= text.Length)
        {
            return Expected(Operands);
        }

        var c = text[_position];
        if (c is (>= '0' and <= '9') or '.')
        {
            return Number(isNegative: false);
        }

        return Take("(") ? Parenthesized() : Named();
    }

    /// <summary>What stands in parentheses, the first one taken.</summary>
    private Operand Parenthesized()
    {
        if (!Enter())
        {
            return default;
        }

        var inner = Choice();
        if (Error is null && !Take(")"))
        {
            Expected("')'");
        }

        _depth--;
        return inner;
    }

    /// <summary>A number is wanted as <see cref="ValueKind.Double"/>, of whichever kind; what only the response tells is taken for anything.</summary>
    private void Require(Operand operand, int at, ValueKind wanted)
    {
        if (operand.Kind != ValueKind.Any && (operand.Kind == ValueKind.Bool) != (wanted == ValueKind.Bool))
        {
            Fail(at, wanted == ValueKind.Bool ? "found a number, expected true or false" : "found true or false, expected a number");
        }
    }

    private void CheckAlike(Operand left, Operand right, int at)
    {
        if (left.Kind != ValueKind.Any && right.Kind != ValueKind.Any && (left.Kind == ValueKind.Bool) != (right.Kind == ValueKind.Bool))
        {
            Fail(at, "a number stands beside true or false; both must be of one kind");
        }
    }

    private bool Enter()
    {
        if (Error is null && ++_depth <= UsageExpression.MaxDepth)
        {
            return true;
        }

        Fail(_position, $"is nested deeper than {UsageExpression.MaxDepth}");
        return false;
    }

    private Operand Add(ValueKind kind, Operation operation, int a = 0, int b = 0, int c = 0, UsageValue literal = default)
    {
        if (_count == _nodes.Length)
        {
            return Fail(_position, $"has more than {UsageExpression.MaxNodes} numbers, fields and operators");
        }

        if (Error is not null)
        {
            return default;
        }

        _nodes[_count] = new ExpressionNode(operation, a, b, c, literal);
        return new Operand(_count++, kind);
    }

    private Operand Expected(string what) =>
        Fail(_position, _position < text.Length ? $"found '{text[_position]}', expected {what}" : $"found the end, expected {what}");

    private Operand Fail(int at, string message)
    {
        Error ??= string.Create(CultureInfo.InvariantCulture, $"character {at + 1}: {message}");
        return default;
    }

    /// <summary>A node and what it yields.</summary>
    private readonly struct Operand(int node, ValueKind kind)
    {
        public readonly int Node = node;
        public readonly ValueKind Kind = kind;
    }
}
