using System.Globalization;

namespace Epp.Aot.Configuration;

/// <summary>
/// Reads the keys of one map. Each getter takes a key's value or the default where the key is absent or null, and reports a wrong type;
/// <see cref="End"/> reports keys nobody asked for.
/// </summary>
internal sealed class MapReader(YamlNode map, string path, Problems problems)
{
    private readonly HashSet<string> _known = new(StringComparer.Ordinal);

    public YamlNode Node => map;

    public string Path => path;

    public Problems Problems => problems;

    /// <summary>A reader of a map, or null after the error where the value is something else; absent and null are an empty map.</summary>
    public static MapReader? Of(YamlNode? node, string path, Problems problems)
    {
        if (node is null || node.IsNull)
        {
            return new MapReader(new YamlNode(YamlKind.Map, node?.Line ?? 0, node?.Column ?? 0), path, problems);
        }

        if (node.Kind == YamlKind.Map)
        {
            return new MapReader(node, path, problems);
        }

        problems.Error(node, path, $"found {node.Describe()}, expected a map of keys");
        return null;
    }

    public string PathOf(string key) => path.Length == 0 ? key : $"{path}.{key}";

    /// <summary>The value of a key; null where absent or null.</summary>
    public YamlNode? Value(string key)
    {
        _known.Add(key);
        foreach (var (k, value) in map.Entries)
        {
            if (k.Text == key)
            {
                return value.IsNull ? null : value;
            }
        }

        return null;
    }

    /// <summary>Numbers and booleans are taken as text, as the references do.</summary>
    public string? Text(string key)
    {
        var value = Value(key);
        return value is null ? null : value.Kind == YamlKind.Scalar ? value.Text : Wrong<string?>(key, value, "a string", null);
    }

    /// <summary>A string that must be there and not be empty.</summary>
    public string? RequiredText(string key, string what)
    {
        var text = Text(key);
        if (string.IsNullOrEmpty(text) && Value(key) is null or { Kind: YamlKind.Scalar })
        {
            problems.Error(Value(key) ?? map, PathOf(key), $"is missing or empty; expected {what}");
            return null;
        }

        return text;
    }

    public bool Bool(string key, bool otherwise)
    {
        var value = Value(key);
        return value switch
        {
            null => otherwise,
            { Kind: YamlKind.Scalar, IsPlain: true, Text: "true" or "True" or "TRUE" or "yes" or "Yes" or "on" or "On" } => true,
            { Kind: YamlKind.Scalar, IsPlain: true, Text: "false" or "False" or "FALSE" or "no" or "No" or "off" or "Off" } => false,
            _ => Wrong(key, value, "true or false", otherwise),
        };
    }

    public int Int(string key, int otherwise, int min = int.MinValue, int max = int.MaxValue)
    {
        var value = Value(key);
        if (value is null)
        {
            return otherwise;
        }

        if (value is { Kind: YamlKind.Scalar, IsPlain: true }
            && int.TryParse(value.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            && number >= min && number <= max)
        {
            return number;
        }

        var range = min == int.MinValue && max == int.MaxValue ? "" : max == int.MaxValue ? $" of at least {min}" : $" from {min} to {max}";
        return Wrong(key, value, "a whole number" + range, otherwise);
    }

    /// <summary>A finite number.</summary>
    public double Number(string key, double otherwise, double min = double.MinValue, double max = double.MaxValue)
    {
        var value = Value(key);
        if (value is null)
        {
            return otherwise;
        }

        if (value is { Kind: YamlKind.Scalar, IsPlain: true }
            && double.TryParse(value.Text, NumberStyles.Float, CultureInfo.InvariantCulture, out var number)
            && double.IsFinite(number) && number >= min && number <= max)
        {
            return number;
        }

        var range = min == double.MinValue ? "" : string.Create(CultureInfo.InvariantCulture, $" from {min} to {max}");
        return Wrong(key, value, "a number" + range, otherwise);
    }

    public TimeSpan? Duration(string key)
    {
        var value = Value(key);
        if (value is null)
        {
            return null;
        }

        return value.Kind == YamlKind.Scalar && GoDuration.TryParse(value.Text, out var duration) && duration >= TimeSpan.Zero
            ? duration
            : Wrong<TimeSpan?>(key, value, "a duration such as 50ms or 2s", null);
    }

    /// <summary>A Kubernetes quantity: <c>50</c>, <c>2k</c>, <c>512Mi</c>.</summary>
    public long? Quantity(string key)
    {
        var value = Value(key);
        if (value is null)
        {
            return null;
        }

        return value.Kind == YamlKind.Scalar && value.Text is [.., not ('B' or 'b')] && Cli.ByteQuantity.TryParse(value.Text, out var quantity)
            ? quantity
            : Wrong<long?>(key, value, "a quantity such as 50, 2k or 512Mi", null);
    }

    public MapReader? Map(string key) => Of(Value(key), PathOf(key), problems);

    /// <summary>The items of a list with their paths; none where absent.</summary>
    public IEnumerable<(YamlNode Node, string Path)> List(string key)
    {
        var value = Value(key);
        if (value is not { Kind: YamlKind.List })
        {
            if (value is not null)
            {
                Wrong(key, value, "a list", 0);
            }

            yield break;
        }

        for (var i = 0; i < value.Items.Count; i++)
        {
            yield return (value.Items[i], $"{PathOf(key)}[{i}]");
        }
    }

    /// <summary>The items of a list of maps.</summary>
    public IEnumerable<MapReader> Maps(string key)
    {
        foreach (var (node, itemPath) in List(key))
        {
            if (Of(node, itemPath, problems) is { } item)
            {
                yield return item;
            }
        }
    }

    /// <summary>Reports the keys nobody asked for: errors, or warnings where the format ignores them.</summary>
    public void End(bool strict = true, Func<string, string>? hint = null)
    {
        foreach (var (key, _) in map.Entries)
        {
            if (_known.Contains(key.Text))
            {
                continue;
            }

            var more = hint?.Invoke(key.Text) is { Length: > 0 } special ? special : Names.Suggest(key.Text, _known);
            var expected = _known.Count == 0 ? "no keys are expected here" : $"expected one of {string.Join(", ", _known.Order())}";
            if (strict)
            {
                problems.Error(key, PathOf(key.Text), $"unknown key{more}; {expected}".Replace("?;", "?", StringComparison.Ordinal));
            }
            else
            {
                problems.Warn(key, PathOf(key.Text), $"unknown key is ignored{more}");
            }
        }
    }

    private T Wrong<T>(string key, YamlNode value, string expected, T otherwise)
    {
        problems.Error(value, PathOf(key), $"found {value.Describe()}, expected {expected}");
        return otherwise;
    }
}
