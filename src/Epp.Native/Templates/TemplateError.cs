namespace Epp.Native.Templates;

/// <summary>Why a template was refused or did not render.</summary>
public enum TemplateErrorKind
{
    /// <summary>No error.</summary>
    None,

    /// <summary>The template is not valid, or uses something unsupported; the message names it.</summary>
    Syntax,

    /// <summary>The context is not one valid JSON object.</summary>
    InvalidContext,

    /// <summary>The template called <c>raise_exception</c>; the message is its argument.</summary>
    RaiseException,

    /// <summary>Something was done with an undefined value.</summary>
    Undefined,

    /// <summary>An operation does not fit the type or value of its operands (TypeError, ValueError, ...).</summary>
    Type,

    /// <summary>The sandbox forbids it: a method that changes a list or dict.</summary>
    Security,

    /// <summary>More than <see cref="TemplateLimits.MaxSteps"/>.</summary>
    StepLimit,

    /// <summary>More than <see cref="TemplateLimits.MaxOutputBytes"/>.</summary>
    OutputLimit,

    /// <summary>More than <see cref="TemplateLimits.MaxWorkBytes"/> of values in between.</summary>
    MemoryLimit,

    /// <summary>Macros, loops or values nested too deep.</summary>
    DepthLimit,
}

/// <summary>The outcome of reading or rendering a template; the default value means success.</summary>
/// <param name="Kind">What went wrong.</param>
/// <param name="Message">For people, or the template's own text after <c>raise_exception</c>; null without error.</param>
/// <param name="Line">Line in the template, from 1; 0 = unknown.</param>
public readonly record struct TemplateError(TemplateErrorKind Kind, string? Message = null, int Line = 0);
