namespace Epp.Native.Requests;

/// <summary>Token counts of one response. A count of −1 was not reported.</summary>
/// <param name="Prompt">Tokens of the prompt.</param>
/// <param name="Completion">Tokens of the answer.</param>
/// <param name="Total">As reported beside the two others, else their sum.</param>
/// <param name="Cached">Prompt tokens served from the KV cache.</param>
public readonly record struct TokenUsage(long Prompt, long Completion, long Total, long Cached)
{
    /// <summary>Nothing reported.</summary>
    public static TokenUsage None => new(-1, -1, -1, -1);

    /// <summary>True when anything was reported.</summary>
    public bool IsPresent => Prompt >= 0 || Completion >= 0 || Total >= 0 || Cached >= 0;

    /// <summary>What is known once <paramref name="next"/> follows: counts above zero overwrite, zeros only fill gaps (contract §3.6).</summary>
    internal TokenUsage Then(TokenUsage next)
    {
        var prompt = Later(Prompt, next.Prompt);
        var completion = Later(Completion, next.Completion);
        var whole = next.Prompt > 0 && next.Completion > 0 && next.Total > 0;
        var sum = Math.Max(prompt, 0) + Math.Max(completion, 0);
        var total = whole ? next.Total : prompt >= 0 || completion >= 0 ? sum : Later(Total, next.Total);
        return new TokenUsage(prompt, completion, total, Later(Cached, next.Cached));
    }

    private static long Later(long before, long after) => after > 0 || before < 0 ? after : before;
}
