using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Parsing;

/// <summary>Filters and tests.</summary>
internal sealed partial class TemplateParser
{
    private Node ParseFilterExpression(Node node)
    {
        while (true)
        {
            if (Kind == TokenKind.Pipe)
            {
                node = ParseFilters(node)!;
            }
            else if (SkipName("is"u8))
            {
                node = ParseTest(node);
            }
            else if (Kind == TokenKind.LeftParen)
            {
                node = ParseCall(node);
            }
            else
            {
                return node;
            }
        }
    }

    /// <summary>Filters after each other; <paramref name="inline"/>: the first one without its bar.</summary>
    private Node? ParseFilters(Node? node, bool inline = false)
    {
        while (Kind == TokenKind.Pipe || inline)
        {
            _at += inline ? 0 : 1;
            inline = false;
            var line = Line;
            var name = ParseDottedName();
            var call = Kind == TokenKind.LeftParen ? ParseArguments() : CallArguments.Empty;
            node = Done(new Node(NodeKind.Filter, line)
            {
                A = node,
                Constant = name,
                Id = (int)Filters.Find(name.Span, _rules),
                Call = call,
            });
        }

        return node;
    }

    private Value ParseDottedName()
    {
        var first = Current;
        Expect(TokenKind.Name, "a name");
        var last = first;
        while (Skip(TokenKind.Dot))
        {
            last = Current;
            Expect(TokenKind.Name, "a name");
        }

        return Value.Text(_source.AsSpan(first.Start, Math.Max(0, last.Start + last.Length - first.Start)).ToArray());
    }

    private Node ParseTest(Node node)
    {
        var line = Line;
        var isNegated = SkipName("not"u8);
        var name = ParseDottedName();
        var call = CallArguments.Empty;
        if (Kind == TokenKind.LeftParen)
        {
            call = ParseArguments();
        }
        else if (Kind is TokenKind.Name or TokenKind.Text or TokenKind.Integer or TokenKind.Float or TokenKind.LeftBracket
            or TokenKind.LeftBrace && !IsName("else"u8) && !IsName("or"u8) && !IsName("and"u8))
        {
            if (IsName("is"u8))
            {
                return Fail("tests with 'is' cannot follow each other");
            }

            call = new CallArguments { Positional = [ParsePostfix(ParsePrimary())] };
        }

        var id = (int)Tests.Find(name.Span, _rules);
        var test = Done(new Node(NodeKind.Test, line) { A = node, Constant = name, Id = id, Call = call });
        return isNegated ? Done(new Node(NodeKind.Not, line) { A = test }) : test;
    }
}
