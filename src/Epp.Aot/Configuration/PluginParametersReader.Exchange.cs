using Epp.Native;
using Epp.Native.Expressions;

namespace Epp.Aot.Configuration;

/// <content>Parameters of plugins that read headers or report on responses (plugins §5.9, §5.10).</content>
internal sealed partial class PluginParametersReader
{
    private static AgentIdentityParameters Identity(MapReader map)
    {
        var headers = new List<string>();
        foreach (var (node, path) in map.List("additionalSessionHeaders"))
        {
            if (node.Kind == YamlKind.Scalar)
            {
                headers.Add(node.Text);
            }
            else
            {
                map.Problems.Error(node, path, $"found {node.Describe()}, expected the name of a header");
            }
        }

        return new AgentIdentityParameters(headers);
    }

    private PluginParameters Reporter(MapReader map)
    {
        UsageReporterParameters? reporter = null;
        var count = 0;
        foreach (var item in map.Maps("attributes"))
        {
            reporter = Attribute(item);
            count++;
        }

        if (count != 1)
        {
            map.Problems.Error(map.Value("attributes") ?? map.Node, map.PathOf("attributes"), $"has {count} entries; expected exactly one, and a plugin for each attribute");
        }

        return count == 1 && reporter is not null ? reporter : new NoParameters();
    }

    private UsageReporterParameters? Attribute(MapReader item)
    {
        var (space, name) = ("envoy.lb", "");
        if (item.Map("key") is { } key)
        {
            space = key.Text("namespace") is { Length: > 0 } given ? given : space;
            name = key.RequiredText("name", "the key of the number in the dynamic metadata") ?? "";
            key.End(dialect == Dialect.LlmD);
        }

        var text = item.RequiredText("expression", "a number made of usage, such as usage.total_tokens");
        var condition = item.Text("condition") is { Length: > 0 } when ? when : null;
        item.End(dialect == Dialect.LlmD);
        var number = text is null ? null : Compile(item, "expression", text, isCondition: false);
        var guard = condition is null ? null : Compile(item, "condition", condition, isCondition: true);
        return number is null || (guard is null && condition is not null)
            ? null
            : new UsageReporterParameters(space, name, condition is null ? text! : $"{text} if {condition}", number, guard);
    }

    private static UsageExpression? Compile(MapReader item, string key, string text, bool isCondition)
    {
        if (!UsageExpression.TryCompile(text, isCondition, out var expression, out var error))
        {
            item.Problems.Error(item.Value(key), item.PathOf(key), error!);
        }
        else if (expression!.ReadsUnknownField)
        {
            item.Problems.Warn(item.Value(key), item.PathOf(key), "reads a field that usage never has: nothing is reported where it counts; usage has prompt_tokens, completion_tokens, total_tokens and prompt_tokens_details.cached_tokens");
        }

        return expression;
    }
}
