using Epp.Native.KvEvents;
using Epp.Native.Pool;
using Epp.Native.Scheduling;

namespace Epp.Native.Prefix;

/// <summary>One request whose ids were compared with those its engine stored (tokenization §5, last item).</summary>
/// <param name="Verdict">What came out; never <see cref="ParityVerdict.Unknown"/>.</param>
/// <param name="Model">The model that the engine was asked for, UTF-8.</param>
/// <param name="Endpoint">Where.</param>
/// <param name="Position">First position that differs.</param>
/// <param name="Ours">The id we computed for it.</param>
/// <param name="Theirs">The id the engine stored.</param>
public readonly record struct ParityOutcome(ParityVerdict Verdict, byte[] Model, Endpoint Endpoint, int Position, uint Ours, uint Theirs);

/// <summary>A request that is being compared; the default is none.</summary>
/// <param name="Slot">Its place, from 1.</param>
/// <param name="Number">Tells the uses of a place apart.</param>
public readonly record struct ParityTicket(int Slot, int Number)
{
    /// <summary>True where there is a request.</summary>
    public bool IsSome => Slot > 0;
}

/// <summary>
/// Compares, for a few requests now and then, the token ids computed here with those that the engine stores for them: engines' events name the
/// ids of every block. Only requests of which the engine holds nothing yet are taken, for blocks held already are not stored again. A request
/// is settled once all its blocks were stored, or a while after the engine began to answer: by then its prompt is computed and told.
/// Thread-safe.
/// </summary>
public sealed class PromptParity
{
    /// <summary>Requests compared at the same time.</summary>
    public const int MaxPending = 4;

    /// <summary>Pause between the beginnings of two comparisons, in milliseconds.</summary>
    public const int PauseMs = 500;

    /// <summary>How long events may stay behind an answer, in milliseconds.</summary>
    public const int EventDelayMs = 5000;

    /// <summary>After that an unanswered request is given up, in milliseconds.</summary>
    public const int AnswerLimitMs = 120_000;

    /// <summary>A shorter prompt fills no block of any engine.</summary>
    private const int MinTokens = 16;

    private readonly Lock _gate = new();
    private readonly ParitySample[] _samples = new ParitySample[MaxPending];
    private readonly KvMatch _held = new();
    private KvSource[] _sources = [];
    private long _notBeforeMs = long.MinValue;
    private int _pending;

    /// <summary>Nothing pends.</summary>
    public PromptParity()
    {
        for (var i = 0; i < _samples.Length; i++)
        {
            _samples[i] = new ParitySample();
        }
    }

    /// <summary>Requests that are being compared.</summary>
    public int Pending => Volatile.Read(ref _pending);

    /// <summary>Stands before the target of one source's events, and sees them pass.</summary>
    public ParityTap Before(IKvEventTarget next, KvSource source)
    {
        lock (_gate)
        {
            _sources = [.. _sources, source];
        }

        return new ParityTap(this, next);
    }

    /// <summary>
    /// Told where a request went; takes it for comparison if it is time for one and the request can tell something. The ticket is for
    /// <see cref="Answered"/>.
    /// </summary>
    public ParityTicket Offer(RoutingRequest request, Endpoint endpoint)
    {
        var tokens = request.Tokens;
        if (!tokens.IsComputed || request.NowMs < Volatile.Read(ref _notBeforeMs) || tokens.PromptCount != 1 || tokens.Count < MinTokens)
        {
            return default;
        }

        lock (_gate)
        {
            var free = Free();
            if (free < 0 || request.NowMs < _notBeforeMs || IsHeld(request, endpoint.Index.Value))
            {
                return default;
            }

            Volatile.Write(ref _notBeforeMs, request.NowMs + PauseMs);
            _samples[free].Begin(endpoint, request.TargetModel, tokens.Prompt(0), request.NowMs);
            Volatile.Write(ref _pending, _pending + 1);
            return new ParityTicket(free + 1, _samples[free].Number);
        }
    }

    /// <summary>The engine began to answer, or refused.</summary>
    public void Answered(ParityTicket ticket, bool isServed, long nowMs)
    {
        lock (_gate)
        {
            var sample = _samples[ticket.Slot - 1];
            if (sample.Endpoint is null || sample.Number != ticket.Number)
            {
                return;
            }

            sample.AnsweredMs = nowMs;
            if (!isServed)
            {
                End(sample);
            }
        }
    }

    /// <summary>Takes one request that is settled; false where there is none. Those that told nothing end silently.</summary>
    public bool TrySettle(long nowMs, out ParityOutcome outcome)
    {
        outcome = default;
        if (Pending == 0)
        {
            return false;
        }

        lock (_gate)
        {
            foreach (var sample in _samples)
            {
                if (sample.Endpoint is not { } endpoint || !IsDue(sample, nowMs))
                {
                    continue;
                }

                End(sample);
                var verdict = sample.Verdict();
                if (verdict == ParityVerdict.Equal || (verdict == ParityVerdict.Different && sample.AnsweredMs >= 0))
                {
                    outcome = new ParityOutcome(verdict, sample.Model.ToArray(), endpoint, sample.DiffersAt, sample.Ours, sample.Theirs);
                    return true;
                }
            }
        }

        return false;
    }

    internal void Observe(Endpoint endpoint, in KvStored stored)
    {
        lock (_gate)
        {
            foreach (var sample in _samples)
            {
                if (ReferenceEquals(sample.Endpoint, endpoint))
                {
                    sample.Observe(stored);
                }
            }
        }
    }

    private static bool IsDue(ParitySample sample, long nowMs) =>
        sample.IsComplete
        || (sample.AnsweredMs >= 0 ? nowMs - sample.AnsweredMs >= EventDelayMs : nowMs - sample.SentMs >= AnswerLimitMs);

    private int Free()
    {
        for (var i = 0; i < _samples.Length; i++)
        {
            if (_samples[i].Endpoint is null)
            {
                return i;
            }
        }

        return -1;
    }

    private void End(ParitySample sample)
    {
        sample.End();
        Volatile.Write(ref _pending, _pending - 1);
    }

    /// <summary>Whether the endpoint holds the first block of any of the request's chains.</summary>
    private bool IsHeld(RoutingRequest request, ushort slot)
    {
        foreach (var match in request.PrefixMatches)
        {
            for (var chain = 0; match.IsPrecise && chain < match.Hashes.PromptCount; chain++)
            {
                foreach (var source in match.Hashes.Prompt(chain).IsEmpty ? [] : _sources)
                {
                    source.Index.Find(match.Hashes.Prompt(chain)[..1], _held);
                    for (var i = 0; i < _held.Count; i++)
                    {
                        if (_held.Owner(i) == slot)
                        {
                            return true;
                        }
                    }
                }
            }
        }

        return false;
    }
}
