using System.Buffers;
using System.Buffers.Text;
using Epp.Native.Tokens.Models;
using Epp.Native.Tokens.Normalizing;
using Epp.Native.Tokens.Patterns;
using Epp.Native.Tokens.Splitting;

namespace Epp.Native.Tokens.Loading;

/// <summary>
/// Reads a rank file of tiktoken. Its merges are not written down: two neighbours merge where their joined bytes are a token, lowest rank
/// first. A word that is a token as a whole is that token.
/// </summary>
internal static class TiktokenRanks
{
    private const int MaxTokenBytes = 4096;

    /// <summary>Throws <see cref="TokenizerFormatException"/>.</summary>
    public static TokenizerParts Read(ReadOnlySpan<byte> ranks, string pattern, IReadOnlyList<AddedToken> special)
    {
        var vocabulary = Tokens(ranks);
        var byteIds = new int[256];
        for (var b = 0; b < byteIds.Length; b++)
        {
            if (!vocabulary.TryGet([(byte)b], out var id))
            {
                throw new TokenizerFormatException("ranks", $"no token for byte {b}");
            }

            byteIds[b] = (int)id;
        }

        TextPattern words;
        try
        {
            words = KnownPatterns.Create(pattern);
        }
        catch (PatternSyntaxException e)
        {
            throw new TokenizerFormatException("pattern", e.Message);
        }

        var options = new BpeOptions { IgnoreMerges = true };
        AddedToken[] added = [.. special];
        TextNormalizer[] none = [];
        return new TokenizerParts
        {
            Added = added,
            Raw = AddedTokenReader.Finder(added, normalized: false, none),
            Normalized = AddedTokenReader.Finder(added, normalized: true, none),
            Normalizers = none,
            Stages = [new SplitStage(words, SplitBehavior.Removed, invert: true)],
            Model = new BpeModel(vocabulary, Merges(vocabulary), options, byteIds),
            Vocabulary = vocabulary,
            Frame = TokenFrame.Empty,
        };
    }

    private static TokenTable Tokens(ReadOnlySpan<byte> text)
    {
        var table = new TokenTable(1 << 15, 1 << 18);
        var token = new byte[MaxTokenBytes];
        for (var line = 1; !text.IsEmpty; line++)
        {
            var end = text.IndexOf((byte)'\n');
            var content = (end < 0 ? text : text[..end]).TrimEnd((byte)'\r');
            text = end < 0 ? default : text[(end + 1)..];
            if (content.IsEmpty)
            {
                continue;
            }

            var space = content.IndexOf((byte)' ');
            if (space <= 0 || Base64.DecodeFromUtf8(content[..space], token, out _, out var length) != OperationStatus.Done
                || !Utf8Parser.TryParse(content[(space + 1)..], out uint rank, out var used) || used != content.Length - space - 1 || rank > int.MaxValue)
            {
                throw new TokenizerFormatException($"ranks:{line}", "expected base64, a space and a rank");
            }

            table.Set(token.AsSpan(0, length), rank);
        }

        return table;
    }

    // Each way of cutting a token into two tokens is a pair that merges to it, with the token's rank.
    private static MergeTable Merges(TokenTable vocabulary)
    {
        var pairs = 0;
        for (var pass = 0; ; pass++)
        {
            var merges = new MergeTable(pass == 0 ? 0 : pairs);
            for (var i = 0; i < vocabulary.Count; i++)
            {
                var token = vocabulary.TokenAt(i);
                for (var cut = 1; cut < token.Length; cut++)
                {
                    if (!vocabulary.TryGet(token[..cut], out var left) || !vocabulary.TryGet(token[cut..], out var right))
                    {
                        continue;
                    }

                    if (pass == 0)
                    {
                        pairs++;
                    }
                    else
                    {
                        merges.Set((int)left, (int)right, (int)vocabulary.IdAt(i), (int)vocabulary.IdAt(i));
                    }
                }
            }

            if (pass == 1)
            {
                return merges;
            }
        }
    }
}
