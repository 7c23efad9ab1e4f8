using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Epp.Aot.Kubernetes;

/// <summary>The part of <c>metadata</c> that is used.</summary>
internal sealed record ObjectMeta
{
    public string Name { get; init; } = "";

    public string? Namespace { get; init; }

    public string? Uid { get; init; }

    public string? ResourceVersion { get; init; }

    public DateTimeOffset? CreationTimestamp { get; init; }

    public string? DeletionTimestamp { get; init; }

    public Dictionary<string, string>? Labels { get; init; }

    public Dictionary<string, string>? Annotations { get; init; }
}

/// <summary>Any object with metadata.</summary>
internal abstract record KubeObject
{
    public ObjectMeta? Metadata { get; init; }
}

/// <summary>An object of which only metadata matter: bookmarks.</summary>
internal sealed record AnyObject : KubeObject;

/// <summary>Pod v1.</summary>
internal sealed record Pod : KubeObject
{
    public PodStatus? Status { get; init; }
}

internal sealed record PodStatus
{
    public string? PodIP { get; init; }

    public List<PodCondition?>? Conditions { get; init; }
}

internal sealed record PodCondition
{
    public string? Type { get; init; }

    public string? Status { get; init; }
}

/// <summary>InferencePool of <c>inference.networking.k8s.io/v1</c>.</summary>
internal sealed record InferencePoolV1 : KubeObject
{
    public InferencePoolV1Spec? Spec { get; init; }
}

internal sealed record InferencePoolV1Spec
{
    public LabelSelector? Selector { get; init; }

    public List<TargetPort?>? TargetPorts { get; init; }

    public string? AppProtocol { get; init; }
}

internal sealed record LabelSelector
{
    public Dictionary<string, string>? MatchLabels { get; init; }
}

internal sealed record TargetPort
{
    public int Number { get; init; }
}

/// <summary>InferencePool of <c>inference.networking.x-k8s.io/v1alpha2</c>.</summary>
internal sealed record InferencePoolV1Alpha2 : KubeObject
{
    public InferencePoolV1Alpha2Spec? Spec { get; init; }
}

internal sealed record InferencePoolV1Alpha2Spec
{
    public Dictionary<string, string>? Selector { get; init; }

    public int TargetPortNumber { get; init; }
}

/// <summary>InferenceObjective v1alpha2 of either group.</summary>
internal sealed record ObjectiveObject : KubeObject
{
    public ObjectiveSpec? Spec { get; init; }
}

internal sealed record ObjectiveSpec
{
    public int? Priority { get; init; }

    public PoolRef? PoolRef { get; init; }
}

internal sealed record PoolRef
{
    public string? Group { get; init; }

    public string? Name { get; init; }
}

/// <summary>InferenceModelRewrite v1alpha2 of either group.</summary>
internal sealed record RewriteObject : KubeObject
{
    public RewriteSpec? Spec { get; init; }
}

internal sealed record RewriteSpec
{
    public PoolRef? PoolRef { get; init; }

    public List<RewriteRule?>? Rules { get; init; }
}

internal sealed record RewriteRule
{
    public List<RewriteMatch?>? Matches { get; init; }

    /// <summary>The weighted targets since v1.5.0 and in <c>llm-d.ai</c>.</summary>
    public List<RewriteTarget?>? Targets { get; init; }

    /// <summary>The weighted targets in v1.2.1.</summary>
    public List<RewriteTarget?>? Split { get; init; }
}

internal sealed record RewriteMatch
{
    public RewriteModel? Model { get; init; }
}

internal sealed record RewriteModel
{
    public string? Type { get; init; }

    public string? Value { get; init; }
}

internal sealed record RewriteTarget
{
    public string? ModelRewrite { get; init; }

    public int? Weight { get; init; }
}

/// <summary>One page of a list.</summary>
internal sealed record KubeList<T>
    where T : KubeObject
{
    public ListMeta? Metadata { get; init; }

    public List<T?>? Items { get; init; }
}

internal sealed record ListMeta
{
    public string? ResourceVersion { get; init; }

    public string? Continue { get; init; }
}

/// <summary>What the API server answers instead of an object.</summary>
internal sealed record KubeStatus
{
    public string? Message { get; init; }

