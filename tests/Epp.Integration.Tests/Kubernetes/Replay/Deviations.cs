namespace Epp.Integration.Tests.Kubernetes.Replay;

/// <summary>A recorded case whose effect is not the model, and what is wanted in its place.</summary>
/// <param name="Cases">Names; the stack stands before the slash.</param>
/// <param name="Reason">The statement of contract §0a.</param>
/// <param name="Wanted">What is wrong with our answers; null = they are as wanted.</param>
/// <param name="Always">False where chance among equal endpoints can make the same picks.</param>
internal sealed record Deviation(string[] Cases, string Reason, Func<CaseOutcome, string?> Wanted, bool Always = true);

/// <summary>Every case where the EPP answers otherwise than the reference did, on purpose.</summary>
internal static class Deviations
{
    public static Deviation[] All { get; } =
    [
        new(
            ["gaie/crash_usage_empty", "gaie/crash_usage_partial", "gaie/crash_usage_string", "gaie/crash_usage_text_numbers", "gaie/subset_non_string_item"],
            "the reference dies; here the item or the usage is ignored", Routed),
        new(
            ["gaie/crash_subset_non_string_direct"],
            "the reference dies; here the only item is ignored, and a list without an address allows nobody", c => Refused(c, 503)),
        new(
            ["gaie/direct_body_eos_twice"],
            "a second end of stream is ignored; the reference refuses or schedules again", Routed),
        new(
            ["gaie/direct_response_before_request_eos"],
            "the reference puts the unfinished request into the response; here each stays by itself", Answered),
        new(
            [
                "gaie/direct_response_body_eos_then_trailers", "gaie/direct_response_trailers_json", "gaie/direct_response_trailers_only", "gaie/direct_response_trailers_sse",
                "gaie/upload_h2_trailers", "gaie/worker_response_trailers_h2_client", "gaie/worker_response_trailers_stream",
            ],
            "trailers are answered and end the body; the reference never answers them", Routed),
        new(
            ["gaie/dead_pod_preferred"],
            "an endpoint that was never scraped ranks behind every live one; for the reference it is idle", Routed, Always: false),
        new(
            ["gaie/kv_metric_new_name_hot"],
            "the KV usage is read by its other name; the reference takes a missing one for 0", c => Refused(c, 429)),
        new(
            ["gaie/ports_two_subset"],
            "changed target ports reach known pods at once; the reference goes on with the old ones", Routed, Always: false),
        new(
            [
                "gaie/ipv6_subset_brackets", "gaie/ipv6_subset_plain", "gaie/ipv6_subset_plain_port", "llmd/ipv6_subset_brackets", "llmd/ipv6_subset_plain",
            ],
            "every spelling of an IPv6 address in the hint matches", Routed),
        new(
            ["gaie/pod_without_ip_only", "llmd/pod_without_ip_only"],
            "a pod without an address is no endpoint; for the references it is ':8000'", c => Refused(c, 503, 500)),
        new(
            ["gaie/subset_no_match_get", "llmd/subset_no_match_get"],
            "a request without a body obeys the hint", c => Refused(c, 503)),
    ];

    /// <summary>Nothing was refused. That everything was answered holds for every case.</summary>
    private static string? Answered(CaseOutcome outcome) => outcome.Exchanges.Find(e => e.Immediate is not null)?.Refusal;

    /// <summary>Every request got an endpoint. That it is a right one, and that everything was answered, holds for every case.</summary>
    private static string? Routed(CaseOutcome outcome) => outcome.Exchanges.Find(e => e.Immediate is not null || e.Endpoint is null) is { } refused ? $"no endpoint: {refused.Refusal}" : null;

    /// <summary>The requests were refused with these statuses, in order.</summary>
    private static string? Refused(CaseOutcome outcome, params int[] statuses)
    {
        var ours = outcome.Exchanges.ConvertAll(e => e.Immediate?.Status.Code ?? 0);
        return ours.SequenceEqual(statuses) ? null : $"refused with {string.Join(' ', ours)}, wanted {string.Join(' ', statuses)}";
    }
}
