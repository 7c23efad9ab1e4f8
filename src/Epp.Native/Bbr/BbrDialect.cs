namespace Epp.Native.Bbr;

/// <summary>Which body-based router is replaced; every difference between the two hangs on this type (contract §9.3).</summary>
public enum BbrDialect
{
    /// <summary>GAIE v1.2: one header, a stream error for a body it cannot read.</summary>
    Gaie12 = 0,

    /// <summary>GAIE v1.5: plugins, base models from ConfigMaps, an answer of 400 for a body it cannot read.</summary>
    Gaie15,
}
