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
    public static double? MaxFiles => Number("/proc/self/limits", "Max open files");

    /// <summary>Address space in bytes; null where /proc is not mounted.</summary>
    public static double? VirtualBytes => Number("/proc/self/status", "VmSize:") * 1024;

    /// <summary>Limit of the address space in bytes; no limit is written as the largest number, as the references do.</summary>
    public static double? MaxVirtualBytes => File.Exists("/proc/self/limits") ? Number("/proc/self/limits", "Max address space") ?? ulong.MaxValue : null;

    /// <summary>A counter of IP octets (<c>InOctets</c>, <c>OutOctets</c>) of the process' network namespace; null where /proc does not show it.</summary>
    public static double? NetworkBytes(string counter)
    {
        var lines = Lines("/proc/self/net/netstat", "IpExt:");
        if (lines is not [var names, var values, ..])
        {
            return null;
        }

        var column = Array.IndexOf(names.Split(' '), counter);
        var numbers = values.Split(' ');
        return column > 0 && column < numbers.Length && double.TryParse(numbers[column], NumberStyles.None, CultureInfo.InvariantCulture, out var octets) ? octets : null;
    }

    /// <summary>The first number behind a label of a /proc file; null where there is none.</summary>
    private static double? Number(string path, string label)
    {
        var first = Lines(path, label).FirstOrDefault()?[label.Length..].Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return double.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
    }

    private static string[] Lines(string path, string label)
    {
        try
        {
            return [.. File.ReadLines(path).Where(l => l.StartsWith(label, StringComparison.Ordinal))];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }
}
