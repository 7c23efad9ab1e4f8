namespace Epp.Aot.KvEvents.Dynamo;

/// <summary>Names of Dynamo's durable mode (kv-routing §2.4).</summary>
internal static class JetStreamNames
{
    /// <summary>Stream of a component's events.</summary>
    public static string Stream(string space, string component) => Slug($"namespace.{space}.component.{component}.kv-events");

    /// <summary>Bucket of a component's snapshot; the object in it is <see cref="SnapshotObject"/>.</summary>
    public static string Bucket(string space, string component) => Slug($"namespace.{space}.component.{component}-radix-bucket");

    /// <summary>Name of the snapshot.</summary>
    public const string SnapshotObject = "radix-state";

    /// <summary>Lower case; what is neither letter, digit nor dash becomes a dash.</summary>
    private static string Slug(string name) => string.Create(name.Length, name, static (slug, from) =>
    {
        for (var i = 0; i < slug.Length; i++)
        {
            var c = char.ToLowerInvariant(from[i]);
            slug[i] = char.IsAsciiLetterOrDigit(c) ? c : '-';
        }
    });
}
