using System.Text;
using k8s.Models;
using LiteKube.Apis.Certificates;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Certificates;

/// <summary>Gives approved requests of Kubernetes' own signers their certificate (https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/).</summary>
internal sealed class CertificateSigningController(IKubeClient client, ISharedInformers informers, CertificateSigner signer, TimeProvider timeProvider) : IReconciler
{
    private readonly IInformer<V1CertificateSigningRequest> _requests = informers.Get<V1CertificateSigningRequest>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("csrsigning", this, loggers, timeProvider).Watch(_requests);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_requests.Find(key) is not { } current || !SignerRules.IsOurs(current.Spec.SignerName) || current.IsIssued()
            || !current.Has(SigningRequestState.Approved) || current.Has(SigningRequestState.Denied) || current.Has(SigningRequestState.Failed))
        {
            return ReconcileResult.Done;
        }
        var answer = KubeJson.Clone(current);
        answer.Status ??= new V1CertificateSigningRequestStatus();
        var usages = current.Spec.Usages.ToList();
        var request = SigningRequest.TryParse(current.Spec.Request, out var error);
        if ((request is null ? error : SignerRules.Refusal(current.Spec.SignerName, request, usages)) is { } refusal)
        {
            answer.Status.Conditions = [.. answer.Status.Conditions ?? [], new V1CertificateSigningRequestCondition
            {
                Type = SigningRequestState.Failed,
                Status = "True",
                Reason = "SignerValidationFailure",
                Message = refusal,
                LastUpdateTime = timeProvider.GetUtcNow().UtcDateTime,
            }];
        }
        else
        {
            answer.Status.Certificate = Encoding.ASCII.GetBytes(signer.Sign(request!, usages, current.Spec.ExpirationSeconds));
        }
        try
        {
            await client.UpdateStatusAsync(answer, cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or changed meanwhile: the change brings the key back.
            return ReconcileResult.Done;
        }
        return ReconcileResult.Done;
    }
}
