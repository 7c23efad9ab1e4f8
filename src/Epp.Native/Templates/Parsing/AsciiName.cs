namespace Epp.Native.Templates.Parsing;

/// <summary>A short ASCII name widened on the stack, so that a switch over string constants finds it without an allocation.</summary>
internal static class AsciiName
{
    /// <summary>Longest name of a table.</summary>
    public const int MaxLength = 16;

    /// <summary>The name in <paramref name="room"/>; empty where it is too long or not ASCII.</summary>
    public static ReadOnlySpan<char> Widen(ReadOnlySpan<byte> name, Span<char> room)
    {
        if (name.Length > room.Length)
        {
            return default;
        }

        for (var i = 0; i < name.Length; i++)
        {
            if (name[i] >= 0x80)
            {
                return default;
            }

            room[i] = (char)name[i];
        }

        return room[..name.Length];
    }
}
