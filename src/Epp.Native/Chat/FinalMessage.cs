using System.Text;

namespace Epp.Native.Chat;

/// <summary>Where a prompt ends whose last message is to be continued: behind that message's text, wherever the template put it.</summary>
internal static class FinalMessage
{
    /// <summary>transformers marks the end of the text, with a blank behind to see whether the template trims.</summary>
    public static ReadOnlySpan<byte> Mark => "CONTINUE_FINAL_MESSAGE_TAG "u8;

    /// <summary>Cuts at the last place where the text is found, as Dynamo does; −1 where it is not in the prompt.</summary>
    public static int CutAtText(ReadOnlySpan<byte> prompt, ReadOnlySpan<byte> text)
    {
        var stripped = Strip(text);
        var at = stripped.IsEmpty ? prompt.Length : prompt.LastIndexOf(stripped);
        if (at < 0)
        {
            return -1;
        }

        return prompt[at..].StartsWith(text) ? at + text.Length : at + stripped.Length;
    }

    /// <summary>Cuts at the mark; −1 where mark or text are not in the prompt.</summary>
    public static int CutAtMark(ReadOnlySpan<byte> prompt, ReadOnlySpan<byte> text)
    {
        var at = prompt.LastIndexOf(Mark[..^1]);
        var stripped = Strip(text);
        if (at < 0 || (!stripped.IsEmpty && prompt.IndexOf(stripped) < 0))
        {
            return -1;
        }

        return prompt[at..].StartsWith(Mark) ? at : StripEnd(prompt[..at]).Length;
    }

    /// <summary>Python's <c>str.strip()</c>.</summary>
    public static ReadOnlySpan<byte> Strip(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty && Rune.DecodeFromUtf8(text, out var rune, out var used) == System.Buffers.OperationStatus.Done && IsSpace(rune))
        {
            text = text[used..];
        }

        return StripEnd(text);
    }

    private static ReadOnlySpan<byte> StripEnd(ReadOnlySpan<byte> text)
    {
        while (!text.IsEmpty && Rune.DecodeLastFromUtf8(text, out var rune, out var used) == System.Buffers.OperationStatus.Done && IsSpace(rune))
        {
            text = text[..^used];
        }

        return text;
    }

    private static bool IsSpace(Rune rune) => rune.Value is >= 0x1C and <= 0x1F || Rune.IsWhiteSpace(rune);
}
