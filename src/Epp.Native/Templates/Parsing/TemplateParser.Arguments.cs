using Epp.Native.Templates.Rendering;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Parsing;

/// <summary>Arguments of calls.</summary>
internal sealed partial class TemplateParser
{
    private CallArguments ParseArguments()
    {
        if (!Enter())
        {
            return CallArguments.Empty;
        }

        Expect(TokenKind.LeftParen, "'('");
        Node[] positional = [], named = [];
        Value[] names = [];
        int count = 0, namedCount = 0;
        Node? star = null, doubleStar = null;
        var needsComma = false;
        while (Kind is not (TokenKind.RightParen or TokenKind.End))
        {
            if (needsComma)
            {
                Expect(TokenKind.Comma, "','");
                if (Kind == TokenKind.RightParen)
                {
                    break;
                }
            }

            needsComma = true;
            if (count + namedCount == MaxArguments)
            {
                Fail("too many arguments");
            }

            var isFirst = star is null && doubleStar is null;
            if (Kind == TokenKind.Multiply && isFirst)
            {
                _at++;
                star = ParseExpression();
            }
            else if (Kind == TokenKind.Power && doubleStar is null)
            {
                _at++;
                doubleStar = ParseExpression();
            }
            else if (Kind == TokenKind.Name && NextKind == TokenKind.Assign && doubleStar is null)
            {
                Array.Resize(ref names, namedCount + 1);
                names[namedCount] = Value.Text(Text(Current).ToArray());
                _at += 2;
                Append(ref named, ref namedCount, ParseExpression());
            }
            else if (isFirst && namedCount == 0)
            {
                Append(ref positional, ref count, ParseExpression());
            }
            else
            {
                Fail("invalid arguments of a call");
            }
        }

        Expect(TokenKind.RightParen, "')'");
        _nesting--;
        return new CallArguments
        {
            Positional = Trimmed(positional, count),
            Names = names.AsSpan(0, Math.Min(names.Length, namedCount)).ToArray(),
            Named = Trimmed(named, namedCount),
            Star = star,
            DoubleStar = doubleStar,
        };
    }
}
