namespace Epp.Aot.Telemetry;

/// <summary>Flushes the pool gauges periodically (flag <c>refresh-prometheus-metrics-interval</c>, default 5 s) until disposed.</summary>
public sealed class PoolGaugeTimer : IDisposable
{
    private readonly ITimer _timer;

    /// <param name="metrics">Whose gauges to flush.</param>
    /// <param name="interval">Period of the flush.</param>
    /// <param name="time">Clock of the timer.</param>
    public PoolGaugeTimer(EppMetrics metrics, TimeSpan interval, TimeProvider time)
    {
        _timer = time.CreateTimer(static m => ((EppMetrics)m!).RefreshPoolGauges(), metrics, interval, interval);
    }

    public void Dispose() => _timer.Dispose();
}
