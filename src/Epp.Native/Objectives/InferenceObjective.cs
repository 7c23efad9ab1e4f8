namespace Epp.Native.Objectives;

/// <summary>What a request class is worth (InferenceObjective v1alpha2, contract §3.8).</summary>
/// <param name="Name">The object's name, which requests name in their objective header.</param>
/// <param name="Priority">Higher goes first; negative = sheddable.</param>
public sealed record InferenceObjective(string Name, int Priority);
