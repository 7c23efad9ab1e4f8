namespace Epp.Native.Objectives;

/// <summary>Rules that send requests for one model to others (InferenceModelRewrite v1alpha2, contract §3.4 and §6.4).</summary>
/// <param name="Name">The object's name, a metric label.</param>
/// <param name="Created">Creation time: on equal precision the oldest object wins.</param>
/// <param name="Rules">In the object's order.</param>
public sealed record InferenceModelRewrite(string Name, DateTimeOffset Created, IReadOnlyList<ModelRewriteRule> Rules);

/// <summary>One rule of an <see cref="InferenceModelRewrite"/>.</summary>
/// <param name="Models">Model names matched exactly; empty = any model.</param>
/// <param name="Targets">Where the request goes, by weight.</param>
public sealed record ModelRewriteRule(IReadOnlyList<string> Models, IReadOnlyList<ModelRewriteTarget> Targets);

/// <summary>One target of a <see cref="ModelRewriteRule"/>.</summary>
/// <param name="Model">The model name the worker gets.</param>
/// <param name="Weight">Share of the traffic, 1..1,000,000; null = none stated.</param>
public sealed record ModelRewriteTarget(string Model, int? Weight);
