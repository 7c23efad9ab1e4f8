using Epp.Native.Tokens.Unicode;

namespace Epp.Native.Tokens.Patterns;

/// <summary>
/// Runs a compiled pattern by backtracking over code points. Every instruction and every code point takes a step from the budget of the
/// text, so that no text and no pattern runs for longer than in proportion to the text.
/// </summary>
internal sealed class CompiledPattern(PatternInstruction[] code, CodePointSet[] sets, CodePointSet? first) : TextPattern
{
    private const int Failed = -1;

    public override int Find(ReadOnlySpan<byte> text, int from, PatternState state, out int end)
    {
        for (var start = from; ; start += Utf8Text.LengthOf(text[start]))
        {
            if (first is null || (start < text.Length && first.Contains(Utf8Text.Read(text, start, out _))))
            {
                end = Run(text, 0, start, state);
                if (end != Failed)
                {
                    return end == TooSlow ? TooSlow : start;
                }
            }

            if (start >= text.Length || --state.Steps < 0)
            {
                end = from;
                return start >= text.Length ? None : TooSlow;
            }
        }
    }

    // The end of the match that starts at a position, Failed or TooSlow. Choices below the stack's height at entry are not touched.
    private int Run(ReadOnlySpan<byte> text, int address, int at, PatternState state)
    {
        var floor = state.StackCount;
        while (true)
        {
            if (--state.Steps < 0)
            {
                return TooSlow;
            }

            ref readonly var instruction = ref code[address];
            if (instruction.Operation == PatternOperation.Match)
            {
                state.Cut(floor);
                return at;
            }

            (address, at) = Step(text, instruction, address, at, state);
            if (address == Failed && !Back(text, floor, state, out address, out at))
            {
                return at == TooSlow ? TooSlow : Failed;
            }

            if (address == TooSlow)
            {
                return TooSlow;
            }
        }
    }

    // The next address, or Failed or TooSlow, and the position there.
    private (int Address, int At) Step(ReadOnlySpan<byte> text, in PatternInstruction instruction, int address, int at, PatternState state)
    {
        switch (instruction.Operation)
        {
            case PatternOperation.Set:
                return at < text.Length && sets[instruction.A].Contains(Utf8Text.Read(text, at, out var next)) ? (address + 1, next) : (Failed, at);
            case PatternOperation.Jump:
                return (instruction.A, at);
            case PatternOperation.Split:
                return (state.Push(instruction.B, at, -1) ? instruction.A : TooSlow, at);
            case PatternOperation.Assert:
                return (Holds((AssertionKind)instruction.A, text, at) ? address + 1 : Failed, at);
            case PatternOperation.Atomic:
                var end = Run(text, address + 1, at, state);
                return end >= 0 ? (instruction.A, end) : (end == TooSlow ? TooSlow : Failed, at);
            case PatternOperation.Ahead or PatternOperation.NotAhead or PatternOperation.Behind or PatternOperation.NotBehind:
                return (Look(text, instruction, address, at, state), at);
            default:
                return Repeat(text, instruction, address, at, state);
        }
    }

    private int Look(ReadOnlySpan<byte> text, in PatternInstruction instruction, int address, int at, PatternState state)
    {
        var behind = instruction.Operation is PatternOperation.Behind or PatternOperation.NotBehind;
        var wanted = instruction.Operation is PatternOperation.Ahead or PatternOperation.Behind;
        var from = at;
        for (var n = behind ? instruction.B : 0; n > 0; n--)
        {
            if (from == 0)
            {
                return wanted ? Failed : instruction.A;
            }

            from = Utf8Text.Previous(text, from);
        }

        var end = Run(text, address + 1, from, state);
        return end == TooSlow ? TooSlow : end != Failed == wanted ? instruction.A : Failed;
    }

    private (int Address, int At) Repeat(ReadOnlySpan<byte> text, in PatternInstruction instruction, int address, int at, PatternState state)
    {
        var set = sets[instruction.A];
        var most = instruction.Operation == PatternOperation.LazyRun ? instruction.B : instruction.C;
        var (count, least) = (0, at);
        while (count < most && at < text.Length && set.Contains(Utf8Text.Read(text, at, out var next)))
        {
            at = next;
            if (++count == instruction.B)
            {
                least = at;
            }
        }

        state.Steps -= count;
        if (count < instruction.B)
        {
            return (Failed, at);
        }

        var room = true;
        if (instruction.Operation == PatternOperation.Run && at > least)
        {
            room = state.Push(address, at, least);
        }
        else if (instruction.Operation == PatternOperation.LazyRun && count < instruction.C)
        {
            room = state.Push(address, at, count);
        }

        return (room ? address + 1 : TooSlow, at);
    }

    // Takes the newest choice. False where there is none above the floor.
    private bool Back(ReadOnlySpan<byte> text, int floor, PatternState state, out int address, out int at)
    {
        while (state.StackCount > floor)
        {
            (address, at, var limit) = state.Pop();
            if (limit < 0)
            {
                return true;
            }

            ref readonly var instruction = ref code[address];
            if (instruction.Operation == PatternOperation.Run)
            {
                at = Utf8Text.Previous(text, at);
                if (at > limit)
                {
                    state.Push(address, at, limit);
                }

                address++;
                return true;
            }

            if (at < text.Length && sets[instruction.A].Contains(Utf8Text.Read(text, at, out var next)))
            {
                if (limit + 1 < instruction.C)
                {
                    state.Push(address, next, limit + 1);
                }

                (address, at) = (address + 1, next);
                return true;
            }
        }

        (address, at) = (Failed, Failed);
        return false;
    }

    private static bool Holds(AssertionKind kind, ReadOnlySpan<byte> text, int at)
    {
        switch (kind)
        {
            case AssertionKind.TextStart:
                return at == 0;
            case AssertionKind.TextEnd:
                return at == text.Length;
            case AssertionKind.TextEndOrLastNewline:
                return at == text.Length || (at == text.Length - 1 && text[at] == '\n');
            case AssertionKind.LineStart:
                // Not behind a newline that ends the text.
                return at == 0 || (text[at - 1] == '\n' && at < text.Length);
            case AssertionKind.LineEnd:
                return at == text.Length || text[at] == '\n';
            default:
                var before = at > 0 && CodePointSets.Word.Contains(Utf8Text.Read(text, Utf8Text.Previous(text, at), out _));
                var after = at < text.Length && CodePointSets.Word.Contains(Utf8Text.Read(text, at, out _));
                return before != after == (kind == AssertionKind.WordBoundary);
        }
    }
}
