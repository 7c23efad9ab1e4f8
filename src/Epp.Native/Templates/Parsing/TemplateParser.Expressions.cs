namespace Epp.Native.Templates.Parsing;

/// <summary>Expressions, loosest operator first.</summary>
internal sealed partial class TemplateParser
{
    private Node ParseExpression(bool withCondition = true) => withCondition ? ParseCondition() : ParseOr();

    private Node ParseCondition()
    {
        if (!Enter())
        {
            return Fail("nested too deep");
        }

        var line = Line;
        var node = ParseOr();
        while (SkipName("if"u8))
        {
            var condition = ParseOr();
            var otherwise = SkipName("else"u8) ? ParseCondition() : null;
            node = Done(new Node(NodeKind.Condition, line) { A = condition, B = node, C = otherwise });
        }

        _nesting--;
        return node;
    }

    private Node ParseOr()
    {
        var line = Line;
        var left = ParseAnd();
        while (SkipName("or"u8))
        {
            left = Done(new Node(NodeKind.Or, line) { A = left, B = ParseAnd() });
        }

        return left;
    }

    private Node ParseAnd()
    {
        var line = Line;
        var left = ParseNot();
        while (SkipName("and"u8))
        {
            left = Done(new Node(NodeKind.And, line) { A = left, B = ParseNot() });
        }

        return left;
    }

    private Node ParseNot()
    {
        var line = Line;
        if (!SkipName("not"u8))
        {
            return ParseCompare();
        }

        if (!Enter())
        {
            return Fail("nested too deep");
        }

        var node = Done(new Node(NodeKind.Not, line) { A = ParseNot() });
        _nesting--;
        return node;
    }

    private Node ParseCompare()
    {
        var line = Line;
        var first = ParseSum();
        Node[] items = [];
        Comparator[] operators = [];
        var count = 0;
        while (TryComparator(out var comparator))
        {
            if (count == MaxArguments)
            {
                return Fail("too many comparisons in a row");
            }

            Append(ref items, ref count, ParseSum());
            Array.Resize(ref operators, count);
            operators[count - 1] = comparator;
        }

        return count == 0
            ? first
            : Done(new Node(NodeKind.Compare, line) { A = first, Items = Trimmed(items, count), Operators = operators });
    }

    private bool TryComparator(out Comparator comparator)
    {
        comparator = Kind switch
        {
            TokenKind.Equal => Comparator.Equal,
            TokenKind.NotEqual => Comparator.NotEqual,
            TokenKind.Less => Comparator.Less,
            TokenKind.LessOrEqual => Comparator.LessOrEqual,
            TokenKind.Greater => Comparator.Greater,
            TokenKind.GreaterOrEqual => Comparator.GreaterOrEqual,
            _ => Comparator.In,
        };
        if (comparator != Comparator.In)
        {
            _at++;
            return true;
        }

        if (SkipName("in"u8))
        {
            return true;
        }

        var next = _tokens[Math.Min(_at + 1, _tokens.Length - 1)];
        if (!IsName("not"u8) || next.Kind != TokenKind.Name || !Text(next).SequenceEqual("in"u8))
        {
            return false;
        }

        _at += 2;
        comparator = Comparator.NotIn;
        return true;
    }

    private Node ParseSum()
    {
        var line = Line;
        var left = ParseConcat();
        while (Kind is TokenKind.Add or TokenKind.Subtract)
        {
            var kind = Kind == TokenKind.Add ? NodeKind.Add : NodeKind.Subtract;
            _at++;
            left = Done(new Node(kind, line) { A = left, B = ParseConcat() });
        }

        return left;
    }

    private Node ParseConcat()
    {
        var line = Line;
        var first = ParseProduct();
        if (Kind != TokenKind.Tilde)
        {
            return first;
        }

        Node[] items = [first];
        var count = 1;
        while (Skip(TokenKind.Tilde))
        {
            Append(ref items, ref count, ParseProduct());
        }

        return Done(new Node(NodeKind.Concat, line) { Items = Trimmed(items, count) });
    }

    private Node ParseProduct()
    {
        var line = Line;
        var left = ParsePower();
        while (Kind is TokenKind.Multiply or TokenKind.Divide or TokenKind.FloorDivide or TokenKind.Modulo)
        {
            var kind = Kind switch
            {
                TokenKind.Multiply => NodeKind.Multiply,
                TokenKind.Divide => NodeKind.Divide,
                TokenKind.FloorDivide => NodeKind.FloorDivide,
                _ => NodeKind.Modulo,
            };
            _at++;
            left = Done(new Node(kind, line) { A = left, B = ParsePower() });
        }

        return left;
    }

    private Node ParsePower()
    {
        var line = Line;
        var left = ParseUnary(withFilter: true);
        while (Skip(TokenKind.Power))
        {
            left = Done(new Node(NodeKind.Power, line) { A = left, B = ParseUnary(withFilter: true) });
        }

        return left;
    }

    private Node ParseUnary(bool withFilter)
    {
        var line = Line;
        Node node;
        if (Kind == TokenKind.Subtract || (Kind == TokenKind.Add && _rules.IsPython))
        {
            if (!Enter())
            {
                return Fail("nested too deep");
            }

            var kind = Kind == TokenKind.Add ? NodeKind.Plus : NodeKind.Negate;
            _at++;
            node = Done(new Node(kind, line) { A = ParseUnary(withFilter: false) });
            _nesting--;
        }
        else
        {
            node = ParsePrimary();
        }

        node = ParsePostfix(node);
        return withFilter ? ParseFilterExpression(node) : node;
    }

    /// <summary>
    /// Expressions between commas become a tuple. After a last comma a word may end it, but in Python's jinja2 none does: it means to, and
    /// compares the word with the list of words.
    /// </summary>
    private Node ParseTuple(
        bool withCondition = true, ReadOnlySpan<byte> end = default, bool simplified = false, bool inParentheses = false)
    {
        var line = Line;
        Node[] items = [];
        var count = 0;
        var isTuple = false;
        while (Kind != TokenKind.End)
        {
            if (count > 0)
            {
                Expect(TokenKind.Comma, "','");
            }

            if (Kind is TokenKind.VariableEnd or TokenKind.BlockEnd or TokenKind.RightParen || (!_rules.IsPython && !end.IsEmpty && IsName(end)))
            {
                break;
            }

            Append(ref items, ref count, simplified ? ParsePrimary() : ParseExpression(withCondition));
            if (Kind != TokenKind.Comma)
            {
                break;
            }

            isTuple = true;
        }

        if (!isTuple && count > 0)
        {
            return items[0];
        }

        return !isTuple && !inParentheses
            ? Fail("expected an expression")
            : Done(new Node(NodeKind.Tuple, line) { Items = Trimmed(items, count) });
    }
}
