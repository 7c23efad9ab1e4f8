using System.Text;
using Epp.Aot.Telemetry;
using Epp.Native.Objectives;

namespace Epp.Aot.ExtProc;

/// <summary>Keeps the model names of rewrites out of the cap on label values: they come from the cluster, not from clients.</summary>
internal static class RewriteNames
{
    public static void Keep(ObjectiveStore objectives, EppMetrics metrics) => objectives.RewritesChanged += rewrites =>
    {
        foreach (var rule in rewrites.SelectMany(r => r.Rules))
        {
            foreach (var model in rule.Models.Concat(rule.Targets.Select(t => t.Model)))
            {
                metrics.KeepModelName(Encoding.UTF8.GetBytes(model));
            }
        }
    };
}
