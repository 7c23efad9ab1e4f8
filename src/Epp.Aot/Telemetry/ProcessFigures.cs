using System.Diagnostics;
using System.Globalization;

namespace Epp.Aot.Telemetry;

/// <summary>Figures of this process for the <c>process_*</c> families, read when asked.</summary>
internal static class ProcessFigures
{
    /// <summary>Unix seconds of the process start; the time of the call where /proc is not mounted.</summary>
    public static double StartSeconds(TimeProvider time)
    {
        try
        {
            using var self = Process.GetCurrentProcess();
            return new DateTimeOffset(self.StartTime.ToUniversalTime()).ToUnixTimeMilliseconds() / 1000.0;
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or System.ComponentModel.Win32Exception or NotSupportedException)
        {
            return time.GetUtcNow().ToUnixTimeMilliseconds() / 1000.0;
        }
    }

    /// <summary>User and system CPU seconds.</summary>
    public static double CpuSeconds => Environment.CpuUsage.TotalTime.TotalSeconds;

    public static double ResidentBytes => Environment.WorkingSet;

    /// <summary>Open file descriptors; null where /proc is not mounted.</summary>
    public static double? OpenFiles
    {
        get
        {
            try
            {
                return Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }

    /// <summary>Limit of open file descriptors; null where /proc is not mounted or there is no limit.</summary>
    public static double? MaxFiles
    {
        get
        {
            try
            {
                var line = File.ReadLines("/proc/self/limits").FirstOrDefault(l => l.StartsWith("Max open files", StringComparison.Ordinal));
                var soft = line?["Max open files".Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
                return double.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null;
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                return null;
            }
        }
    }
}
