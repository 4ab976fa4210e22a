using LiteKube.ApiServer.Admission.PodSecurity;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>The built-in plugins in Kubernetes' order (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/).</summary>
public static class AdmissionChain
{
    /// <param name="beforeQuota">What runs between the built-in plugins and the quota: mutating policies, mutating webhooks, validating policies, validating webhooks.</param>
    public static IReadOnlyList<IAdmissionPlugin> Build(IObjectReader objects, IAuthorizer authorizer, RbacAuthorizer rbac, TimeProvider time, params IReadOnlyList<IAdmissionPlugin> beforeQuota) =>
    [
        new NamespaceLifecycle(objects),
        new LimitRanger(objects),
        new ServiceAccountAdmission(objects),
        new NodeRestriction(objects),
        new TaintNodesByCondition(),
        new PodSecurityAdmission(objects),
        new Priority(objects),
        new DefaultTolerationSeconds(),
        new DefaultStorageClass(objects),
        new StorageObjectInUseProtection(),
        new RuntimeClassAdmission(objects),
        new PodTopologyLabels(objects),
        new PersistentVolumeClaimResize(objects),
        new CertificateApproval(authorizer),
        new CertificateSigning(authorizer),
        new ClusterTrustBundleAttest(authorizer),
        new CertificateSubjectRestriction(),
        new DefaultIngressClass(objects),
        new RoleEscalationCheck(authorizer, rbac),
        .. beforeQuota,
        new ResourceQuotaAdmission(objects, time),
    ];
}