    public string? Reason { get; init; }

    public int? Code { get; init; }

    public StatusDetails? Details { get; init; }
}

internal sealed record StatusDetails
{
    public int? RetryAfterSeconds { get; init; }
}

/// <summary>Answer of discovery for one group and version.</summary>
internal sealed record ResourceList
{
    public List<ResourceEntry?>? Resources { get; init; }
}

internal sealed record ResourceEntry
{
    public string? Name { get; init; }
}

/// <summary>TokenReview of <c>authentication.k8s.io/v1</c>.</summary>
internal sealed record TokenReview
{
    public string ApiVersion { get; init; } = "authentication.k8s.io/v1";

    public string Kind { get; init; } = "TokenReview";

    public TokenReviewSpec? Spec { get; init; }

    public TokenReviewStatus? Status { get; init; }
}

internal sealed record TokenReviewSpec(string Token);

internal sealed record TokenReviewStatus
{
    public bool Authenticated { get; init; }

    public UserInfo? User { get; init; }

    public string? Error { get; init; }
}

internal sealed record UserInfo
{
    public string? Username { get; init; }

    public string? Uid { get; init; }

    public List<string>? Groups { get; init; }

    public Dictionary<string, List<string>>? Extra { get; init; }
}

/// <summary>SubjectAccessReview of <c>authorization.k8s.io/v1</c>.</summary>
internal sealed record SubjectAccessReview
{
    public string ApiVersion { get; init; } = "authorization.k8s.io/v1";

    public string Kind { get; init; } = "SubjectAccessReview";

    public SubjectAccessReviewSpec? Spec { get; init; }

    public SubjectAccessReviewStatus? Status { get; init; }
}

internal sealed record SubjectAccessReviewSpec
{
    public string? User { get; init; }

    public string? Uid { get; init; }

    public List<string>? Groups { get; init; }

    public Dictionary<string, List<string>>? Extra { get; init; }

    public NonResourceAttributes? NonResourceAttributes { get; init; }
}

internal sealed record NonResourceAttributes(string Path, string Verb);

internal sealed record SubjectAccessReviewStatus
{
    public bool Allowed { get; init; }
}

/// <summary>DynamoWorkerMetadata of <c>nvidia.com/v1alpha1</c>: a worker's discovery records.</summary>
internal sealed record DynamoWorkerObject : KubeObject
{
    public DynamoWorkerSpec? Spec { get; init; }
}

internal sealed record DynamoWorkerSpec
{
    public JsonElement? Data { get; init; }
}

/// <summary>Lease of <c>coordination.k8s.io/v1</c>: what is read; an update keeps the fields it does not know.</summary>
internal sealed record LeaseSpec
{
    public string? HolderIdentity { get; init; }

    public int? LeaseDurationSeconds { get; init; }

    public string? AcquireTime { get; init; }

    public string? RenewTime { get; init; }

    public int? LeaseTransitions { get; init; }
}

/// <summary>Readers and writers of the objects above, without reflection.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    GenerationMode = JsonSourceGenerationMode.Metadata,
    MaxDepth = MaxDepth)]
[JsonSerializable(typeof(AnyObject))]
[JsonSerializable(typeof(KubeList<Pod>))]
[JsonSerializable(typeof(KubeList<ConfigMap>))]
[JsonSerializable(typeof(KubeList<InferencePoolV1>))]
[JsonSerializable(typeof(KubeList<InferencePoolV1Alpha2>))]
[JsonSerializable(typeof(KubeList<ObjectiveObject>))]
[JsonSerializable(typeof(KubeList<RewriteObject>))]
[JsonSerializable(typeof(KubeList<DynamoWorkerObject>))]
[JsonSerializable(typeof(KubeStatus))]
[JsonSerializable(typeof(ResourceList))]
[JsonSerializable(typeof(TokenReview))]
[JsonSerializable(typeof(SubjectAccessReview))]
[JsonSerializable(typeof(LeaseSpec))]
[JsonSerializable(typeof(JsonObject))]
internal sealed partial class KubeJson : JsonSerializerContext
{
    /// <summary>Nesting of the deepest object read; a pod's is below 20.</summary>
    public const int MaxDepth = 64;
}
