namespace Epp.Native.Templates.Parsing;

/// <summary>
/// jinja2 decides when it compiles where a name is looked for. A frame (the template, a turn of a loop, a macro, a block) that sets a name
/// without reading it before owns it from its start: what reads it inside of the frame before it is set finds it undefined, not the
/// variable of that name in the context. Notes the names of each frame that are to be undefined at its start: <see cref="Node.Unset"/>.
/// </summary>
internal sealed class FrameNames(int names)
{
    // What a frame knows of a name: nothing, that it is read from outside or given, that it is its own.
    private const byte Unknown = 0, Outside = 1, Own = 2;

    private readonly byte[] _states = new byte[names];
    private readonly bool[] _stored = new bool[names];

    // In how many frames around the one at hand the name is known.
    private readonly int[] _outer = new int[names];
    private readonly bool[] _readInside = new bool[names];
    private readonly int[] _branches = new int[names];
    private List<NameChange> _changes = [];
    private bool _hasBlocks;

    /// <summary>Goes through a template that the parser accepted.</summary>
    public void Note(Node root)
    {
        Frame(root, Node.NoItems, Node.NoItems, root);
        if (_hasBlocks)
        {
            // A block reads what the template has set so far, and else the context.
            root.Unset = [];
        }
    }

    // A frame's parameters, what it reads before its body, and the body, which holds the frames inside of it.
    private void Frame(Node body, Node[] parameters, Node[] read, Node owner)
    {
        foreach (var parameter in parameters)
        {
            Declare(parameter);
        }

        foreach (var node in read)
        {
            Visit(node);
        }

        if (owner.Kind == NodeKind.With)
        {
            for (var i = 0; i < owner.Items.Length; i += 2)
            {
                Store(owner.Items[i]);
            }
        }

        Visit(body);
        var known = _changes;
        _changes = [];
        foreach (var change in known)
        {
            _outer[change.Name] += _states[change.Name] == Unknown ? 0 : 1;
        }

        var states = known.ConvertAll(change => change with { State = _states[change.Name] });
        foreach (var change in known)
        {
            (_states[change.Name], _stored[change.Name]) = (Unknown, false);
        }

        Inner(body);
        foreach (var change in states)
        {
            _outer[change.Name] -= change.State == Unknown ? 0 : 1;
        }

        body.Unset = [.. states.FindAll(change => change.State == Own && _readInside[change.Name]).ConvertAll(static change => change.Name)];
    }

    private void Inner(Node node)
    {
        switch (node.Kind)
        {
            case NodeKind.Body or NodeKind.If:
                foreach (var item in node.Items)
                {
                    Inner(item);
                }

                break;
            case NodeKind.For:
                Frame(node.Items[0], [node.A!], Node.NoItems, node);
                if (node.D is { } otherwise)
                {
                    Frame(otherwise, Node.NoItems, Node.NoItems, node);
                }

                break;
            case NodeKind.Macro:
                Frame(node.A!, node.Items, node.Call!.Positional, node);
                break;
            case NodeKind.CallBlock:
                Inner(node.B!);
                break;
            case NodeKind.FilterBlock:
                Frame(node.B!, Node.NoItems, Node.NoItems, node);
                break;
            case NodeKind.SetBlock:
                Frame(node.C!, Node.NoItems, Node.NoItems, node);
                break;
            case NodeKind.With or NodeKind.Scope or NodeKind.Block:
                _hasBlocks |= node.Kind == NodeKind.Block;
                Frame(node.A!, Node.NoItems, Node.NoItems, node);
                break;
        }
    }

    private void Declare(Node target)
    {
        if (target.Kind == NodeKind.Name)
        {
            Change(target.Id, Outside, stores: true);
            return;
        }

        foreach (var item in target.Items)
        {
            Declare(item);
        }
    }

