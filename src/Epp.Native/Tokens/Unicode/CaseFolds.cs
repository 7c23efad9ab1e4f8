namespace Epp.Native.Tokens.Unicode;

/// <summary>Pairs (code point, the one that stands for its case class), sorted by the first. Immutable; safe to share.</summary>
internal sealed class CaseFolds
{
    private readonly int[] _from;
    private readonly int[] _to;

    private CaseFolds()
    {
        var map = new CodePointMap(UnicodeData.CaseFold);
        _from = new int[map.Count];
        _to = new int[map.Count];
        for (var i = 0; i < map.Count; i++)
        {
            _from[i] = map.KeyAt(i);
            _to[i] = map.TargetsAt(i)[0];
        }
    }

    public static CaseFolds Default { get; } = new();

    public int Count => _from.Length;

    public (int From, int To) this[int i] => (_from[i], _to[i]);

    /// <summary>Whether the set holds a member of the class other than the one that stands for it.</summary>
    public bool AnyOfClass(int representative, CodePointSet set)
    {
        for (var i = 0; i < _to.Length; i++)
        {
            if (_to[i] == representative && set.Contains(_from[i]))
            {
                return true;
            }
        }

        return false;
    }
}
