using Epp.Native.Templates.Rendering;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Parsing;

/// <summary>Statements.</summary>
internal sealed partial class TemplateParser
{
    /// <summary>Statements up to a tag that begins with one of the names, which becomes the current token; to the end without names.</summary>
    private Node ParseBody(ReadOnlySpan<byte> end, ReadOnlySpan<byte> orEnd, ReadOnlySpan<byte> orElse)
    {
        var body = new Node(NodeKind.Body, Line);
        Node[] items = [];
        var count = 0;
        while (Kind != TokenKind.End)
        {
            var token = Current;
            _at++;
            if (token.Kind == TokenKind.Data)
            {
                Append(ref items, ref count, new Node(NodeKind.Data, token.Line)
                {
                    Constant = Value.Range(ValueKind.Text, _source, token.Start, token.Length),
                });
            }
            else if (token.Kind == TokenKind.VariableBegin)
            {
                Append(ref items, ref count, Done(new Node(NodeKind.Output, token.Line) { A = ParseTuple() }));
                Expect(TokenKind.VariableEnd, "'}}'");
            }
            else if (!end.IsEmpty && (IsName(end) || (!orEnd.IsEmpty && IsName(orEnd)) || (!orElse.IsEmpty && IsName(orElse))))
            {
                body.Items = Trimmed(items, count);
                return Done(body);
            }
            else
            {
                Append(ref items, ref count, ParseStatement());
                Expect(TokenKind.BlockEnd, "'%}'");
            }
        }

        if (!end.IsEmpty)
        {
            return Fail("a block without end");
        }

        body.Items = Trimmed(items, count);
        return Done(body);
    }

    /// <summary>The rest of the opening tag, the body, and the name that ended it.</summary>
    private Node ParseBlock(ReadOnlySpan<byte> end, ReadOnlySpan<byte> orEnd = default, ReadOnlySpan<byte> orElse = default)
    {
        Skip(TokenKind.Colon);
        Expect(TokenKind.BlockEnd, "'%}'");
        return ParseBody(end, orEnd, orElse);
    }

    /// <summary>As <see cref="ParseBlock"/>, with one possible end, which is skipped.</summary>
    private Node ParseClosed(ReadOnlySpan<byte> end)
    {
        var body = ParseBlock(end);
        SkipName(end);
        return body;
    }

    private Node ParseStatement()
    {
        if (!Enter())
        {
            return Fail("nested too deep");
        }

        var token = Current;
        if (!Skip(TokenKind.Name))
        {
            return Fail("expected the name of a tag");
        }

        var node = Text(token) switch
        {
            var n when n.SequenceEqual("if"u8) => ParseIf(token.Line),
            var n when n.SequenceEqual("for"u8) => ParseFor(token.Line),
            var n when n.SequenceEqual("set"u8) => ParseSet(token.Line),
            var n when n.SequenceEqual("macro"u8) => ParseMacro(token.Line),
            var n when n.SequenceEqual("call"u8) => ParseCallBlock(token.Line),
            var n when n.SequenceEqual("filter"u8) => ParseFilterBlock(token.Line),
            var n when n.SequenceEqual("with"u8) => ParseWith(token.Line),
            var n when n.SequenceEqual("block"u8) => ParseNamedBlock(token.Line),
            var n when n.SequenceEqual("print"u8) => ParsePrint(token.Line),
            var n when n.SequenceEqual("break"u8) => new Node(NodeKind.Break, token.Line),
            var n when n.SequenceEqual("continue"u8) => new Node(NodeKind.Continue, token.Line),
            var n when n.SequenceEqual("generation"u8) && _rules.IsPython =>
                Done(new Node(NodeKind.Scope, token.Line) { Flag = true, A = ParseClosed("endgeneration"u8) }),
            var n when n.SequenceEqual("do"u8) && !_rules.IsPython => Done(new Node(NodeKind.Do, token.Line) { A = ParseTuple() }),
            var n => Fail($"the tag '{Utf8(n)}' is unknown or not supported", token.Line),
        };
        _nesting--;
        return node;
    }

    private static string Utf8(ReadOnlySpan<byte> text) => System.Text.Encoding.UTF8.GetString(text);

    private Node ParseIf(int line)
    {
        Node[] items = [];
        var count = 0;
        while (true)
        {
            // Pairs of condition and body; a last body alone is the else.
            Append(ref items, ref count, ParseTuple(withCondition: false));
            Append(ref items, ref count, ParseBlock("elif"u8, "else"u8, "endif"u8));
            if (SkipName("elif"u8))
            {
                continue;
            }

            if (SkipName("else"u8))
            {
                Append(ref items, ref count, ParseClosed("endif"u8));
            }
            else
            {
                SkipName("endif"u8);
            }

            return Done(new Node(NodeKind.If, line) { Items = Trimmed(items, count) });
        }
    }

    private Node ParseFor(int line)
    {
        var node = new Node(NodeKind.For, line) { A = ParseTarget("in"u8) };
        ExpectName("in"u8, "in");
        node.B = ParseTuple(withCondition: false, end: "recursive"u8);
        node.C = SkipName("if"u8) ? ParseExpression() : null;
        node.Flag = SkipName("recursive"u8);
        var body = ParseBlock("endfor"u8, "else"u8);
        if (SkipName("else"u8))
        {
            node.D = ParseClosed("endfor"u8);
        }
        else
        {
            SkipName("endfor"u8);
        }

        node.Items = [body];
        return Done(node);
    }

    private Node ParseSet(int line)
    {
        Node target;
        if (NextKind == TokenKind.Dot && Kind == TokenKind.Name)
        {
            target = new Node(NodeKind.NamespaceTarget, line) { A = ParsePlainName() };
            _at++;
            var name = Current;
            Expect(TokenKind.Name, "the name of an attribute");
            target.Constant = Value.Text(Text(name).ToArray());
            Done(target);
        }
        else
        {
            target = ParseTarget(default);
        }

        if (Skip(TokenKind.Assign))
        {
            return Done(new Node(NodeKind.Set, line) { A = target, B = ParseTuple() });
        }

        var filter = ParseFilters(null);
        return Done(new Node(NodeKind.SetBlock, line) { A = target, B = filter, C = ParseClosed("endset"u8) });
    }

    /// <summary>Name, or names between commas, in parentheses or not.</summary>
    private Node ParseTarget(ReadOnlySpan<byte> end)
    {
        var line = Line;
        var target = ParseTuple(end: end, simplified: true);
        return IsTarget(target) ? target : Fail("cannot assign to this expression", line);
    }

    private static bool IsTarget(Node node)
    {
        if (node.Kind != NodeKind.Tuple)
        {
            return node.Kind == NodeKind.Name;
        }

        foreach (var item in node.Items)
        {
            if (!IsTarget(item))
            {
                return false;
            }
        }

        return true;
    }

    private Node ParsePlainName()
    {
        var token = Current;
        Expect(TokenKind.Name, "a name");
        return new Node(NodeKind.Name, token.Line) { Id = Intern(Text(token)), Extra = (int)GlobalFunctions.Find(Text(token), _rules) };
    }
}
