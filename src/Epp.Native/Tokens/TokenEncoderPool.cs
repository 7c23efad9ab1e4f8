namespace Epp.Native.Tokens;

/// <summary>
/// Encoders of one tokenizer for any number of threads; safe to share and without a lock. An encoder is in one slot or with one caller:
/// each slot is read and written by one atomic exchange. Where all are out, a new one is made; what finds no free slot is dropped.
/// </summary>
/// <param name="tokenizer">Whose encoders these are.</param>
/// <param name="capacity">How many are kept, about 3 MB each: as many as threads tokenize at once.</param>
public sealed class TokenEncoderPool(Tokenizer tokenizer, int capacity)
{
    private readonly TokenEncoder?[] _free = new TokenEncoder?[Math.Max(1, capacity)];

    /// <summary>An encoder for this caller alone, until it is returned.</summary>
    public TokenEncoder Rent()
    {
        for (var i = 0; i < _free.Length; i++)
        {
            if (Volatile.Read(ref _free[i]) is not null && Interlocked.Exchange(ref _free[i], null) is { } encoder)
            {
                return encoder;
            }
        }

        return tokenizer.CreateEncoder();
    }

    /// <summary>Gives an encoder back; the caller must not use it any more.</summary>
    public void Return(TokenEncoder encoder)
    {
        for (var i = 0; i < _free.Length; i++)
        {
            if (Interlocked.CompareExchange(ref _free[i], encoder, null) is null)
            {
                return;
            }
        }
    }
}
