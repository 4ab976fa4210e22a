using LiteKube.Apis.Schema;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Admission.Policies;
using LiteKube.ApiServer.Admission.Webhooks;
using LiteKube.ApiServer.Audit;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authentication.Oidc;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Bootstrap;
using LiteKube.ApiServer.Certificates;
using LiteKube.ApiServer.Discovery;
using LiteKube.ApiServer.Endpoints;
using LiteKube.ApiServer.Endpoints.Subresources;
using LiteKube.ApiServer.Extensions.Aggregation;
using LiteKube.ApiServer.Extensions.CustomResources;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.FlowControl;
using LiteKube.ApiServer.Metrics;
using LiteKube.ApiServer.Proxy;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;
using LiteKube.Storage;
using Microsoft.Extensions.Logging;

namespace LiteKube.ApiServer;

/// <summary>The server's parts put together once its keys are there. Reads from the store outwards, in the order in which one needs the other.</summary>
internal sealed class ServerParts : IAsyncDisposable
{
    private readonly RbacAuthorizer _rbac;
    private readonly NodeAuthorizer _nodes;
    private readonly BackendConnector _connector;
    private readonly WebhookCaller _webhooks;
    private readonly AdmissionMetrics _admissionMetrics = new();
    private readonly AdmissionRunner _admission;
    private readonly AuditMetrics _auditMetrics = new();
    private readonly AuditTrail? _audit;

    public ServerParts(ApiServerOptions options, IStateStore store, ClusterPki pki, IReadOnlyList<HealthCheck> checks, StoreHealth storeHealth, ILoggerFactory logs, TimeProvider time, CancellationToken stopping)
    {
        _audit = AuditTrail.Open(options.Audit, _auditMetrics, time, logs);
        Reader = new ObjectReader(store, logs.CreateLogger<ObjectReader>());
        var strategies = new StrategyRegistry();
        var addresses = new ServiceAddresses(Reader, options.ServiceCidr);
        BuiltInStrategies.Register(strategies, Reader, addresses, () => Writer!, options, time);
        strategies.Register(Definition.Resource.Group, Definition.Resource.Resource, info => new DefinitionStrategy(info, time, name => CustomResources!.Refresh(name)));
        var webhooks = new WebhookConfigurations(Reader);
        webhooks.Register(strategies);
        var policies = new PolicyParts(Reader);
        policies.Register(strategies, new PolicyAuthorization(() => Authorizer!, () => Resources, Reader));
        var apiServices = new ApiServiceIndex(Reader);
        strategies.Register(ApiService.Resource.Group, ApiService.Resource.Resource, info => new ApiServiceStrategy(info, time, apiServices.Invalidate));
        _webhooks = new WebhookCaller(new ProxyTargets(Reader, new NodeLocator(Reader)), time);
        CustomResources = new CustomResourceSet(new ResourceTable(ResourceCatalog.BuiltIn, strategies), Reader, new ServingFactory(_webhooks));

        _rbac = new RbacAuthorizer(Reader);
        _nodes = new NodeAuthorizer(Reader);
        Authorizer = new AuthorizerChain(_nodes, _rbac);
        var signingKey = new TokenSigningKey(pki.ServiceAccountKey);
        string[] audiences = [options.ServiceAccountIssuer];
        Tokens = new TokenIssuer(signingKey, options.ServiceAccountIssuer, audiences, Reader, time);
        LegacyTokens = new LegacyTokenUse(Reader, () => Writer!, time, logs.CreateLogger<LegacyTokenUse>());
        Issuers = new TokenIssuers(options.Authentication, options.ServiceAccountIssuer, audiences, time, logs);
        var tokenAuthenticator = new BearerTokenAuthenticator(audiences,
            [new ServiceAccountTokenAuthenticator(signingKey, options.ServiceAccountIssuer, audiences, Reader, time, LegacyTokens), new BootstrapTokenAuthenticator(audiences, Reader, time), Issuers]);
        Authenticator = new AuthenticatorChain(
            new RequestHeaderAuthenticator(pki.FrontProxyAuthority, [RequestHeaderAuthenticator.OwnName], time), new ClientCertificateAuthenticator(pki.CertificateAuthority, time), tokenAuthenticator);

        var dispatcher = new WebhookDispatcher(_webhooks, Reader, Authorizer, _admissionMetrics, time, logs.CreateLogger<WebhookDispatcher>());
        var targets = new PolicyTargets(Reader, Authorizer, new PolicyParameters(store, () => Resources));
        var tokenSecret = new ServiceAccountTokenSecret(Reader, Tokens, pki.CertificateAuthorityPem);
        var plugins = AdmissionChain.Build(Reader, Authorizer, _rbac, time, tokenSecret,
            policies.Mutating(targets), new MutatingWebhooks(webhooks, dispatcher), policies.Validating(targets), new ValidatingWebhooks(webhooks, dispatcher));
        _admission = new AdmissionRunner(plugins);
        Registry = new ObjectRegistry(store, _admission, time, options.NameSuffix);
        Writer = new InternalWriter(Registry, () => Resources);
        var definitions = new DefinitionController(Reader, Registry, CustomResources, time, logs.CreateLogger<DefinitionController>());
        var policyStatus = new PolicyStatusController(Reader, Registry, () => Resources);
        var aggregator = new ClusterRoleAggregator(Reader, Writer);
        var bootstrapTokens = new BootstrapTokens(store, Reader, Writer, time, logs.CreateLogger<BootstrapTokens>());
        var tokenSecrets = new TokenSecrets(store, Reader, Writer, tokenSecret, logs.CreateLogger<TokenSecrets>());
        Bootstrap = new ClusterBootstrap(Reader, Writer, pki, options, time);
        var kept = logs.CreateLogger<BootstrapKeeper>();
        var authenticationConfig = new BootstrapKeeper(store, CoreResources.ConfigMaps, $"kube-system/{BootstrapObjects.AuthenticationConfigName}", Bootstrap.ReconcileAuthenticationConfigAsync, time, kept);
        var serviceRange = new BootstrapKeeper(store, CoreResources.ServiceCidrs, ServiceAddresses.DefaultRange, Bootstrap.EnsureServiceRangeAsync, time, kept);
        var expiry = new EventExpiry(store, time, logs.CreateLogger<EventExpiry>());

        _connector = new BackendConnector(pki, time);
        Aggregation = new AggregationLayer(apiServices, Reader, Registry, () => Resources, new UpgradeRelay(_connector, logs.CreateLogger<UpgradeRelay>()), pki, time, logs);
        Health = new HealthEndpoints(checks);
        Flows = new FlowController(options.MaxRequestsInFlight, time);
        Pipeline = BuildPipeline(new OpenIdDocuments(signingKey, options.ServiceAccountIssuer), tokenAuthenticator, store, storeHealth, logs, time);
        InProcess = new InProcessAdapter(Pipeline, stopping);
        FlowConfiguration = new FlowConfiguration(Flows, Reader, InProcess, time, logs.CreateLogger<FlowConfiguration>());
        Background =
        [
            aggregator.RunAsync, expiry.RunAsync, definitions.RunAsync, policyStatus.RunAsync, authenticationConfig.RunAsync, serviceRange.RunAsync, FlowConfiguration.RunAsync, Aggregation.RunAsync,
            LegacyTokens.RunAsync, bootstrapTokens.RunAsync, tokenSecrets.RunAsync, new LegacyTokenCleaner(Reader, Writer, time).RunAsync, Issuers.RunAsync,
            new ServiceAddressRepair(Reader, Writer, addresses, logs.CreateLogger<ServiceAddressRepair>()).RunAsync,
        ];
    }

