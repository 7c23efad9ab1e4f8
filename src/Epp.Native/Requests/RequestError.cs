namespace Epp.Native.Requests;

/// <summary>Why a body is refused with 400; the text is <see cref="RequestScanner.ErrorMessage"/>.</summary>
public enum RequestError
{
    None = 0,

    /// <summary>Not JSON, nested deeper than <see cref="RequestScanner.MaxDepth"/>, or not an object.</summary>
    InvalidJson,

    /// <summary>A required field is missing, empty or of the wrong type.</summary>
    InvalidRequest,

    /// <summary>GAIE dialect: <c>model</c> is not a string. In the llm-d dialect the caller decides, because a rewrite may supply it.</summary>
    ModelNotFound,
}
