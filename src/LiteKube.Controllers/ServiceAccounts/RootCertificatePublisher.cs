using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.ServiceAccounts;

/// <summary>Keeps the ConfigMap kube-root-ca.crt in each active namespace: what pods verify the API server by.</summary>
/// <param name="rootCertificateAuthority">PEM.</param>
internal sealed class RootCertificatePublisher(IKubeClient client, ISharedInformers informers, string rootCertificateAuthority, TimeProvider timeProvider) : IReconciler
{
    private const string ConfigMapName = "kube-root-ca.crt";
    private const string CertificateKey = "ca.crt";
    private const string DescriptionAnnotation = "kubernetes.io/description";
    private const string Description = "The certificate authority of this cluster's API server. Pods trust it when they call the server by its Service address or name.";

    private readonly IInformer<V1Namespace> _namespaces = informers.Get<V1Namespace>();
    private readonly IInformer<V1ConfigMap> _configMaps = informers.Get<V1ConfigMap>($"metadata.name={ConfigMapName}");

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("root-ca-cert-publisher", this, loggers, timeProvider, workers: 2)
        .Watch(_namespaces)
        .Watch(_configMaps, static map => [new ObjectKey("", map.Metadata.NamespaceProperty ?? "")]);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_namespaces.Find(key)?.IsActive() != true)
            return ReconcileResult.Done;
        var current = _configMaps.Find(key.Name, ConfigMapName);
        if (current is not null && IsCurrent(current))
            return ReconcileResult.Done;
        var wanted = current is null
            ? new V1ConfigMap { ApiVersion = "v1", Kind = "ConfigMap", Metadata = new V1ObjectMeta { Name = ConfigMapName, NamespaceProperty = key.Name } }
            : KubeJson.Clone(current);
        wanted.Data = new Dictionary<string, string> { [CertificateKey] = rootCertificateAuthority };
        wanted.BinaryData = null;
        (wanted.Metadata.Annotations ??= new Dictionary<string, string>())[DescriptionAnnotation] = Description;
        try
        {
            if (current is null)
                await client.CreateAsync(wanted, cancellationToken);
            else
                await client.UpdateAsync(wanted, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists || e.IsNotFound || e.IsNamespaceTerminating())
        {
            // Changed under us, or the namespace is going: the watch brings the key back where more is to do.
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }

    private bool IsCurrent(V1ConfigMap map) =>
        map.Data is { Count: 1 } data && data.TryGetValue(CertificateKey, out var published) && published == rootCertificateAuthority
        && map.Metadata.Annotations?.ContainsKey(DescriptionAnnotation) == true;
}
