using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Parsing;

/// <summary>Macros and the blocks that take a body.</summary>
internal sealed partial class TemplateParser
{
    /// <summary>Parameters: Items = names, then their defaults from the end.</summary>
    private void ParseSignature(Node node)
    {
        Node[] names = [], defaults = [];
        int count = 0, defaultCount = 0;
        Expect(TokenKind.LeftParen, "'('");
        while (Kind is not (TokenKind.RightParen or TokenKind.End))
        {
            if (count > 0)
            {
                Expect(TokenKind.Comma, "','");
            }

            if (count == MaxArguments)
            {
                Fail("too many parameters");
            }

            Append(ref names, ref count, ParsePlainName());
            if (Skip(TokenKind.Assign))
            {
                Append(ref defaults, ref defaultCount, ParseExpression());
            }
            else if (defaultCount > 0)
            {
                Fail("a parameter without default follows one with default");
            }
        }

        Expect(TokenKind.RightParen, "')'");
        node.Items = Trimmed(names, count);
        node.Call = new CallArguments { Positional = Trimmed(defaults, defaultCount) };
    }

    private Node ParseMacro(int line)
    {
        var name = ParsePlainName();
        var node = new Node(NodeKind.Macro, line) { B = name, Constant = Value.Text(_names[name.Id]) };
        ParseSignature(node);
        node.A = ParseClosed("endmacro"u8);
        return Done(node);
    }

    private Node ParseCallBlock(int line)
    {
        var caller = new Node(NodeKind.Macro, line) { Constant = Value.None, Call = CallArguments.Empty };
        if (Kind == TokenKind.LeftParen)
        {
            ParseSignature(caller);
        }

        var call = ParseExpression();
        if (call.Kind != NodeKind.Call)
        {
            return Fail("expected a call after 'call'", line);
        }

        caller.A = ParseClosed("endcall"u8);
        return Done(new Node(NodeKind.CallBlock, line) { A = call, B = Done(caller) });
    }

    private Node ParseFilterBlock(int line)
    {
        var filter = ParseFilters(null, inline: true);
        return Done(new Node(NodeKind.FilterBlock, line) { A = filter, B = ParseClosed("endfilter"u8) });
    }

    private Node ParseWith(int line)
    {
        Node[] items = [];
        var count = 0;
        while (Kind is not (TokenKind.BlockEnd or TokenKind.End))
        {
            if (count > 0)
            {
                Expect(TokenKind.Comma, "','");
            }

            var target = ParsePrimary();
            if (!IsTarget(target))
            {
                return Fail("cannot assign to this expression", line);
            }

            Append(ref items, ref count, target);
            Expect(TokenKind.Assign, "'='");
            Append(ref items, ref count, ParseExpression());
        }

        return Done(new Node(NodeKind.With, line) { Items = Trimmed(items, count), A = ParseClosed("endwith"u8) });
    }

    private Node ParseNamedBlock(int line)
    {
        var name = ParsePlainName();
        var isScoped = SkipName("scoped"u8);
        var node = new Node(NodeKind.Block, line) { Flag = isScoped, A = ParseClosed("endblock"u8), Id = name.Id };
        SkipName(_names[name.Id]);
        return Done(node);
    }

    private Node ParsePrint(int line)
    {
        var body = new Node(NodeKind.Body, line);
        Node[] items = [];
        var count = 0;
        while (Kind is not (TokenKind.BlockEnd or TokenKind.End))
        {
            if (count > 0)
            {
                Expect(TokenKind.Comma, "','");
            }

            Append(ref items, ref count, Done(new Node(NodeKind.Output, line) { A = ParseExpression() }));
        }

        body.Items = Trimmed(items, count);
        return Done(body);
    }
}
