using System.Runtime.CompilerServices;
using System.Text;
using Epp.Native.Templates.Values;

namespace Epp.Native.Templates.Rendering;

/// <summary>Ends of renderings that do not succeed, and their texts, which are made only where somebody reads them.</summary>
internal sealed partial class Renderer
{
    /// <summary>False: failures have a kind and a line, and no text that would have to be made.</summary>
    public bool Explains { get; set; } = true;

    /// <summary>Keeps the first failure and ends the rendering.</summary>
    private Value Fail(TemplateErrorKind kind, string message)
    {
        if (!HasFailed)
        {
            _error = new TemplateError(kind, message, _line);
        }

        _steps = 0;
        return Value.Failed;
    }

    private Value TypeError(string message) => Fail(TemplateErrorKind.Type, message);

    private Value TypeError([InterpolatedStringHandlerArgument("")] FailureText message) => Fail(TemplateErrorKind.Type, message.ToString());

    private Value FailUndefined(in Value value)
    {
        var kind = value.Cause == Value.Forbidden ? TemplateErrorKind.Security : TemplateErrorKind.Undefined;
        if (!Explains)
        {
            return Fail(kind, "");
        }

        var name = Encoding.UTF8.GetString(value.Span);
        return Fail(kind, value.Cause switch
        {
            Value.OfName => $"'{name}' is undefined",
            Value.Hint => name,
            Value.Forbidden => $"access to attribute '{name}' of '{TypeName(value.Owner)}' object is unsafe.",
            _ => $"'{TypeName(value.Owner)} object' has no attribute '{name}'",
        });
    }

    private static string TypeName(in Value value) => TypeName(value.Kind);

    private static string TypeName(ValueKind kind) => kind switch
    {
        ValueKind.Undefined => "Undefined",
        ValueKind.None => "NoneType",
        ValueKind.Bool => "bool",
        ValueKind.Int or ValueKind.Big => "int",
        ValueKind.Float => "float",
        ValueKind.Text => "str",
        ValueKind.Bytes => "bytes",
        ValueKind.List => "list",
        ValueKind.Tuple => "tuple",
        ValueKind.View => "dict_view",
        ValueKind.Dict => "dict",
        ValueKind.Range => "range",
        ValueKind.Iterator => "generator",
        ValueKind.Namespace => "Namespace",
        ValueKind.Loop => "LoopContext",
        ValueKind.Macro => "Macro",
        _ => "function",
    };
}

/// <summary>The text of a failure, which the compiler calls instead of building a string: nothing is made where nobody reads it.</summary>
[InterpolatedStringHandler]
internal readonly ref struct FailureText
{
    private readonly StringBuilder? _text;

    public FailureText(int literalLength, int formattedCount, Renderer renderer, out bool isWanted)
    {
        isWanted = renderer.Explains && formattedCount >= 0;
        _text = isWanted ? new StringBuilder(literalLength + 16) : null;
    }

    public void AppendLiteral(string text) => _text!.Append(text);

    public void AppendFormatted(string text) => _text!.Append(text);

    public void AppendFormatted(char c) => _text!.Append(c);

    public void AppendFormatted(int number) => _text!.Append(number);

    public override string ToString() => _text?.ToString() ?? "";
}
