using System.Diagnostics.CodeAnalysis;
using System.Text;

namespace Epp.Native.Wire;

/// <summary>
/// Which series of an exposition hold one reading: <c>name</c> or <c>name{label=value,other="value"}</c> (contract §8). A series matches
/// when it has the name and every listed label with the listed value; it may have more. Immutable; safe to share.
/// </summary>
public sealed class PrometheusTextSelector
{
    /// <summary>Most label conditions of one selector: one bit each while a series is matched.</summary>
    public const int MaxLabels = 16;

    private readonly byte[] _name;

    private PrometheusTextSelector(byte[] name, (byte[] Name, byte[] Value)[] labels)
    {
        _name = name;
        Labels = labels;
    }

    /// <summary>Name of the family, UTF-8.</summary>
    public ReadOnlySpan<byte> Name => _name;

    internal (byte[] Name, byte[] Value)[] Labels { get; }

    /// <summary>A copy that asks another family for the same labels.</summary>
    public PrometheusTextSelector WithName(string name) => new(Encoding.UTF8.GetBytes(name), Labels);

    /// <summary>A selector written in code; throws <see cref="FormatException"/> where the text is not one.</summary>
    public static PrometheusTextSelector Parse(string text) =>
        TryParse(text, out var selector, out var error) ? selector : throw new FormatException(error);

    /// <summary>Reads the grammar above; spaces around names, values and separators are allowed, quotes are optional.</summary>
    /// <param name="text">What the configuration holds.</param>
    /// <param name="selector">Null on failure.</param>
    /// <param name="error">What was found, what was expected; empty on success.</param>
    public static bool TryParse(string text, [NotNullWhen(true)] out PrometheusTextSelector? selector, out string error)
    {
        selector = null;
        error = "";
        var trimmed = text.AsSpan().Trim();
        var brace = trimmed.IndexOf('{');
        var name = (brace < 0 ? trimmed : trimmed[..brace]).TrimEnd();
        if (!IsMetricName(name))
        {
            error = $"metric '{text}': the name must match [a-zA-Z_:][a-zA-Z0-9_:]*";
            return false;
        }

        var labels = new List<(byte[], byte[])>();
        if (brace >= 0 && !TryParseLabels(trimmed[(brace + 1)..], labels, out error))
        {
            error = $"metric '{text}': {error}";
            return false;
        }

        selector = new PrometheusTextSelector(Encoding.UTF8.GetBytes(name.ToString()), [.. labels]);
        return true;
    }

    private static bool TryParseLabels(ReadOnlySpan<char> rest, List<(byte[], byte[])> labels, out string error)
    {
        error = "";
        rest = rest.TrimStart();
        while (!rest.StartsWith("}"))
        {
            var equals = rest.IndexOf('=');
            if (equals < 0 || !IsLabelName(rest[..equals].Trim()))
            {
                error = "expected label=value pairs closed by '}'";
                return false;
            }

            var label = rest[..equals].Trim().ToString();
            rest = rest[(equals + 1)..].TrimStart();
            if (!TryTakeValue(ref rest, out var value, out error))
            {
                return false;
            }

            if (labels.Count == MaxLabels)
            {
                error = $"more than {MaxLabels} labels";
                return false;
            }

            labels.Add((Encoding.UTF8.GetBytes(label), Encoding.UTF8.GetBytes(value)));
            rest = rest.TrimStart();
            if (rest.StartsWith(","))
            {
                rest = rest[1..].TrimStart();
            }
            else if (!rest.StartsWith("}"))
            {
                error = $"expected ',' or '}}' after label {label}";
                return false;
            }
        }

        if (!rest[1..].Trim().IsEmpty)
        {
            error = "text after '}'";
            return false;
        }

        return true;
    }

    private static bool TryTakeValue(ref ReadOnlySpan<char> rest, out string value, out string error)
    {
        error = "";
        if (!rest.StartsWith("\""))
        {
            var stop = rest.IndexOfAny(',', '}');
            value = (stop < 0 ? rest : rest[..stop]).Trim().ToString();
            rest = stop < 0 ? default : rest[stop..];
            error = stop < 0 ? "the label list is not closed by '}'" : "";
            return stop >= 0;
        }

        var text = new StringBuilder();
        for (var i = 1; i < rest.Length; i++)
        {
            var c = rest[i];
            if (c == '"')
            {
                value = text.ToString();
                rest = rest[(i + 1)..];
                return true;
            }

            if (c == '\\' && i + 1 < rest.Length)
            {
                c = rest[++i] == 'n' ? '\n' : rest[i];
            }

            text.Append(c);
        }

        value = "";
        error = "a quoted value is not closed";
        return false;
    }

    private static bool IsMetricName(ReadOnlySpan<char> name) => IsName(name, colon: true);

    private static bool IsLabelName(ReadOnlySpan<char> name) => IsName(name, colon: false);

    private static bool IsName(ReadOnlySpan<char> name, bool colon)
    {
        foreach (var c in name)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c != '_' && !(colon && c == ':'))
            {
                return false;
            }
        }

        return !name.IsEmpty && !char.IsAsciiDigit(name[0]);
    }
}
