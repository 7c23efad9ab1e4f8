using System.Reflection;
using BenchmarkDotNet.Attributes;

namespace Epp.Bench.Running;

/// <summary>One benchmark with its parameters set and its setup done.</summary>
/// <param name="Name"><c>Class.Method</c>, then the parameters: <c>RequestScannerBench.Scan(Bytes: 900)</c>.</param>
/// <param name="Call">Runs it once.</param>
internal sealed record BenchmarkCall(string Name, Action Call);

/// <summary>
/// Every benchmark of this assembly, for the checks that run without BenchmarkDotNet's measuring. Understands what the benchmarks use:
/// <see cref="ParamsAttribute"/>, <see cref="GlobalSetupAttribute"/>, methods without arguments.
/// </summary>
internal static class BenchmarkSet
{
    public static IEnumerable<BenchmarkCall> All() =>
        from type in typeof(BenchmarkSet).Assembly.GetTypes().OrderBy(t => t.FullName, StringComparer.Ordinal)
        let methods = With<BenchmarkAttribute>(type)
        where methods.Count > 0
        from values in Combinations([.. type.GetProperties().Where(p => p.GetCustomAttribute<ParamsAttribute>() is not null)])
        from method in methods
        select Prepare(type, values, method);

    private static BenchmarkCall Prepare(Type type, List<(PropertyInfo Property, object? Value)> values, MethodInfo method)
    {
        var instance = Activator.CreateInstance(type)!;
        foreach (var (property, value) in values)
        {
            property.SetValue(instance, value);
        }

        foreach (var setup in With<GlobalSetupAttribute>(type))
        {
            setup.Invoke(instance, null);
        }

        var parameters = string.Join(", ", values.Select(v => $"{v.Property.Name}: {v.Value}"));
        return new BenchmarkCall($"{type.Name}.{method.Name}{(parameters.Length > 0 ? $"({parameters})" : "")}", ToAction(instance, method));
    }

    private static List<MethodInfo> With<TAttribute>(Type type)
        where TAttribute : Attribute =>
        [.. type.GetMethods().Where(m => m.GetCustomAttribute<TAttribute>() is not null)];

    private static IEnumerable<List<(PropertyInfo Property, object? Value)>> Combinations(PropertyInfo[] properties)
    {
        IEnumerable<List<(PropertyInfo, object?)>> combinations = [[]];
        foreach (var property in properties)
        {
            var values = property.GetCustomAttribute<ParamsAttribute>()!.Values;
            combinations = combinations.SelectMany(c => values.Select(v => new List<(PropertyInfo, object?)>([.. c, (property, v)])));
        }

        return combinations;
    }

    // A typed delegate, because reflection's own call would box the result and count as allocation.
    private static Action ToAction(object instance, MethodInfo method)
    {
        if (method.ReturnType == typeof(void))
        {
            return method.CreateDelegate<Action>(instance);
        }

        var wrap = typeof(BenchmarkSet).GetMethod(nameof(Discard), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(method.ReturnType);
        return (Action)wrap.Invoke(null, [method.CreateDelegate(typeof(Func<>).MakeGenericType(method.ReturnType), instance)])!;
    }

    private static Action Discard<T>(Func<T> call) => () => call();
}
