namespace Epp.Aot.Telemetry;

/// <summary>Upper bounds of every histogram, as the reference picker has them (contract §7); +Inf is implied.</summary>
internal static class Buckets
{
    public static readonly double[] Latency =
    [
        .005, .025, .05, .1, .2, .4, .6, .8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 120, 180, 240, 300, 360, 480, 600, 900, 1200,
        1800, 2700, 3600,
    ];

    public static readonly double[] RequestBytes = Doubling(64, 25);

    // 32778 is the reference's own bound, kept so that series of both pickers add up.
    public static readonly double[] ResponseBytes = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32778, 65536];

    public static readonly double[] InputTokens = [.. ResponseBytes, 131072, 262144, 524288, 1048576];

    public static readonly double[] OutputTokens = [1, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192];

    public static readonly double[] TimePerToken = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10];

    public static readonly double[] Small = [.0001, .0002, .0005, .001, .002, .005, .01, .02, .05, .1];

    public static readonly double[] QueueSeconds = [.0001, .0005, .001, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60];

    public static readonly double[] Confirmation = [.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10];

    public static readonly double[] FirstToken =
        [.005, .025, .05, .1, .2, .4, .6, .8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60, 120];

    public static readonly double[] StreamingTimePerToken =
        [.0005, .00205, .005, .01, .02, .04, .06, .08, .1, .125, .15, .2, .3, .4, .5, .6, .8, 1, 2];

    public static readonly double[] InterToken = [.001, .005, .01, .02, .04, .06, .08, .1, .15, .2, .3, .5, .75, 1, 2];

    public static readonly double[] RequestProcessing = [.0005, .001, .002, .005, .01, .015, .025, .04, .06, .1, .25, .5, 1, 2.5, 5, 10];

    public static readonly double[] ResponseProcessing = [.0001, .00025, .0005, .001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5];

    public static readonly double[] HitRatio = [0, .1, .2, .3, .4, .5, .6, .7, .8, .9, 1];

    public static readonly double[] HitBytes = [0, .. Doubling(16, 13)];

    public static readonly double[] StreamSeconds = [.001, .005, .01, .05, .1, .5, 1, 5, 10, 30, 60, 120, 300, 600];

    /// <summary>A scrape of a healthy worker takes 1 to 20 ms, its deadline is 1 s by default.</summary>
    public static readonly double[] ScrapeSeconds = [.001, .002, .005, .01, .02, .05, .1, .2, .5, 1, 2, 5, 10];

    private static double[] Doubling(long first, int count)
    {
        var bounds = new double[count];
        for (var i = 0; i < count; i++)
        {
            bounds[i] = first << i;
        }

        return bounds;
    }
}
