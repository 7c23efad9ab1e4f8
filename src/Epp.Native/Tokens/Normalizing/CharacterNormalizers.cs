using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Normalizing;

/// <summary>Rewrites one code point at a time.</summary>
internal abstract class CharacterNormalizer : TextNormalizer
{
    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state)
    {
        for (var at = 0; at < text.Length;)
        {
            var start = at;
            Write(Utf8Text.Read(text, at, out at), output);

            // Where the first character is dropped, what follows stands for a later one.
            state.StartsInput &= start > 0 || output.Length > 0;
        }

        return TokenizeStatus.Ok;
    }

    protected abstract void Write(int codePoint, ByteBuffer output);
}

/// <summary>Lowercase: each code point by its full mapping, without regard to language or context.</summary>
internal sealed class LowercaseNormalizer : CharacterNormalizer
{
    private readonly CodePointMap _map = new(UnicodeData.LowerMapping);

    protected override void Write(int codePoint, ByteBuffer output)
    {
        if (!_map.TryGet(codePoint, out var lower))
        {
            output.AppendCodePoint(codePoint);
            return;
        }

        foreach (var c in lower)
        {
            output.AppendCodePoint(c);
        }
    }
}

/// <summary>Drops the code points of a set: StripAccents, and the second half of BertNormalizer's.</summary>
internal sealed class DroppingNormalizer(CodePointSet dropped) : CharacterNormalizer
{
    protected override void Write(int codePoint, ByteBuffer output)
    {
        if (!dropped.Contains(codePoint))
        {
            output.AppendCodePoint(codePoint);
        }
    }
}

/// <summary>Nmt: drops some controls, makes others and some invisible characters spaces.</summary>
internal sealed class NmtNormalizer : CharacterNormalizer
{
    protected override void Write(int codePoint, ByteBuffer output)
    {
        switch (codePoint)
        {
            case >= 0x01 and <= 0x08 or 0x0B or >= 0x0E and <= 0x1F or 0x7F or 0x8F or 0x9F:
                return;
            case 0x09 or 0x0A or 0x0C or 0x0D or 0x1680 or >= 0x200B and <= 0x200F or 0x2028 or 0x2029 or 0x2581 or 0xFEFF or 0xFFFD:
                output.AppendCodePoint(' ');
                return;
            default:
                output.AppendCodePoint(codePoint);
                return;
        }
    }
}

/// <summary>BertNormalizer's <c>clean_text</c>: drops controls, makes every white space a space.</summary>
internal sealed class BertCleaner : CharacterNormalizer
{
    private readonly CodePointSet _removed = CodePointSets.BertRemoved;
    private readonly CodePointSet _space = CodePointSets.WhiteSpace;

    protected override void Write(int codePoint, ByteBuffer output)
    {
        if (!_removed.Contains(codePoint))
        {
            output.AppendCodePoint(_space.Contains(codePoint) ? ' ' : codePoint);
        }
    }
}

/// <summary>BertNormalizer's <c>handle_chinese_chars</c>: spaces around ideographs.</summary>
internal sealed class ChineseSpacer : CharacterNormalizer
{
    protected override void Write(int codePoint, ByteBuffer output)
    {
        var ideograph = codePoint is (>= 0x4E00 and <= 0x9FFF) or (>= 0x3400 and <= 0x4DBF) or (>= 0x20000 and <= 0x2A6DF) or (>= 0x2A700 and <= 0x2B73F)
            or (>= 0x2B740 and <= 0x2B81F) or (>= 0x2B920 and <= 0x2CEAF) or (>= 0xF900 and <= 0xFAFF) or (>= 0x2F800 and <= 0x2FA1F);
        if (!ideograph)
        {
            output.AppendCodePoint(codePoint);
            return;
        }

        output.AppendCodePoint(' ');
        output.AppendCodePoint(codePoint);
        output.AppendCodePoint(' ');
    }
}

/// <summary>ByteLevel as a normalizer: each byte becomes the character that stands for it.</summary>
internal sealed class ByteLevelNormalizer : TextNormalizer
{
    public override TokenizeStatus Apply(ReadOnlySpan<byte> text, ByteBuffer output, NormalizerState state)
    {
        foreach (var b in text)
        {
            output.AppendCodePoint(ByteAlphabet.CharacterOf(b));
        }

        return TokenizeStatus.Ok;
    }
}
