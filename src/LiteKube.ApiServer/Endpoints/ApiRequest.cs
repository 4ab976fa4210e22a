using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.FlowControl;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>A request on its way through the pipeline, however it came: over HTTP or from a component of this process.</summary>
internal abstract class ApiRequest : IOperationOptions
{
    private QueryParameters? _query;
    private List<string>? _warnings;

    /// <summary>Upper case.</summary>
    public required string Method { get; init; }

    /// <summary>Decoded, without the query.</summary>
    public required string Path { get; init; }

    public required string RawQuery { get; init; }
    public string? ContentType { get; init; }
    public string? Accept { get; init; }
    public string? IfNoneMatch { get; init; }
    /// <summary>Null: a component of this process, which is known by its user.</summary>
    public string? UserAgent { get; init; }
    public required UserInfo User { get; init; }
    /// <summary>Who acts as <see cref="User"/>; null: the user itself.</summary>
    public UserInfo? OriginalUser { get; init; }
    /// <summary>The verb that allowed a constrained impersonation; "" of others.</summary>
    public string ImpersonationConstraint { get; init; } = "";
    /// <summary>False: the credentials were refused, and <see cref="User"/> is nobody.</summary>
    public bool IsAuthenticated { get; init; } = true;

    /// <summary>What is recorded of this request; null when nothing is.</summary>
    public AuditedRequest? Audit { get; set; }
    /// <summary>Path and query as they were sent.</summary>
    public virtual string RequestUri => Path + RawQuery;
    /// <summary>From where it came, the client first and then the proxies that it names.</summary>
    public virtual IReadOnlyList<string> SourceAddresses => LocalAddress;
    private static readonly string[] LocalAddress = ["127.0.0.1"];

    /// <summary>A header of the request; null when it has none, or there are no headers.</summary>
    public virtual string? Header(string name) => null;

    public QueryParameters Query => _query ??= QueryParameters.Parse(RawQuery);

    /// <summary>Set by the pipeline's first step.</summary>
    public RequestInfo Info { get; set; } = null!;

    /// <summary>What it falls under; null until it is classified, and for connections.</summary>
    public FlowTarget? Flow { get; set; }

    public Seat Seat { get; set; }

    /// <summary>Its watch is among those that writes are charged for.</summary>
    public bool IsCountedWatch { get; set; }

    /// <summary>Null: nothing limits its time.</summary>
    public RequestDeadline? Deadline { get; set; }

    public List<string> Warnings => _warnings ??= [];
    public bool HasWarnings => _warnings is { Count: > 0 };

    JsonObject IOperationOptions.Describe(AdmissionOperation operation) => WriteOptions.Describe(this, operation);

    /// <summary>The whole body.</summary>
    /// <exception cref="ApiException">413: it is larger than the limit.</exception>
    public abstract ValueTask<ReadOnlyMemory<byte>> ReadBodyAsync(CancellationToken cancellationToken);
}
