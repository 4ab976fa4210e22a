using k8s.Models;
using LiteKube.Apis.Certificates;
using LiteKube.Client;
using LiteKube.Client.Json;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Common;
using Microsoft.Extensions.Logging;

namespace LiteKube.Controllers.Certificates;

/// <summary>
/// Approves kubelets' requests for client certificates when who asks may have them: a kubelet renewing its own
/// (selfnodeclient), a bootstrap token asking for a node (nodeclient); others wait for a person
/// (https://kubernetes.io/docs/reference/access-authn-authz/kubelet-tls-bootstrapping/#approval).
/// </summary>
internal sealed class CertificateApprovingController(IKubeClient client, ISharedInformers informers, TimeProvider timeProvider) : IReconciler
{
    private const string Group = "certificates.k8s.io";
    private const string Resource = "certificatesigningrequests";

    private readonly IInformer<V1CertificateSigningRequest> _requests = informers.Get<V1CertificateSigningRequest>();

    public ControllerRunner CreateRunner(ILoggerFactory loggers) => new ControllerRunner("csrapproving", this, loggers, timeProvider).Watch(_requests);

    public async Task<ReconcileResult> ReconcileAsync(ObjectKey key, CancellationToken cancellationToken)
    {
        if (_requests.Find(key) is not { } current || current.IsIssued() || current.Has(SigningRequestState.Approved) || current.Has(SigningRequestState.Denied)
            || current.Spec.SignerName != SignerRules.KubeletClient
            || SigningRequest.TryParse(current.Spec.Request, out _) is not { } request || SignerRules.KubeletClientRefusal(request, [.. current.Spec.Usages]) is not null)
        {
            return ReconcileResult.Done;
        }
        if (current.Spec.Username == request.Names.CommonName && await MayAsync(current.Spec, "selfnodeclient", cancellationToken))
            await ApproveAsync(current, "Auto approving self kubelet client certificate after SubjectAccessReview.", cancellationToken);
        else if (await MayAsync(current.Spec, "nodeclient", cancellationToken))
            await ApproveAsync(current, "Auto approving kubelet client certificate after SubjectAccessReview.", cancellationToken);
        return ReconcileResult.Done;
    }

    private async Task<bool> MayAsync(V1CertificateSigningRequestSpec spec, string subresource, CancellationToken cancellationToken)
    {
        // A review is answered, not stored: the model names no resource that the typed client could post it to.
        var review = KubeJson.Serialize(new V1SubjectAccessReview
        {
            ApiVersion = "authorization.k8s.io/v1",
            Kind = "SubjectAccessReview",
            Spec = new V1SubjectAccessReviewSpec
            {
                User = spec.Username,
                Uid = spec.Uid,
                Groups = spec.Groups,
                Extra = spec.Extra,
                ResourceAttributes = new V1ResourceAttributes { Group = Group, Resource = Resource, Subresource = subresource, Verb = "create" },
            },
        });
        var answer = await client.Transport.RequestAsync(new KubeRequest("POST", "/apis/authorization.k8s.io/v1/subjectaccessreviews", review, "application/json"), cancellationToken);
        return KubeJson.Deserialize<V1SubjectAccessReview>(answer.Span).Status.Allowed;
    }

    private async Task ApproveAsync(V1CertificateSigningRequest current, string message, CancellationToken cancellationToken)
    {
        var approved = KubeJson.Clone(current);
        approved.Status ??= new V1CertificateSigningRequestStatus();
        approved.Status.Conditions = [.. approved.Status.Conditions ?? [], new V1CertificateSigningRequestCondition { Type = SigningRequestState.Approved, Status = "True", Reason = "AutoApproved", Message = message }];
        var path = $"/apis/{Group}/v1/{Resource}/{Uri.EscapeDataString(current.Metadata.Name)}/approval";
        try
        {
            await client.Transport.RequestAsync(new KubeRequest("PUT", path, KubeJson.Serialize(approved), "application/json"), cancellationToken);
        }
        catch (KubeApiException e) when (e.IsNotFound || e.IsConflict)
        {
            // Gone, or changed meanwhile: the change brings the key back.
            return;
        }
    }
}
