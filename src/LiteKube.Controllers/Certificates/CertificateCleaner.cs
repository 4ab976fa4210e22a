using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Certificates;

/// <summary>Removes requests that nobody needs any more: issued or denied for an hour, unanswered for a day, their certificate expired.</summary>
internal sealed class CertificateCleaner(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private static readonly TimeSpan IssuedLife = TimeSpan.FromHours(1);
    private static readonly TimeSpan DeniedLife = TimeSpan.FromHours(1);
    private static readonly TimeSpan PendingLife = TimeSpan.FromHours(24);

    private readonly IInformer<V1CertificateSigningRequest> _requests = informers.Get<V1CertificateSigningRequest>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("csrcleaner", this, loggers, timeProvider).Watch(_requests);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_requests.Find(key) is not { } request || End(request) is not { } end)
            return ReconcileResult.Done;
        var left = end - timeProvider.GetUtcNow();
        if (left > TimeSpan.Zero)
            return ReconcileResult.RequeueAfter(left);
        try
        {
            await client.DeleteAsync<V1CertificateSigningRequest>(null, key.Name, new DeleteOptions(PreconditionUid: request.Metadata.Uid), cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone already, or another one of the same name.
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }

    /// <summary>When the request is to go; null: something else has to happen first.</summary>
    private static DateTimeOffset? End(V1CertificateSigningRequest request)
    {
        var conditions = request.Status?.Conditions ?? [];
        DateTimeOffset? end = null;
        if (conditions.Count == 0)
            Earlier(request.Metadata.CreationTimestamp, PendingLife);
        foreach (var condition in conditions)
        {
            if (condition.Type == SigningRequestState.Denied)
                Earlier(condition.LastUpdateTime, DeniedLife);
            if (condition.Type != SigningRequestState.Approved || !request.IsIssued())
                continue;
            Earlier(condition.LastUpdateTime, IssuedLife);
            Earlier(Expiry(request.Status!.Certificate), TimeSpan.Zero);
        }
        return end;

        void Earlier(DateTime? start, TimeSpan life)
        {
            if (start is { } from && (end is null || new DateTimeOffset(from.ToUniversalTime()) + life < end))
                end = new DateTimeOffset(from.ToUniversalTime()) + life;
        }
    }

    private static DateTime? Expiry(byte[] pem)
    {
        try
        {
            using var certificate = X509Certificate2.CreateFromPem(Encoding.Latin1.GetString(pem));
            return certificate.NotAfter;
        }
        catch (CryptographicException)
        {
            // Another signer's own form; the hour after its approval ends it.
            return null;
        }
    }
}
