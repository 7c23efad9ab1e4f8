namespace Epp.Aot.Tests;

/// <summary>Random damage to a well-formed input.</summary>
internal static class Fuzz
{
    private static readonly byte[] Marks = [.. "{}[]:,-&*!|>'\"%@`#?~\t\n\r \\\0<=0aé"u8];

    public static void Mutate(Random random, byte[] input, Action<byte[]> use)
    {
        var bytes = new List<byte>(input);
        for (var n = random.Next(1, 6); n > 0; n--)
        {
            var at = random.Next(bytes.Count + 1);
            switch (random.Next(5))
            {
                case 0 when at < bytes.Count:
                    bytes[at] = Marks[random.Next(Marks.Length)];
                    break;
                case 1:
                    bytes.Insert(at, Marks[random.Next(Marks.Length)]);
                    break;
                case 2 when at < bytes.Count:
                    bytes.RemoveRange(at, Math.Min(random.Next(20), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(0, random.Next(bytes.Count)));
                    break;
                case 4 when at < bytes.Count:
                    bytes[at] = (byte)random.Next(256);
                    break;
            }
        }

        use([.. bytes]);
    }
}
