using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.ServiceAccounts;

/// <summary>
/// Gives each active namespace what its pods need: the ServiceAccount "default", and the ConfigMap kube-root-ca.crt
/// with the cluster's CA (kube-controller-manager's serviceaccount and root-ca-cert-publisher controllers).
/// </summary>
/// <param name="rootCertificateAuthority">PEM.</param>
internal sealed class NamespaceDefaultsController(IKubeClient accounts, IKubeClient publisher, ISharedInformers informers, string rootCertificateAuthority, TimeProvider timeProvider) : IReconciler
{
    private const string AccountName = "default";
    private const string ConfigMapName = "kube-root-ca.crt";
    private const string CertificateKey = "ca.crt";

    private readonly IInformer<V1Namespace> _namespaces = informers.Get<V1Namespace>();
    private readonly IInformer<V1ServiceAccount> _accounts = informers.Get<V1ServiceAccount>();
    private readonly IInformer<V1ConfigMap> _configMaps = informers.Get<V1ConfigMap>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("namespace-defaults", this, loggers, timeProvider, workers: 4)
        .Watch(_namespaces)
        .Watch(_accounts, account => account.Metadata.Name == AccountName ? [new ObjectKey("", account.Metadata.NamespaceProperty)] : [])
        .Watch(_configMaps, map => map.Metadata.Name == ConfigMapName ? [new ObjectKey("", map.Metadata.NamespaceProperty)] : []);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_namespaces.Find(key) is not { Status.Phase: not "Terminating", Metadata.DeletionTimestamp: null })
            return ReconcileResult.Done;
        try
        {
            await EnsureAccountAsync(key.Name, cancellationToken);
            await EnsureConfigMapAsync(key.Name, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists || e.IsNotFound || e.Status.Details?.Causes?.Any(c => c.Reason == "NamespaceTerminating") == true)
        {
            // Made by somebody else, or the namespace is going: its event brings the key back where there is more to do.
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }

    private async Task EnsureAccountAsync(string ns, CancellationToken cancellationToken)
    {
        if (_accounts.Find(ns, AccountName) is null)
            await accounts.CreateAsync(new V1ServiceAccount { ApiVersion = "v1", Kind = "ServiceAccount", Metadata = new V1ObjectMeta { Name = AccountName, NamespaceProperty = ns } }, cancellationToken);
    }

    private async Task EnsureConfigMapAsync(string ns, CancellationToken cancellationToken)
    {
        var current = _configMaps.Find(ns, ConfigMapName);
        if (current?.Data is { Count: 1 } data && data.TryGetValue(CertificateKey, out var published) && published == rootCertificateAuthority)
            return;
        var wanted = current is null
            ? new V1ConfigMap { ApiVersion = "v1", Kind = "ConfigMap", Metadata = new V1ObjectMeta { Name = ConfigMapName, NamespaceProperty = ns } }
            : KubeJson.Clone(current);
        wanted.Data = new Dictionary<string, string> { [CertificateKey] = rootCertificateAuthority };
        if (current is null)
        {
            wanted.Metadata.Annotations = new Dictionary<string, string> { ["kubernetes.io/description"] = "Contains a CA bundle that can be used to verify the kube-apiserver when using internal endpoints such as the internal service IP or kubernetes.default.svc. No other usage is guaranteed across distributions of Kubernetes clusters." };
            await publisher.CreateAsync(wanted, cancellationToken);
        }
        else
        {
            await publisher.UpdateAsync(wanted, cancellationToken);
        }
    }
}
