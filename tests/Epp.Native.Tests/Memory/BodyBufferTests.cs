using Epp.Native.Memory;

namespace Epp.Native.Tests.Memory;

[Trait("Category", "Unit")]
[Collection("Segments")]
public class BodyBufferTests
{
    [Fact]
    public void Append_RandomPieces_ReadsBackTheSame()
    {
        const int Seed = 61;
        var random = new Random(Seed);
        for (var round = 0; round < 15; round++)
        {
            using var buffer = new BodyBuffer();
            var expected = new List<byte>();
            var pieces = random.Next(12);
            for (var i = 0; i < pieces; i++)
            {
                var piece = new byte[random.Next(30000)];
                random.NextBytes(piece);
                buffer.Append(piece);
                expected.AddRange(piece);
            }

            Assert.Equal(expected.Count, buffer.Length);
            var copy = new byte[buffer.Length];
            buffer.CopyTo(0, copy);
            Assert.Equal(expected, copy);

            var from = random.Next(buffer.Length + 1);
            var part = new byte[random.Next(buffer.Length - from + 1)];
            buffer.CopyTo(from, part);
            Assert.True(copy.AsSpan(from, part.Length).SequenceEqual(part), $"seed {Seed}, round {round}");

            var joined = new List<byte>();
            for (var s = 0; s < buffer.SegmentCount; s++)
            {
                joined.AddRange(buffer.Segment(s).ToArray());
            }

            Assert.Equal(expected, joined);
        }
    }

    [Fact]
    public void Slice_AtAndBeyondTheEnd_IsEmpty()
    {
        using var buffer = new BodyBuffer();
        Assert.True(buffer.Slice(0, 10).IsEmpty);
        buffer.Append(new byte[4096]);
        Assert.Equal(1, buffer.Slice(4095, 10).Length);
        Assert.True(buffer.Slice(4096, 10).IsEmpty);
        Assert.True(buffer.Slice(0, 0).IsEmpty);
    }

    [Fact]
    public void Dispose_ReturnsEverySegment_AndTheBufferIsReusable()
    {
        var before = BodyBuffer.OutstandingSegments;
        var buffer = new BodyBuffer();
        buffer.Append(new byte[200_000]);
        Assert.Equal(before + buffer.SegmentCount, BodyBuffer.OutstandingSegments);
        buffer.Dispose();
        buffer.Dispose();
        Assert.Equal(before, BodyBuffer.OutstandingSegments);
        buffer.Append("ab"u8);
        Assert.Equal("ab"u8, buffer.Segment(0));
        buffer.Dispose();
    }

    [Fact]
    public void CopyTo_OutsideTheBuffer_IsRefused()
    {
        using var buffer = new BodyBuffer();
        buffer.Append("abc"u8);
        Assert.Throws<ArgumentOutOfRangeException>(() => buffer.CopyTo(2, new byte[2]));
    }
}

/// <summary>Counts what the whole process has rented, so nobody else may rent meanwhile.</summary>
[CollectionDefinition("Segments", DisableParallelization = true)]
public sealed class SegmentsCollection;