    public ObjectReader Reader { get; }
    /// <summary>The table of this moment: CRDs change it.</summary>
    public ResourceTable Resources => CustomResources.Table;
    public CustomResourceSet CustomResources { get; }
    public ObjectRegistry Registry { get; }
    public InternalWriter Writer { get; }
    public IAuthenticator Authenticator { get; }
    public TokenIssuers Issuers { get; }
    public LegacyTokenUse LegacyTokens { get; }
    /// <summary>What runs beside the requests for as long as the server does.</summary>
    public IReadOnlyList<Func<CancellationToken, Task>> Background { get; }
    public IAuthorizer Authorizer { get; }
    public TokenIssuer Tokens { get; }
    public ClusterBootstrap Bootstrap { get; }
    public AggregationLayer Aggregation { get; }
    public HealthEndpoints Health { get; }
    public FlowController Flows { get; }
    public FlowConfiguration FlowConfiguration { get; }
    public RequestPipeline Pipeline { get; }
    public InProcessAdapter InProcess { get; }
    public ComponentMetrics ComponentMetrics { get; } = new();

    public async ValueTask DisposeAsync()
    {
        CustomResources.Dispose();
        Issuers.Dispose();
        Aggregation.Dispose();
        _webhooks.Dispose();
        _connector.Dispose();
        _nodes.Dispose();
        _rbac.Dispose();
        await Reader.DisposeAsync();
        if (_audit is not null) await _audit.DisposeAsync();
    }

