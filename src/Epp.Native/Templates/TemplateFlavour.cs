namespace Epp.Native.Templates;

/// <summary>Whose template engine a pool's prompts are rendered like.</summary>
public enum TemplateFlavour
{
    /// <summary>Python's jinja2 as transformers sets it up: vLLM and SGLang, every version.</summary>
    Jinja2,

    /// <summary>Dynamo 1.2: minijinja over maps with sorted keys, compact and HTML-escaping <c>tojson</c>.</summary>
    Dynamo12,

    /// <summary>Dynamo 1.4: minijinja with key order kept and <c>tojson</c> in Python's layout.</summary>
    Dynamo14,

    /// <summary>Dynamo 1.6: as 1.4, with <c>True</c>, <c>False</c>, <c>None</c> and floats printed as Python does.</summary>
    Dynamo16,
}
