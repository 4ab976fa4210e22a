using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.ServiceAccounts;

/// <summary>Keeps the ServiceAccount "default" in each active namespace (https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/).</summary>
internal sealed class ServiceAccountController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private const string AccountName = "default";

    private readonly IInformer<V1Namespace> _namespaces = informers.Get<V1Namespace>();
    private readonly IInformer<V1ServiceAccount> _accounts = informers.Get<V1ServiceAccount>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers)
    {
        var runner = new ControllerRunner("serviceaccount", this, loggers, timeProvider, workers: 2);
        return runner.Watch(_namespaces).Watch(_accounts, new InformerHandler<V1ServiceAccount>(OnDelete: account => runner.Queue.Add(new ObjectKey("", account.Metadata.NamespaceProperty ?? ""))));
    }

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_namespaces.Find(key)?.IsActive() != true || _accounts.Find(key.Name, AccountName) is not null)
            return ReconcileResult.Done;
        var account = new V1ServiceAccount { ApiVersion = "v1", Kind = "ServiceAccount", Metadata = new V1ObjectMeta { Name = AccountName, NamespaceProperty = key.Name } };
        try
        {
            await client.CreateAsync(account, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists || e.IsNotFound || e.IsNamespaceTerminating())
        {
            // There already, or its namespace is going: nothing is missing.
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }
}
