namespace Epp.Native.Scheduling;

/// <summary>Working arrays of one decision, grown to the largest pool seen and kept with the request object. Not thread-safe.</summary>
internal sealed class Scratch
{
    /// <summary>Candidates: the live ones, then the others.</summary>
    public ushort[] Candidates { get; private set; } = [];

    /// <summary>Filters write here and from here by turns.</summary>
    public ushort[] FilteredA { get; private set; } = [];

    public ushort[] FilteredB { get; private set; } = [];

    public double[] Scores { get; private set; } = [];

    /// <summary>Sort keys of pickers.</summary>
    public double[] Keys { get; private set; } = [];

    /// <summary>Candidate positions, ordered by pickers.</summary>
    public int[] Positions { get; private set; } = [];

    /// <summary>Positions chosen.</summary>
    public int[] Picked { get; private set; } = [];

    public void EnsureCapacity(int endpoints)
    {
        if (Candidates.Length >= endpoints)
        {
            return;
        }

        Candidates = new ushort[endpoints];
        FilteredA = new ushort[endpoints];
        FilteredB = new ushort[endpoints];
        Scores = new double[endpoints];
        Keys = new double[endpoints];
        Positions = new int[endpoints];
        Picked = new int[endpoints];
    }
}
