using System.Text;
using System.Text.RegularExpressions;

namespace Epp.Native.Tests.Templates;

/// <summary>Compares renderings with recorded ones, and fails once with all that differ.</summary>
internal sealed class Mismatches
{
    private const int Shown = 40;

    private readonly StringBuilder _report = new();
    private int _count;

    public int Checked { get; private set; }

    /// <summary>One rendering: <paramref name="expected"/> is the prompt, null where an error is expected.</summary>
    public void Check(string name, string? expected, Rendering actual, string? expectedError = null)
    {
        Checked++;
        var isEqual = expected is null
            ? actual.Prompt is null && SameException(expectedError, actual)
            : actual.Prompt is not null && WithoutAddresses(expected) == WithoutAddresses(actual.Prompt);
        if (!isEqual)
        {
            Add($"{name}\n  expected: {Show(expected ?? "error " + expectedError)}\n  actual:   {Show(actual.ToString())}");
        }
    }

    public void Add(string mismatch)
    {
        if (_count++ < Shown)
        {
            _report.AppendLine(mismatch);
        }
    }

    public void AssertNone()
    {
        Assert.True(Checked > 0, "nothing was compared");
        Assert.True(_count == 0, $"{_count} of {Checked} differ:\n{_report}");
    }

    /// <summary>What a template raised itself must come out word by word.</summary>
    private static bool SameException(string? expected, Rendering actual)
    {
        const string Raised = "TemplateError: ";
        var isRaised = actual.Error.Kind == Native.Templates.TemplateErrorKind.RaiseException;
        return expected is null || !expected.StartsWith(Raised, StringComparison.Ordinal)
            ? true
            : isRaised && actual.Error.Message!.StartsWith(expected[Raised.Length..], StringComparison.Ordinal);
    }

    private static string WithoutAddresses(string text) => text.Contains(" at 0x", StringComparison.Ordinal)
        ? Regex.Replace(text, " at 0x[0-9a-f]+", " at 0x0")
        : text;

    private static string Show(string text) =>
        (text.Length > 1500 ? text[..1500] + "…" : text).Replace("\n", "\\n", StringComparison.Ordinal);
}
