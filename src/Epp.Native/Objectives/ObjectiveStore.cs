using System.Text;
using Epp.Native.Scheduling;

namespace Epp.Native.Objectives;

/// <summary>
/// Objectives and model rewrites in force. A source of objects replaces them whole; requests read them without a lock and see either
/// the old set or the new one. Lookups allocate nothing.
/// </summary>
public sealed class ObjectiveStore
{
    private volatile IReadOnlyList<InferenceObjective> _objectives = [];
    private volatile IReadOnlyList<InferenceModelRewrite> _rewrites = [];
    private volatile Utf8Table<int> _priorities = new([]);
    private volatile RewriteTable _rewriteTable = new([]);

    /// <summary>Called with the new rewrites after each <see cref="SetRewrites"/>.</summary>
    public event Action<IReadOnlyList<InferenceModelRewrite>>? RewritesChanged;

    /// <summary>Objectives of this pool, in no order.</summary>
    public IReadOnlyList<InferenceObjective> Objectives => _objectives;

    /// <summary>Rewrites of this pool; the order counts for objects made in the same second only.</summary>
    public IReadOnlyList<InferenceModelRewrite> Rewrites => _rewrites;

    /// <summary>Replaces all objectives.</summary>
    public void SetObjectives(IReadOnlyList<InferenceObjective> objectives)
    {
        _priorities = new Utf8Table<int>(objectives.ToList().ConvertAll(o => (Encoding.UTF8.GetBytes(o.Name), o.Priority)));
        _objectives = objectives;
    }

    /// <summary>Replaces all rewrites.</summary>
    public void SetRewrites(IReadOnlyList<InferenceModelRewrite> rewrites)
    {
        _rewriteTable = new RewriteTable(rewrites);
        _rewrites = rewrites;
        RewritesChanged?.Invoke(rewrites);
    }

    /// <summary>Priority of an objective; 0 where none has the name.</summary>
    public int Priority(ReadOnlySpan<byte> name) => !name.IsEmpty && _priorities.TryGet(name, out var priority) ? priority : 0;

    /// <summary>The target for a model by the rewrites in force; false where no rule applies. A generic rule applies to a missing model too.</summary>
    public bool TryRewrite(ReadOnlySpan<byte> model, ref RandomSource random, out RewriteChoice choice) =>
        _rewriteTable.TryChoose(model, ref random, out choice);
}
