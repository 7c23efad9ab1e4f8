using System.Text;
using System.Text.Unicode;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Epp.Aot.Configuration;

/// <summary>
/// Reads one YAML document (JSON is YAML) into <see cref="YamlNode"/>s. Refuses, with a place: more than 1 MiB, invalid UTF-8, deep
/// nesting, duplicate keys, keys that are not scalars, unknown or recursive aliases, aliases that multiply to too many nodes, a second
/// document.
/// </summary>
internal static class YamlTree
{
    public const int MaxBytes = 1 << 20;
    public const int MaxDepth = 32;

    /// <summary>Enough for the 16,384 endpoints of a full pool with labels; aliases count as what they stand for.</summary>
    public const int MaxNodes = 500_000;

    /// <summary>The document's root, or null after an error was added.</summary>
    public static YamlNode? Read(ReadOnlySpan<byte> utf8, Problems problems)
    {
        if (utf8.Length > MaxBytes)
        {
            problems.Error(0, 0, $"the file has {utf8.Length} bytes; the limit is {MaxBytes}");
            return null;
        }

        if (!Utf8.IsValid(utf8))
        {
            problems.Error(0, 0, "the file is not valid UTF-8");
            return null;
        }

        utf8 = utf8.StartsWith("\uFEFF"u8) ? utf8[3..] : utf8;
        try
        {
            return new Reader(new Parser(new StringReader(Encoding.UTF8.GetString(utf8)))).ReadDocument();
        }
        catch (YamlException error)
        {
            problems.Error((int)error.Start.Line, (int)error.Start.Column, error.Message);
        }
        catch (Exception error) when (error is ArgumentException or InvalidOperationException or FormatException or OverflowException or IndexOutOfRangeException)
        {
            // The scanner of the YAML library answers some malformed input with these.
            problems.Error(0, 0, $"the file is not readable as YAML: {error.Message}");
        }

        return null;
    }

    private sealed class Reader(Parser parser)
    {
        private readonly Dictionary<string, YamlNode> _anchors = new(StringComparer.Ordinal);
        private int _nodes;

        public YamlNode ReadDocument()
        {
            Expect<StreamStart>();
            if (parser.Current is StreamEnd)
            {
                return new YamlNode(YamlKind.Scalar, 1, 1) { IsPlain = true };
            }

            Expect<DocumentStart>();
            var root = ReadNode(0);
            Expect<DocumentEnd>();
            if (parser.Current is not StreamEnd)
            {
                throw new YamlException(parser.Current!.Start, parser.Current.End, "a second document begins here; the file must hold one");
            }

            return root;
        }

        private void Expect<T>()
            where T : ParsingEvent
        {
            if (parser.Current is null && !parser.MoveNext())
            {
                throw new YamlException("the file ends too early");
            }

            if (parser.Current is not T)
            {
                throw new YamlException(parser.Current!.Start, parser.Current.End, $"unexpected {parser.Current}");
            }

            parser.MoveNext();
        }

        private YamlNode ReadNode(int depth)
        {
            var at = parser.Current ?? throw new YamlException("the file ends too early");
            if (depth > MaxDepth)
            {
                throw new YamlException(at.Start, at.End, $"nested deeper than {MaxDepth} levels");
            }

            var node = at switch
            {
                AnchorAlias alias => Resolve(alias),
                Scalar scalar => ReadScalar(scalar),
                SequenceStart start => ReadList(start, depth),
                MappingStart start => ReadMap(start, depth),
                _ => throw new YamlException(at.Start, at.End, "expected a value"),
            };
            return node;
        }

        private YamlNode Resolve(AnchorAlias alias)
        {
            if (!_anchors.TryGetValue(alias.Value.Value, out var node))
            {
                throw new YamlException(alias.Start, alias.End, $"alias '*{alias.Value.Value}' names no anchor above");
            }

            Count(node.Size, alias);
            parser.MoveNext();
            return node;
        }

        private YamlNode ReadScalar(Scalar scalar)
        {
            var node = new YamlNode(YamlKind.Scalar, (int)scalar.Start.Line, (int)scalar.Start.Column)
            {
                Text = scalar.Value,
                IsPlain = scalar.Style == ScalarStyle.Plain && scalar.Tag.IsEmpty,
            };
            Count(1, scalar);
            Remember(scalar.Anchor, node);
            parser.MoveNext();
            return node;
        }

        private YamlNode ReadList(SequenceStart start, int depth)
        {
            var list = new YamlNode(YamlKind.List, (int)start.Start.Line, (int)start.Start.Column);
            Count(1, start);
            parser.MoveNext();
            while (parser.Current is not SequenceEnd)
            {
                var item = ReadNode(depth + 1);
                list.Items.Add(item);
                list.Size += item.Size;
            }

            parser.MoveNext();
            Remember(start.Anchor, list);
            return list;
        }

        private YamlNode ReadMap(MappingStart start, int depth)
        {
            var map = new YamlNode(YamlKind.Map, (int)start.Start.Line, (int)start.Start.Column);
            Count(1, start);
            parser.MoveNext();
            var lines = new Dictionary<string, int>(StringComparer.Ordinal);
            while (parser.Current is not MappingEnd)
            {
                var at = parser.Current!;
                var key = ReadNode(depth + 1);
                if (key.Kind != YamlKind.Scalar)
                {
                    throw new YamlException(at.Start, at.End, "a key must be a word, not a list or a map");
                }

                if (!lines.TryAdd(key.Text, key.Line))
                {
                    throw new YamlException(at.Start, at.End, $"duplicate key '{key.Text}', first set in line {lines[key.Text]}");
                }

                var value = ReadNode(depth + 1);
                map.Entries.Add((key, value));
                map.Size += 1 + value.Size;
            }

            parser.MoveNext();
            Remember(start.Anchor, map);
            return map;
        }

        /// <summary>A collection is remembered once complete, so an alias inside itself names nothing.</summary>
        private void Remember(AnchorName anchor, YamlNode node)
        {
            if (!anchor.IsEmpty)
            {
                _anchors[anchor.Value] = node;
            }
        }

        private void Count(int nodes, ParsingEvent at)
        {
            _nodes += nodes;
            if (_nodes > MaxNodes)
            {
                throw new YamlException(at.Start, at.End, $"more than {MaxNodes} values, aliases counted as what they stand for");
            }
        }
    }
}
