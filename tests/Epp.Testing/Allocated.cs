namespace Epp.Testing;

/// <summary>Bytes that a piece of code allocates on the thread that calls it.</summary>
public static class Allocated
{
    /// <summary>
    /// The least of several rounds: a collection that other tests cause, or code that is compiled anew, is now and then charged to the round in
    /// which it happens.
    /// </summary>
    public static long Least(Action action, int rounds = 5)
    {
        var least = long.MaxValue;
        for (var round = 0; round < rounds && least > 0; round++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
