using Epp.Native.Requests;

namespace Epp.Native.Chat;

/// <content>Strict tool schemas, which Dynamo 1.6 checks.</content>
public sealed partial class ChatShaper
{
    private const int MaxComparedProperties = 128;

    /// <summary>
    /// A strict schema closes every object and requires all of its properties. The checks that decide over ordinary schemas are here;
    /// references and size limits are not.
    /// </summary>
    private static bool IsStrict(JsonTree t, int schema)
    {
        if (!t.IsMap(schema))
        {
            return t.IsNothing(schema) || t.Kind(schema) == JsonKind.Bool;
        }

        var properties = t.Find(schema, "properties"u8);
        if (t.Is(t.Find(schema, "type"u8), "object"u8) || properties >= 0)
        {
            var more = t.Find(schema, "additionalProperties"u8);
            if (t.Kind(more) != JsonKind.Bool || t.IsTrue(more) || !RequiresAll(t, properties, t.Find(schema, "required"u8)))
            {
                return false;
            }
        }

        return IsStrictInside(t, properties) && IsStrictInside(t, t.Find(schema, "$defs"u8)) && IsStrictInside(t, t.Find(schema, "anyOf"u8))
            && (t.Find(schema, "items"u8) is var items && (items < 0 || IsStrict(t, items)));
    }

    private static bool IsStrictInside(JsonTree t, int container)
    {
        if (t.IsMap(container))
        {
            for (var key = t.FirstKey(container); key >= 0; key = t.KeyAfter(container, key))
            {
                if (!IsStrict(t, t.Value(key)))
                {
                    return false;
                }
            }
        }
        else if (t.IsList(container))
        {
            for (var element = t.First(container); element >= 0; element = t.After(container, element))
            {
                if (!IsStrict(t, element))
                {
                    return false;
                }
            }
        }

        return true;
    }

    private static bool RequiresAll(JsonTree t, int properties, int required)
    {
        if (!t.IsMap(properties))
        {
            return true;
        }

        // As many as there are properties; beyond this many the names are taken on trust, so that hostile schemas cost little.
        var needed = 0;
        for (var key = t.FirstKey(properties); key >= 0; key = t.KeyAfter(properties, key))
        {
            needed++;
        }

        if (needed == 0 || needed > MaxComparedProperties || !t.IsList(required) || t.Count(required) != needed)
        {
            return needed == 0 || (t.IsList(required) && t.Count(required) == needed);
        }

        for (var key = t.FirstKey(properties); key >= 0; key = t.KeyAfter(properties, key))
        {
            var isRequired = false;
            for (var name = t.First(required); name >= 0 && !isRequired; name = t.After(required, name))
            {
                isRequired = t.IsText(name) && JsonTree.SameText(t, key, t, name);
            }

            if (!isRequired)
            {
                return false;
            }
        }

        return true;
    }
}
