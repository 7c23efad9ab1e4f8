namespace Epp.Native.Objectives;

/// <summary>
/// Objectives and model rewrites in force. A source of objects replaces them whole; requests read them without a lock and see either
/// the old set or the new one.
/// </summary>
public sealed class ObjectiveStore
{
    private volatile IReadOnlyList<InferenceObjective> _objectives = [];
    private volatile IReadOnlyList<InferenceModelRewrite> _rewrites = [];

    /// <summary>Objectives of this pool, in no order.</summary>
    public IReadOnlyList<InferenceObjective> Objectives => _objectives;

    /// <summary>Rewrites of this pool, in no order.</summary>
    public IReadOnlyList<InferenceModelRewrite> Rewrites => _rewrites;

    /// <summary>Replaces all objectives.</summary>
    public void SetObjectives(IReadOnlyList<InferenceObjective> objectives) => _objectives = objectives;

    /// <summary>Replaces all rewrites.</summary>
    public void SetRewrites(IReadOnlyList<InferenceModelRewrite> rewrites) => _rewrites = rewrites;
}