    private void Store(Node target)
    {
        switch (target.Kind)
        {
            case NodeKind.Name:
                Change(target.Id, _states[target.Id] != Unknown ? Unknown : _outer[target.Id] > 0 ? Outside : Own, stores: true);
                break;
            case NodeKind.NamespaceTarget:
                Visit(target.A);
                break;
            default:
                foreach (var item in target.Items)
                {
                    Store(item);
                }

                break;
        }
    }

    // Notes a change of this frame, or of the branch at hand.
    private void Change(int name, byte state, bool stores)
    {
        stores &= !_stored[name];
        if (state != Unknown || stores)
        {
            _changes.Add(new NameChange(name, state, stores));
            _states[name] = state == Unknown ? _states[name] : state;
            _stored[name] |= stores;
        }
    }

    private void Visit(Node? node)
    {
        switch (node?.Kind)
        {
            case null or NodeKind.Block or NodeKind.Scope:
                break;
            case NodeKind.Name when _states[node.Id] == Unknown:
                _readInside[node.Id] |= _outer[node.Id] > 0;
                if (_outer[node.Id] == 0)
                {
                    Change(node.Id, Outside, stores: false);
                }

                break;
            case NodeKind.Set:
                Visit(node.B);
                Store(node.A!);
                break;
            case NodeKind.SetBlock:
                Store(node.A!);
                break;
            case NodeKind.Macro:
                Store(node.B!);
                break;
            case NodeKind.CallBlock or NodeKind.FilterBlock:
                Visit(node.A);
                break;
            case NodeKind.For:
                Visit(node.B);
                break;
            case NodeKind.With:
                for (var i = 1; i < node.Items.Length; i += 2)
                {
                    Visit(node.Items[i]);
                }

                break;
            case NodeKind.If:
                VisitIf(node.Items);
                break;
            default:
                Children(node);
                break;
        }
    }

    private void Children(Node node)
    {
        Visit(node.A);
        Visit(node.B);
        Visit(node.C);
        Visit(node.D);
        foreach (var item in node.Items)
        {
            Visit(item);
        }

        if (node.Call is { } call)
        {
            Visit(call.Star);
            Visit(call.DoubleStar);
            Array.ForEach(call.Positional, Visit);
            Array.ForEach(call.Named, Visit);
        }
    }

    // Three branches: the body, all of elif one after the other, else. What not all of them set is looked for outside.
    private void VisitIf(Node[] items)
    {
        Visit(items[0]);
        var around = _changes;
        var body = Branch(items[1], Node.NoItems);
        var elseIf = Branch(null, items.Length > 3 ? items[2..(items.Length & ~1)] : Node.NoItems);
        var otherwise = Branch(items.Length % 2 == 1 ? items[^1] : null, Node.NoItems);
        _changes = around;
        Merge([body, elseIf, otherwise]);
    }

    private List<NameChange> Branch(Node? body, Node[] elseIf)
    {
        _changes = [];
        Visit(body);
        for (var i = 0; i < elseIf.Length; i += 2)
        {
            VisitIf([elseIf[i], elseIf[i + 1]]);
        }

        foreach (var change in _changes)
        {
            _states[change.Name] = change.State == Unknown ? _states[change.Name] : Unknown;
            _stored[change.Name] &= !change.Stores;
        }

        return _changes;
    }

    private void Merge(List<NameChange>[] branches)
    {
        foreach (var branch in branches)
        {
            foreach (var change in branch)
            {
                _branches[change.Name] += change.Stores ? 1 : 0;
            }
        }

        foreach (var branch in branches)
        {
            foreach (var change in branch)
            {
                var isPartial = _branches[change.Name] is > 0 and < 3;
                Change(change.Name, change.State == Own && isPartial ? Outside : change.State, change.Stores);
            }
        }

        foreach (var branch in branches)
        {
            foreach (var change in branch)
            {
                _branches[change.Name] = 0;
            }
        }
    }

    // What a frame or a branch found out about a name, and whether it sets it.
    private readonly record struct NameChange(int Name, byte State, bool Stores);
}
