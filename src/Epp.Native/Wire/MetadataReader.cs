using Epp.Native.Requests;

namespace Epp.Native.Wire;

/// <summary>Reads the two things an EPP needs from <c>core.Metadata</c>: the subset hint and the served endpoint (contract §2.3, §2.4).</summary>
public static class MetadataReader
{
    /// <summary>
    /// Fills <paramref name="hint"/> from <c>envoy.lb.subset_hint</c> / <c>x-gateway-destination-endpoint-subset</c>. Only a list
    /// counts; items that are not strings are ignored. False when the metadata is malformed.
    /// </summary>
    public static bool TryReadSubset(ReadOnlySpan<byte> metadata, SubsetHint hint)
    {
        hint.Clear();
        if (!TryFind(metadata, "envoy.lb.subset_hint"u8, "x-gateway-destination-endpoint-subset"u8, out var value))
        {
            return false;
        }

        // Value.list_value = 6, ListValue.values = 1, Value.string_value = 3.
        var reader = new ProtoReader(value);
        while (reader.Next())
        {
            if (reader.Field != 6 || reader.WireType != ProtoReader.Bytes)
            {
                continue;
            }

            hint.Present = true;
            var items = new ProtoReader(reader.Content);
            while (items.Next())
            {
                if (items.Field == 1 && items.WireType == ProtoReader.Bytes && TryString(items.Content, out var item))
                {
                    hint.Add(item);
                }
            }

            if (items.Failed)
            {
                return false;
            }
        }

        return !reader.Failed;
    }

    /// <summary>The <c>ip:port</c> that served the request, from <c>envoy.lb</c>; false where the proxy did not say.</summary>
    /// <param name="metadata">The metadata of the response headers.</param>
    /// <param name="endpoint">The address.</param>
    /// <param name="hasNamespace">True where there is an <c>envoy.lb</c> that holds anything.</param>
    public static bool TryReadServedEndpoint(ReadOnlySpan<byte> metadata, out ReadOnlySpan<byte> endpoint, out bool hasNamespace)
    {
        endpoint = default;
        hasNamespace = TryEntry(metadata, "envoy.lb"u8, out var structure) && !structure.IsEmpty;
        return hasNamespace && TryEntry(structure, "x-gateway-destination-endpoint-served"u8, out var value) && TryString(value, out endpoint);
    }

    // Metadata.filter_metadata = 1: map<string, Struct>; Struct.fields = 1: map<string, Value>. An absent entry yields an empty value.
    private static bool TryFind(ReadOnlySpan<byte> metadata, ReadOnlySpan<byte> ns, ReadOnlySpan<byte> name, out ReadOnlySpan<byte> value)
    {
        value = default;
        return TryEntry(metadata, ns, out var structure) && TryEntry(structure, name, out value);
    }

    private static bool TryEntry(ReadOnlySpan<byte> map, ReadOnlySpan<byte> key, out ReadOnlySpan<byte> value)
    {
        value = default;
        var reader = new ProtoReader(map);
        while (reader.Next())
        {
            if (reader.Field != 1 || reader.WireType != ProtoReader.Bytes)
            {
                continue;
            }

            ReadOnlySpan<byte> entryKey = default;
            ReadOnlySpan<byte> entryValue = default;
            var entry = new ProtoReader(reader.Content);
            while (entry.Next())
            {
                if (entry.WireType == ProtoReader.Bytes)
                {
                    entryKey = entry.Field == 1 ? entry.Content : entryKey;
                    entryValue = entry.Field == 2 ? entry.Content : entryValue;
                }
            }

            if (entry.Failed)
            {
                return false;
            }

            if (entryKey.SequenceEqual(key))
            {
                value = entryValue;
            }
        }

        return !reader.Failed;
    }

    private static bool TryString(ReadOnlySpan<byte> value, out ReadOnlySpan<byte> text)
    {
        text = default;
        var found = false;
        var reader = new ProtoReader(value);
        while (reader.Next())
        {
            if (reader.Field == 3 && reader.WireType == ProtoReader.Bytes)
            {
                text = reader.Content;
                found = true;
            }
        }

        return found && !reader.Failed;
    }
}
