using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Events;
using LiteKube.Controllers.Autoscaling;
using LiteKube.Controllers.Certificates;
using LiteKube.Controllers.CronJobs;
using LiteKube.Controllers.DaemonSets;
using LiteKube.Controllers.Deployments;
using LiteKube.Controllers.Disruption;
using LiteKube.Controllers.Endpoints;
using LiteKube.Controllers.EndpointSliceMirroring;
using LiteKube.Controllers.EndpointSlices;
using LiteKube.Controllers.GarbageCollection;
using LiteKube.Controllers.Jobs;
using LiteKube.Controllers.Metrics;
using LiteKube.Controllers.Namespaces;
using LiteKube.Controllers.NodeLifecycle;
using LiteKube.Controllers.PodGarbageCollection;
using LiteKube.Controllers.ReplicaSets;
using LiteKube.Controllers.ResourceQuotas;
using LiteKube.Controllers.ServiceAccounts;
using LiteKube.Controllers.ServiceCidrs;
using LiteKube.Controllers.StatefulSets;
using LiteKube.Controllers.TaintEviction;
using LiteKube.Controllers.TtlAfterFinished;
using LiteKube.Controllers.Volumes;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers;

/// <summary>All controllers of the cluster as one component.</summary>
public sealed class ControllerSet : IComponent
{
    private readonly List<IComponent> _controllers = [];
    private readonly ControllerMetrics _metrics = new();

    /// <param name="clientOf">A client under the service account of that name in kube-system: each controller has the rights of its own role, system:controller:NAME.</param>
    /// <param name="certificateAuthority">The cluster's, with its private key: published to every namespace, signs what CertificateSigningRequests ask for.</param>
    public ControllerSet(Func<string, IKubeClient> clientOf, X509Certificate2 certificateAuthority, ISharedInformers informers, IEventRecorderFactory events, ILoggerFactory loggers, TimeProvider timeProvider)
    {
        _controllers.Add(new ReplicaController<V1ReplicaSet>(new ReplicaSetKind(), clientOf("replicaset-controller"), informers, events.Create("replicaset-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new ReplicaController<V1ReplicationController>(new ReplicationControllerKind(), clientOf("replication-controller"), informers, events.Create("replication-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new DeploymentController(clientOf("deployment-controller"), informers, events.Create("deployment-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new EndpointSliceController(clientOf("endpointslice-controller"), informers, events.Create("endpoint-slice-controller"), timeProvider, metrics: _metrics).CreateRunner(loggers));
        _controllers.Add(new EndpointsController(clientOf("endpoint-controller"), informers, events.Create("endpoint-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new ServiceAccountController(clientOf("service-account-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new RootCertificatePublisher(clientOf("root-ca-cert-publisher"), informers, certificateAuthority.ExportCertificatePem() + "\n", timeProvider).CreateRunner(loggers));
        _controllers.Add(new CertificateApprovingController(clientOf("certificate-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new CertificateSigningController(clientOf("certificate-controller"), informers, new CertificateSigner(certificateAuthority, timeProvider), timeProvider).CreateRunner(loggers));
        _controllers.Add(new CertificateCleaner(clientOf("certificate-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new NodeLifecycleController(clientOf("node-controller"), informers, events.Create("node-controller"), timeProvider, _metrics).CreateRunner(loggers));
        _controllers.Add(new TaintEvictionController(clientOf("node-controller"), informers, events.Create("taint-eviction-controller"), timeProvider, _metrics).CreateRunner(loggers));
        _controllers.Add(new PodGarbageCollector(clientOf("pod-garbage-collector"), informers, timeProvider, metrics: _metrics).CreateRunner(loggers));
        _controllers.Add(new NamespaceController(clientOf("namespace-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new ServiceCidrController(clientOf("service-cidrs-controller"), informers, timeProvider).CreateRunner(loggers));
        var garbageCollector = new GarbageCollector(clientOf("generic-garbage-collector"), events.Create("garbage-collector-controller"), loggers, timeProvider, metrics: _metrics);
        _controllers.Add(garbageCollector);
        _controllers.Add(new ResourceQuotaController(clientOf("resourcequota-controller"), informers, garbageCollector, timeProvider).CreateRunner(loggers));
        _controllers.Add(new JobController(clientOf("job-controller"), informers, events.Create("job-controller"), timeProvider, _metrics).CreateRunner(loggers));
        _controllers.Add(new JobOrphanController(clientOf("job-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new CronJobController(clientOf("cronjob-controller"), informers, events.Create("cronjob-controller"), timeProvider, _metrics).CreateRunner(loggers));
        _controllers.Add(new TtlAfterFinishedController(clientOf("ttl-after-finished-controller"), informers, timeProvider, _metrics).CreateRunner(loggers));
        _controllers.Add(new EndpointSliceMirroringController(clientOf("endpointslicemirroring-controller"), informers, events.Create("endpoint-slice-mirroring-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new PersistentVolumeController(clientOf("persistent-volume-binder"), informers, events.Create("persistentvolume-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new ClaimProtection(clientOf("pvc-protection-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new VolumeProtection(clientOf("pv-protection-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new EphemeralVolumeController(clientOf("ephemeral-volume-controller"), informers, events.Create("ephemeral-volume-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new StatefulSetController(clientOf("statefulset-controller"), informers, events.Create("statefulset-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new DaemonSetController(clientOf("daemon-set-controller"), informers, events.Create("daemonset-controller"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new DisruptionController(clientOf("disruption-controller"), informers, events.Create("controllermanager"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new StaleDisruptionCleaner(clientOf("disruption-controller"), informers, timeProvider).CreateRunner(loggers));
        _controllers.Add(new VolumeExpansion(informers, events.Create("volume_expand"), timeProvider).CreateRunner(loggers));
        _controllers.Add(new HorizontalPodAutoscalerController(clientOf("horizontal-pod-autoscaler"), informers, events.Create("horizontal-pod-autoscaler"), timeProvider).CreateRunner(loggers));
    }

    public string Name => "controllers";

    /// <summary>kube-controller-manager's metrics in Prometheus' text form.</summary>
    public void WriteMetrics(StringBuilder text) => _metrics.Write(text);

    public ComponentHealth Health => _controllers.Select(c => (c.Name, c.Health)).FirstOrDefault(c => !c.Health.IsReady) is ({ } name, { } health)
        ? ComponentHealth.NotReady($"{name} {health.Message}")
        : ComponentHealth.Ready;

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var controller in _controllers)
            await controller.StartAsync(cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.WhenAll(_controllers.Select(c => c.StopAsync(cancellationToken)));
}
