using Epp.Native.Templates.Rendering;

namespace Epp.Native.Templates.Parsing;

/// <summary>
/// Reads tokens into a tree, with jinja2's grammar. Errors are kept, not thrown: the first one moves the parser to the end, where every
/// loop stops.
/// </summary>
internal sealed partial class TemplateParser(byte[] source, Token[] tokens, FlavourRules rules)
{
    /// <summary>Greatest height of the tree, so that walking it needs little stack. The templates seen stay below 40.</summary>
    private const int MaxHeight = 150;

    /// <summary>Deepest recursion of the parser itself: brackets, conditions and blocks inside each other.</summary>
    private const int MaxNesting = 60;

    /// <summary>Names of variables; the templates seen have up to 60.</summary>
    private const int MaxNames = 2048;

    /// <summary>Arguments of one call, parameters of a macro, comparisons in a row.</summary>
    private const int MaxArguments = 255;

    private readonly byte[] _source = source;
    private readonly Token[] _tokens = tokens;
    private readonly FlavourRules _rules = rules;
    private byte[][] _names = new byte[32][];
    private int _nameCount;
    private int _at;
    private int _nesting;

    /// <summary>The first error; null = none.</summary>
    public string? Error { get; private set; }

    public int ErrorLine { get; private set; }

    /// <summary>Names of variables by number.</summary>
    public byte[][] Names => _names.AsSpan(0, _nameCount).ToArray();

    private Token Current => _tokens[_at];

    private TokenKind Kind => _tokens[_at].Kind;

    private TokenKind NextKind => _tokens[Math.Min(_at + 1, _tokens.Length - 1)].Kind;

    private int Line => _tokens[_at].Line;

    /// <summary>The whole template.</summary>
    public Node Parse()
    {
        // Numbers of the names that the renderer itself sets.
        Intern("loop"u8);
        Intern("caller"u8);
        Intern("varargs"u8);
        Intern("kwargs"u8);
        return ParseBody(default, default, default);
    }

    private ReadOnlySpan<byte> Text(Token token) => _source.AsSpan(token.Start, token.Length);

    private bool IsName(ReadOnlySpan<byte> name) => Kind == TokenKind.Name && Text(Current).SequenceEqual(name);

    private bool SkipName(ReadOnlySpan<byte> name)
    {
        var found = IsName(name);
        _at += found ? 1 : 0;
        return found;
    }

    private bool Skip(TokenKind kind)
    {
        var found = Kind == kind;
        _at += found && kind != TokenKind.End ? 1 : 0;
        return found;
    }

    private void Expect(TokenKind kind, string what)
    {
        if (!Skip(kind))
        {
            Fail($"expected {what}");
        }
    }

    private void ExpectName(ReadOnlySpan<byte> name, string what)
    {
        if (!SkipName(name))
        {
            Fail($"expected '{what}'");
        }
    }

    private Node Fail(string message, int line = 0)
    {
        if (Error is null)
        {
            Error = message;
            ErrorLine = line == 0 ? Line : line;
        }

        _at = _tokens.Length - 1;
        return new Node(NodeKind.Const, 1);
    }

    private int Intern(ReadOnlySpan<byte> name)
    {
        for (var i = 0; i < _nameCount; i++)
        {
            if (name.SequenceEqual(_names[i]))
            {
                return i;
            }
        }

        if (_nameCount == MaxNames)
        {
            Fail($"more than {MaxNames} names of variables");
            return 0;
        }

        if (_nameCount == _names.Length)
        {
            Array.Resize(ref _names, _nameCount * 2);
        }

        _names[_nameCount] = name.ToArray();
        return _nameCount++;
    }

    private bool Enter()
    {
        if (++_nesting > MaxNesting)
        {
            Fail("nested too deep");
            return false;
        }

        return true;
    }

    /// <summary>Checks the height of a node whose children are set.</summary>
    private Node Done(Node node)
    {
        var height = 0;
        Measure(node.A, ref height);
        Measure(node.B, ref height);
        Measure(node.C, ref height);
        Measure(node.D, ref height);
        foreach (var item in node.Items)
        {
            Measure(item, ref height);
        }

        if (node.Call is { } call)
        {
            Measure(call.Star, ref height);
            Measure(call.DoubleStar, ref height);
            foreach (var item in call.Positional)
            {
                Measure(item, ref height);
            }

            foreach (var item in call.Named)
            {
                Measure(item, ref height);
            }
        }

        node.Height = height + 1;
        return height >= MaxHeight ? Fail("nested too deep", node.Line) : node;
    }

    private static void Measure(Node? node, ref int height) => height = Math.Max(height, node?.Height ?? 0);

    private static void Append(ref Node[] items, ref int count, Node item)
    {
        if (count == items.Length)
        {
            Array.Resize(ref items, Math.Max(4, count * 2));
        }

        items[count++] = item;
    }

    private static Node[] Trimmed(Node[] items, int count) => count == 0 ? Node.NoItems : items.AsSpan(0, count).ToArray();
}
