using Epp.Native.Templates.Parsing;

namespace Epp.Native.Templates;

/// <summary>
/// vLLM's guess at the content format: openai where the template loops over <c>message['content']</c> for a <c>message</c> from
/// <c>messages</c>, or from a variable that is <c>messages</c>, possibly filtered, tested or sliced. A tuple or an attribute as target of
/// such an assignment or loop ends the search with string.
/// </summary>
internal sealed class ContentFormatDetector(byte[][] names)
{
    private readonly byte[][] _names = names;
    private readonly List<Node> _assignments = [];
    private readonly List<Node> _loops = [];

    public static ContentFormat Detect(Node root, byte[][] names)
    {
        var detector = new ContentFormatDetector(names);
        detector.Collect(root);
        return detector.LoopsOverContent() ? ContentFormat.OpenAi : ContentFormat.Text;
    }

    private bool LoopsOverContent()
    {
        var messages = Array.FindIndex(_names, name => name.AsSpan().SequenceEqual("messages"u8));
        if (messages < 0)
        {
            return false;
        }

        var isMessages = new bool[_names.Length];
        var isMessage = new bool[_names.Length];
        isMessages[messages] = true;
        return Follow(messages, isMessages) && Targets(isMessages, isMessage) && HasContentLoop(isMessage);
    }

    /// <summary>Marks names that are assigned from marked ones; false where something else than a name is.</summary>
    private bool Follow(int first, bool[] marked)
    {
        var queue = new int[_names.Length];
        queue[0] = first;
        for (int at = 0, end = 1; at < end; at++)
        {
            foreach (var assignment in _assignments)
            {
                if (!IsAccess(assignment.B!, queue[at], default))
                {
                    continue;
                }

                if (assignment.A!.Kind != NodeKind.Name)
                {
                    return false;
                }

                if (!marked[assignment.A.Id])
                {
                    marked[assignment.A.Id] = true;
                    queue[end++] = assignment.A.Id;
                }
            }
        }

        return true;
    }

    private bool Targets(bool[] iterated, bool[] targets)
    {
        foreach (var loop in _loops)
        {
            if (!IsAccess(loop.B!, iterated, default))
            {
                continue;
            }

            if (loop.A!.Kind != NodeKind.Name)
            {
                return false;
            }

            targets[loop.A.Id] = true;
        }

        return true;
    }

    private bool HasContentLoop(bool[] isMessage)
    {
        foreach (var loop in _loops)
        {
            if (IsAccess(loop.B!, isMessage, "content"u8))
            {
                return loop.A!.Kind == NodeKind.Name;
            }
        }

        return false;
    }

    private static bool IsAccess(Node node, int name, ReadOnlySpan<byte> key)
    {
        node = Unwrap(node, key, out var found);
        return found && node.Id == name;
    }

    private static bool IsAccess(Node node, bool[] names, ReadOnlySpan<byte> key)
    {
        node = Unwrap(node, key, out var found);
        return found && names[node.Id];
    }

    /// <summary>The name below filters, tests, slices and the key.</summary>
    private static Node Unwrap(Node node, ReadOnlySpan<byte> key, out bool found)
    {
        while (node.A is { } inner && (node.Kind is NodeKind.Filter or NodeKind.Test
            || (node.Kind == NodeKind.Element && node.B!.Kind == NodeKind.Slice)))
        {
            node = inner;
        }

        found = node.Kind == NodeKind.Name;
        if (key.IsEmpty)
        {
            return node;
        }

        var isKey = (node.Kind == NodeKind.Attribute && node.Constant.Is(key))
            || (node.Kind == NodeKind.Element && node.B!.Kind == NodeKind.Const && node.B.Constant.Is(key));
        found = isKey && node.A!.Kind == NodeKind.Name;
        return node.A ?? node;
    }

    private void Collect(Node? node)
    {
        if (node is null)
        {
            return;
        }

        if (node.Kind == NodeKind.Set)
        {
            _assignments.Add(node);
        }
        else if (node.Kind == NodeKind.For)
        {
            _loops.Add(node);
        }

        foreach (var item in node.Items)
        {
            Collect(item);
        }

        Collect(node.A);
        Collect(node.B);
        Collect(node.C);
        Collect(node.D);
    }
}
