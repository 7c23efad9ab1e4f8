namespace Epp.Native;

/// <summary>Which peer the configuration's <c>apiVersion</c> asks for; every difference between the two hangs on this type.</summary>
public enum Dialect
{
    /// <summary>llm-d router: <c>llm-d.ai/v1alpha1</c>, and the default without a configuration.</summary>
    LlmD = 0,

    /// <summary>Gateway API Inference Extension: <c>inference.networking.x-k8s.io/v1alpha1</c>.</summary>
    Gaie,
}