    private RequestPipeline BuildPipeline(OpenIdDocuments openId, BearerTokenAuthenticator tokenAuthenticator, IStateStore store, StoreHealth storeHealth, ILoggerFactory logs, TimeProvider time)
    {
        var watches = new WatchCounts();
        var gate = new FlowGate(Flows, new WorkEstimator(store, () => Resources, watches, time), watches, time);
        var metrics = new ServerMetrics(time, gate, Flows, () => [("apiserver_storage_revision", "Newest committed revision of the store.", store.CurrentRevision)], _admissionMetrics, _auditMetrics, ComponentMetrics);
        var responder = new ObjectResponder(time);
        var read = new ReadEndpoints(Registry, responder, time);
        var write = new WriteEndpoints(Registry, responder, Authorizer, time);
        var delete = new DeleteEndpoints(Registry, responder, read);
        var resources = new ResourceEndpoints(() => Resources, read, write, delete, Subresources(tokenAuthenticator, responder, store, logs, time), Aggregation.Proxy);
        var documents = new Dictionary<string, StaticDocument>(StringComparer.Ordinal)
        {
            [OpenIdDocuments.ConfigurationPath] = new(openId.Configuration, OpenIdDocuments.ConfigurationContentType, OpenIdDocuments.CacheControl),
            [OpenIdDocuments.KeysPath] = new(openId.Keys, OpenIdDocuments.KeysContentType, OpenIdDocuments.CacheControl),
        };
        var others = new NonResourceEndpoints(Aggregation.Discovery(() => Resources), Aggregation.OpenApi(() => Resources), Health, metrics, new FlowDump(Flows, time), documents, Aggregation.Proxy);
        return new RequestPipeline(Authorizer, resources, others, gate, new RequestDeadlines(time), storeHealth, metrics, _audit, logs.CreateLogger<RequestPipeline>());
    }

    private Dictionary<string, ISubresource> Subresources(BearerTokenAuthenticator tokenAuthenticator, ObjectResponder responder, IStateStore store, ILoggerFactory logs, TimeProvider time)
    {
        var access = new AccessReviews(Authorizer, _rbac);
        var tokens = new TokenReviews(tokenAuthenticator);
        var nodes = new NodeLocator(Reader);
        var relay = new HttpRelay(_connector);
        var upgrades = new UpgradeRelay(_connector, logs.CreateLogger<UpgradeRelay>());
        var streams = new PodStreamEndpoint(nodes, upgrades, _admission, Authorizer);
        var binding = new BindingEndpoint(Registry, _admission, () => Resources, time);
        return new(StringComparer.Ordinal)
        {
            [ResourceEndpoints.KeyOf("", "scale")] = new ScaleEndpoint(Registry, _admission, responder, time),
            [ResourceEndpoints.KeyOf(ResourceEndpoints.CustomResources, "scale")] = new CustomScaleEndpoint(Registry, _admission, responder, time),
            [ResourceEndpoints.KeyOf("bindings", "")] = binding,
            [ResourceEndpoints.KeyOf("pods", "binding")] = binding,
            [ResourceEndpoints.KeyOf("pods", "eviction")] = new EvictionEndpoint(Registry, _admission, Reader, () => Resources, time),
            [ResourceEndpoints.KeyOf("serviceaccounts", "token")] = new TokenEndpoint(Tokens, _admission, () => Resources),
            [ResourceEndpoints.KeyOf("componentstatuses", "")] = new ComponentStatusEndpoint(Health.Checks, responder, store),
            [ResourceEndpoints.KeyOf("pods", "exec")] = streams,
            [ResourceEndpoints.KeyOf("pods", "attach")] = streams,
            [ResourceEndpoints.KeyOf("pods", "portforward")] = streams,
            [ResourceEndpoints.KeyOf("pods", "log")] = new PodLogEndpoint(nodes, relay, _connector),
            [ResourceEndpoints.KeyOf("", "proxy")] = new ProxyEndpoint(new ProxyTargets(Reader, nodes), relay, upgrades, _admission),
            [ResourceEndpoints.KeyOf("subjectaccessreviews", "")] = new ReviewEndpoint((_, _, review) => access.EvaluateSubject(review)),
            [ResourceEndpoints.KeyOf("selfsubjectaccessreviews", "")] = new ReviewEndpoint((user, _, review) => access.EvaluateSelf(user, review)),
            [ResourceEndpoints.KeyOf("selfsubjectrulesreviews", "")] = new ReviewEndpoint((user, _, review) => access.EvaluateRules(user, review)),
            [ResourceEndpoints.KeyOf("localsubjectaccessreviews", "")] = new ReviewEndpoint((_, ns, review) => access.EvaluateLocal(ns, review)),
            [ResourceEndpoints.KeyOf("tokenreviews", "")] = new ReviewEndpoint((_, _, review, cancellationToken) => tokens.EvaluateAsync(review, cancellationToken)),
            [ResourceEndpoints.KeyOf("selfsubjectreviews", "")] = new ReviewEndpoint((user, _, review) => TokenReviews.EvaluateSelf(user, review, time.GetUtcNow())),
        };
    }
}
