using System.Text;
using Epp.Native.KvEvents.Engines;

namespace Epp.Native.Tests.KvEvents;

/// <summary>What an engine's sequence numbers say, and the names in its topics.</summary>
[Trait("Category", "Unit")]
public sealed class EngineSequenceTests
{
    [Fact]
    public void Numbers_InOrder_Apply_GapsShow()
    {
        var sequence = new EngineSequence();
        Assert.Equal(EngineStep.Apply, Take(sequence, 0));
        Assert.Equal(EngineStep.Apply, Take(sequence, 1));
        Assert.Equal(EngineStep.Gap, sequence.Observe(5));
        Assert.Equal(1UL, sequence.ReplayStart);
        Assert.True(sequence.Recognises(1, 1000 + 1));
        Assert.False(sequence.Recognises(1, 7));
        Assert.False(sequence.Recognises(0, 1000));
    }

    [Fact]
    public void FirstNumber_AboveZero_IsAGapToBeFilled() => Assert.Equal(EngineStep.Gap, new EngineSequence().Observe(3));

    [Fact]
    public void Numbers_NotGrowing_OnOneConnection_AreAnotherEngine()
    {
        var sequence = new EngineSequence();
        Take(sequence, 0);
        Take(sequence, 1);
        Assert.Equal(EngineStep.Restart, sequence.Observe(1));
        sequence.Reset();
        Assert.False(sequence.HasState);
        Assert.Equal(0UL, sequence.ReplayStart);
    }

    [Fact]
    public void LowerNumber_AfterAReplay_IsARepetition_WithoutOne_AnotherEngine()
    {
        var sequence = new EngineSequence();
        sequence.BeginConnection();
        sequence.Applied(4, 0);
        sequence.Replayed();
        Assert.Equal(EngineStep.Duplicate, sequence.Observe(3));
        Assert.Equal(EngineStep.Duplicate, sequence.Observe(4));
        Assert.Equal(EngineStep.Apply, sequence.Observe(5));
        sequence.BeginConnection();
        Assert.Equal(EngineStep.Restart, sequence.Observe(3));
    }

    [Theory]
    [InlineData("kv@pod-1@m/x", "pod-1", "m/x")]
    [InlineData("kv@pod-1", "kv@pod-1", "")]
    [InlineData("kv@a@b@c", "kv@a@b@c", "")]
    [InlineData("@@", "", "")]
    [InlineData("", "", "")]
    public void Topic_OfThreeParts_NamesPodAndModel(string topic, string pod, string model)
    {
        EngineTopic.Split(Encoding.UTF8.GetBytes(topic), out var foundPod, out var foundModel);
        Assert.Equal((pod, model), (Encoding.UTF8.GetString(foundPod), Encoding.UTF8.GetString(foundModel)));
    }

    private static EngineStep Take(EngineSequence sequence, ulong number)
    {
        var step = sequence.Observe(number);
        sequence.Applied(number, 1000 + number);
        return step;
    }
}
