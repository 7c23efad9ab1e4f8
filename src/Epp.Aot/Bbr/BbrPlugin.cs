namespace Epp.Aot.Bbr;

/// <summary>The closed set of plugins of the body-based router (contract §9.3).</summary>
internal enum BbrPluginKind
{
    /// <summary><c>body-field-to-header</c>: a field's value becomes a header.</summary>
    BodyFieldToHeader = 0,

    /// <summary><c>base-model-to-header</c>: the model's base model becomes a header.</summary>
    BaseModelToHeader,
}

/// <summary>One configured plugin. Immutable.</summary>
/// <param name="kind">What it does.</param>
/// <param name="name">Label of its metrics.</param>
/// <param name="field">Field of the body it reads.</param>
/// <param name="header">Header it sets, spelled as configured.</param>
internal sealed class BbrPlugin(BbrPluginKind kind, string name, string field, string header)
{
    public const string BodyFieldToHeader = "body-field-to-header";

    public const string BaseModelToHeader = "base-model-to-header";

    public const string ModelField = "model";

    /// <summary>Sets <c>X-Gateway-Model-Name</c>, with the capitals of the references.</summary>
    public static readonly BbrPlugin ModelToHeader = new(BbrPluginKind.BodyFieldToHeader, BodyFieldToHeader, ModelField, "X-Gateway-Model-Name");

    /// <summary>What runs where no plugin is named.</summary>
    public static readonly IReadOnlyList<BbrPlugin> Defaults = [ModelToHeader, BaseModel(BaseModelToHeader)];

    public BbrPluginKind Kind => kind;

    public string Name => name;

    public string Field { get; } = field;

    public string Header => header;

    /// <summary>The plugin's type as it is configured.</summary>
    public string Type => Kind == BbrPluginKind.BodyFieldToHeader ? BodyFieldToHeader : BaseModelToHeader;

    /// <summary>A plugin that sets <c>X-Gateway-Base-Model-Name</c>.</summary>
    public static BbrPlugin BaseModel(string name) => new(BbrPluginKind.BaseModelToHeader, name, ModelField, "X-Gateway-Base-Model-Name");
}
