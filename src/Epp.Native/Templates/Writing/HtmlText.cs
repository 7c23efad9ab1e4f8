namespace Epp.Native.Templates.Writing;

/// <summary>Escaping for HTML, as markupsafe and as minijinja write it.</summary>
internal static class HtmlText
{
    public static void Escape(TextBuffer output, ReadOnlySpan<byte> text, bool asPython)
    {
        foreach (var c in text)
        {
            switch (c)
            {
                case (byte)'<':
                    output.Write("&lt;"u8);
                    break;
                case (byte)'>':
                    output.Write("&gt;"u8);
                    break;
                case (byte)'&':
                    output.Write("&amp;"u8);
                    break;
                case (byte)'"':
                    output.Write(asPython ? "&#34;"u8 : "&quot;"u8);
                    break;
                case (byte)'\'':
                    output.Write(asPython ? "&#39;"u8 : "&#x27;"u8);
                    break;
                case (byte)'/' when !asPython:
                    output.Write("&#x2f;"u8);
                    break;
                default:
                    output.WriteByte(c);
                    break;
            }
        }
    }
}
