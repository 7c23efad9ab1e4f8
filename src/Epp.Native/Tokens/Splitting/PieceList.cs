namespace Epp.Native.Tokens.Splitting;

/// <summary>Stretches of a text, in order; empty ones are left out. Reused from call to call.</summary>
internal sealed class PieceList
{
    private const int KeptPieces = 1 << 18;

    private Piece[] _items = new Piece[256];

    public int Count { get; private set; }

    public ReadOnlySpan<Piece> Items => _items.AsSpan(0, Count);

    public void Clear()
    {
        Count = 0;
        if (_items.Length > KeptPieces)
        {
            _items = new Piece[KeptPieces];
        }
    }

    public void Add(int start, int end)
    {
        if (start == end)
        {
            return;
        }

        if (Count == _items.Length)
        {
            Array.Resize(ref _items, Count * 2);
        }

        _items[Count++] = new Piece(start, end);
    }
}

/// <summary>A stretch of a text.</summary>
internal readonly struct Piece(int start, int end)
{
    public int Start { get; } = start;

    public int End { get; } = end;
}
