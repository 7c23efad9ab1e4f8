namespace Epp.Native.Pool;

/// <summary>Dense slot of an endpoint in the pool: the index into every column. Stable while the endpoint lives; reused later.</summary>
/// <param name="Value">0 … <see cref="Pool.MaxEndpoints"/> − 1.</param>
public readonly record struct EndpointIndex(ushort Value);
