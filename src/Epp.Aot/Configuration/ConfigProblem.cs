using System.Globalization;

namespace Epp.Aot.Configuration;

/// <summary>One error or warning about a file.</summary>
/// <param name="Source">File path, or what the text came from.</param>
/// <param name="Line">From 1; 0 = the whole file.</param>
/// <param name="Column">From 1.</param>
/// <param name="Path">Key path, such as <c>plugins[2].parameters.blockSize</c>; may be empty.</param>
/// <param name="Message">What was found and what was expected.</param>
public sealed record ConfigProblem(string Source, int Line, int Column, string Path, string Message)
{
    /// <summary><c>source:line:column: path: message</c>, as editors understand it.</summary>
    public override string ToString()
    {
        var place = Line == 0 ? Source : string.Create(CultureInfo.InvariantCulture, $"{Source}:{Line}:{Column}");
        return Path.Length == 0 ? $"{place}: {Message}" : $"{place}: {Path}: {Message}";
    }
}

/// <summary>Collects the problems of one file; at most <see cref="MaxProblems"/> of each kind.</summary>
internal sealed class Problems(string source)
{
    public const int MaxProblems = 100;

    private readonly List<ConfigProblem> _errors = [];
    private readonly List<ConfigProblem> _warnings = [];

    public IReadOnlyList<ConfigProblem> Errors => _errors;

    public IReadOnlyList<ConfigProblem> Warnings => _warnings;

    public void Error(YamlNode? at, string path, string message) => Add(_errors, at, path, message);

    public void Warn(YamlNode? at, string path, string message) => Add(_warnings, at, path, message);

    public void Error(int line, int column, string message) => _errors.Add(new ConfigProblem(source, line, column, "", message));

    private void Add(List<ConfigProblem> list, YamlNode? at, string path, string message)
    {
        if (list.Count < MaxProblems)
        {
            list.Add(new ConfigProblem(source, at?.Line ?? 0, at?.Column ?? 0, path, message));
        }
    }
}
