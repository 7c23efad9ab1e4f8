namespace Epp.Native.Tokens.Patterns;

/// <summary>What a pattern needs while it runs: a budget of steps and the stack of choices. One per thread.</summary>
internal sealed class PatternState
{
    // A sane pattern takes about ten steps for a byte; a run of spaces that is tried by three alternatives takes thirty.
    private const int StepsPerByte = 256;
    private const int FreeSteps = 1 << 20;
    private const int MaxStack = 1 << 24;
    private const int KeptStack = 1 << 16;

    private int[] _stack = new int[256];

    /// <summary>Steps left; a pattern that would go below zero gives up.</summary>
    public long Steps { get; set; } = FreeSteps;

    public int StackCount { get; private set; }

    /// <summary>A new text: a budget in proportion to its length.</summary>
    public void Begin(int textBytes)
    {
        Steps = FreeSteps + ((long)textBytes * StepsPerByte);
        StackCount = 0;
        if (_stack.Length > KeptStack)
        {
            _stack = new int[KeptStack];
        }
    }

    /// <summary>False where the stack is full.</summary>
    public bool Push(int address, int position, int limit)
    {
        if (StackCount + 3 > _stack.Length)
        {
            if (_stack.Length >= MaxStack)
            {
                return false;
            }

            Array.Resize(ref _stack, _stack.Length * 2);
        }

        _stack[StackCount] = address;
        _stack[StackCount + 1] = position;
        _stack[StackCount + 2] = limit;
        StackCount += 3;
        return true;
    }

    public (int Address, int Position, int Limit) Pop()
    {
        StackCount -= 3;
        return (_stack[StackCount], _stack[StackCount + 1], _stack[StackCount + 2]);
    }

    public void Cut(int count) => StackCount = count;
}
