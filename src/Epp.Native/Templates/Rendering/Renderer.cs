using System.Text;
using Epp.Native.Templates.Parsing;
using Epp.Native.Templates.Values;
using Epp.Native.Templates.Writing;

namespace Epp.Native.Templates.Rendering;

/// <summary>
/// Walks the tree of a template and writes the prompt. A failure is kept, not thrown: the first one takes all remaining steps, so that
/// every loop ends at its next turn, and what is computed until then is thrown away. Reused; not thread-safe.
/// </summary>
internal sealed partial class Renderer
{
    private readonly Arena _arena = new();
    private readonly TextBuffer _out = new();
    private readonly ContextReader _reader;
    private readonly DictBuilder _dicts;
    private FlavourRules _rules = FlavourRules.Of(TemplateFlavour.Jinja2);
    private ChatTemplate _template = null!;
    private Value _context;
    private Value[] _globals = new Value[32];
    private TemplateError _error;
    private long _steps;
    private int _line;
    private int _depth;
    private int _maxDepth;
    private int _maxOutput;
    private long _now;

    public Renderer()
    {
        _reader = new ContextReader(_arena);
        _dicts = new DictBuilder(_arena);
    }

    /// <summary>What was written.</summary>
    public ReadOnlySpan<byte> Output => _out.Written;

    private bool HasFailed => _error.Kind != TemplateErrorKind.None;

    public TemplateError Render(ChatTemplate template, ReadOnlySpan<byte> context, long nowUnixSeconds, in TemplateLimits limits)
    {
        _template = template;
        _rules = template.Rules;
        _error = default;
        _steps = limits.MaxSteps;
        _maxDepth = limits.MaxDepth;
        _maxOutput = limits.MaxOutputBytes;
        _now = nowUnixSeconds;
        _line = 0;
        _depth = 0;
        _top = 0;
        _scopesUsed = 0;
        _loopsUsed = 0;
        _statesUsed = 0;
        _macrosUsed = 0;
        _iteratorsUsed = 0;
        _out.Reset(limits.MaxOutputBytes);
        _arena.Reset(limits.MaxWorkBytes);
        _dicts.Sorts = _rules.SortedKeys;
        if (!_reader.TryRead(context, _rules.SortedKeys, out _context))
        {
            return new TemplateError(TemplateErrorKind.InvalidContext, _reader.Error);
        }

        if (_globals.Length < template.Names.Length)
        {
            _globals = new Value[template.Names.Length * 2];
        }

        _globals.AsSpan().Clear();
        _root = TakeScope(null);
        _scope = _root;
        Unset(template.Root);
        Run(template.Root);
        CheckMemory();
        return _error;
    }

    /// <summary>Takes steps for work that grows with its input; false when none are left.</summary>
    private bool Charge(long work)
    {
        _steps -= work;
        if (_steps > 0)
        {
            return true;
        }

        Fail(TemplateErrorKind.StepLimit, "the template takes more steps than the limit");
        return false;
    }

    private bool ChargeBytes(int bytes) => Charge(1 + (bytes >> 5));

    private void CheckMemory()
    {
        if (_out.Overflowed)
        {
            Fail(TemplateErrorKind.OutputLimit, "the prompt is longer than the limit");
        }
        else if (_arena.IsExhausted)
        {
            Fail(TemplateErrorKind.MemoryLimit, "the template makes more values than the limit");
        }
    }

    /// <summary>Goes one level down; false where the limit or the stack says no.</summary>
    private bool Descend()
    {
        if (++_depth <= _maxDepth && System.Runtime.CompilerServices.RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            return true;
        }

        Fail(TemplateErrorKind.DepthLimit, "macros or loops call each other too deep");
        return false;
    }

    /// <summary>Cuts off what was written since a mark, as text.</summary>
    private Value Cut(int mark, byte flag = 0)
    {
        ChargeBytes(_out.Length - mark);
        var value = _arena.Text(_out.From(mark), flag);
        _out.CutTo(mark);
        if (_out.Overflowed || _arena.IsExhausted)
        {
            CheckMemory();
        }

        return value;
    }

    private Value Text(ReadOnlySpan<byte> text)
    {
        ChargeBytes(text.Length);
        return _arena.Text(text);
    }

    private Value Lookup(Node name)
    {
        for (var scope = _scope; scope is not null; scope = scope.Parent)
        {
            _steps -= scope.Count >> 6;
            if (scope.TryGet(name.Id, out var value))
            {
                return value;
            }
        }

        ref var global = ref _globals[name.Id];
        if (global.IsMissing)
        {
            var at = ValueOrder.IndexOf(_context, _template.Names[name.Id]);
            global = at >= 0 ? _context.Items[at + 1]
                : name.Extra != 0 ? Global((FunctionId)name.Extra)
                : Value.Undefined(_template.Names[name.Id]);
        }

        return global;
    }

    private static Value Global(FunctionId function) =>
        function == FunctionId.Self ? new Value(ValueKind.Self, null, 0) : new Value(ValueKind.Function, null, (long)function);
}
