using Epp.Native.FlowControl;

namespace Epp.Native.Tests.FlowControl;

[Trait("Category", "Unit")]
public sealed class EvictionQueueProperties
{
    private const int Seed = 20261129;

    /// <summary>Adds, removals from anywhere and takes, against a list that is sorted each time.</summary>
    [Fact]
    public void RandomUse_EqualsASortedList()
    {
        var random = new Random(Seed);
        var queue = new EvictionQueue();
        var model = new List<(EvictionCandidate Candidate, int Order)>();
        var order = 0;
        for (var step = 0; step < 20_000; step++)
        {
            switch (random.Next(4))
            {
                case 0 or 1:
                    var added = new EvictionCandidate(-random.Next(1, 4), random.Next(6));
                    queue.Add(added);
                    model.Add((added, order++));
                    break;
                case 2 when model.Count > 0:
                    var gone = model[random.Next(model.Count)];
                    Assert.True(queue.Remove(gone.Candidate));
                    Assert.False(queue.Remove(gone.Candidate));
                    model.Remove(gone);
                    break;
                default:
                    var demand = -random.Next(0, 4);
                    var expected = model.Where(m => m.Candidate.Priority < demand)
                        .OrderBy(m => m.Candidate.Priority).ThenByDescending(m => m.Candidate.DispatchedMs).ThenByDescending(m => m.Order).FirstOrDefault();
                    Assert.True(queue.Take(demand) == expected.Candidate, $"step {step} of seed {Seed}");
                    model.Remove(expected);
                    break;
            }

            Assert.Equal(model.Count, queue.Count);
        }
    }

    [Fact]
    public void MayEvict_SheddableOnly() => Assert.Equal((true, false, false), (EvictionQueue.MayEvict(-1), EvictionQueue.MayEvict(0), EvictionQueue.MayEvict(5)));
}
