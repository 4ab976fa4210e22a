using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Certificates;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Authorization;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Strategies;

namespace LiteKube.ApiServer.Admission;

/// <summary>Who may do what for which signer: a verb on the made-up resource "signers" of certificates.k8s.io.</summary>
internal static class SignerAccess
{
    public static readonly GroupResource SigningRequests = new("certificates.k8s.io", "certificatesigningrequests");

    /// <summary>Granted for the signer itself or for its whole domain ("example.com/*").</summary>
    public static bool Allows(IAuthorizer authorizer, UserInfo user, string verb, string signerName) =>
        IsAllowed(authorizer, user, verb, signerName) || IsAllowed(authorizer, user, verb, signerName.Split('/')[0] + "/*");

    private static bool IsAllowed(IAuthorizer authorizer, UserInfo user, string verb, string name) =>
        authorizer.Authorize(user, new() { Verb = verb, Path = "", IsResourceRequest = true, Group = "certificates.k8s.io", Version = "*", Resource = "signers", Name = name }).Allowed;
}

/// <summary>Approving or denying needs "approve" on the signer (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificateapproval).</summary>
internal sealed class CertificateApproval(IAuthorizer authorizer) : AdmissionPlugin
{
    public override string Name => "CertificateApproval";

    public override bool Handles(AdmissionOperation operation) => operation == AdmissionOperation.Update;

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, SignerAccess.SigningRequests, "approval"))
            return;
        var signer = attributes.OldObject.Obj("spec").Str("signerName");
        if (!SignerAccess.Allows(authorizer, attributes.User, "approve", signer))
            throw Forbidden(attributes, $"user not permitted to approve requests with signerName \"{signer}\"");
    }
}

/// <summary>Writing certificate or conditions needs "sign" on the signer (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesigning).</summary>
internal sealed class CertificateSigning(IAuthorizer authorizer) : AdmissionPlugin
{
    public override string Name => "CertificateSigning";

    public override bool Handles(AdmissionOperation operation) => operation == AdmissionOperation.Update;

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, SignerAccess.SigningRequests, "status"))
            return;
        var (now, before) = (attributes.Object.Obj("status"), attributes.OldObject.Obj("status"));
        if (now.Str("certificate") == before.Str("certificate") && (now?["conditions"]).SemanticallySameAs(before?["conditions"]))
            return;
        var signer = attributes.OldObject.Obj("spec").Str("signerName");
        if (!SignerAccess.Allows(authorizer, attributes.User, "sign", signer))
            throw Forbidden(attributes, $"user not permitted to sign requests with signerName \"{signer}\"");
    }
}

/// <summary>Nobody becomes system:masters by a certificate (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#certificatesubjectrestriction).</summary>
internal sealed class CertificateSubjectRestriction : AdmissionPlugin
{
    private const string ClientSigner = "kubernetes.io/kube-apiserver-client";

    public override string Name => "CertificateSubjectRestriction";

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, SignerAccess.SigningRequests) || attributes.Object.Obj("spec") is not { } spec || spec.Str("signerName") != ClientSigner)
            return;
        if (SigningRequest.TryParse(CertificateValidation.Bytes(spec, "request"), out var error) is not { } request)
            throw Forbidden(attributes, $"failed to parse CSR: {error}");
        if (request.Names.Organizations.Contains(UserInfo.MastersGroup))
            throw Forbidden(attributes, $"use of {ClientSigner} signer with {UserInfo.MastersGroup} group is not allowed");
    }
}

/// <summary>Publishing a signer's trust anchors needs "attest" on it (https://kubernetes.io/docs/reference/access-authn-authz/admission-controllers/#clustertrustbundleattest).</summary>
internal sealed class ClusterTrustBundleAttest(IAuthorizer authorizer) : AdmissionPlugin
{
    private static readonly GroupResource Bundles = new("certificates.k8s.io", "clustertrustbundles");

    public override string Name => "ClusterTrustBundleAttest";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, Bundles) || attributes.Object is not { } value || value.Obj("spec").Str("signerName") is not { Length: > 0 } signer)
            return;
        if (attributes.OldObject is { } old && ChangesOnlyOwnership(value, old))
            return;
        if (!SignerAccess.Allows(authorizer, attributes.User, "attest", signer))
            throw Forbidden(attributes, $"user not permitted to attest for signerName \"{signer}\"");
    }

    /// <summary>The garbage collector's writes and rewrites for a storage migration say nothing new.</summary>
    private static bool ChangesOnlyOwnership(JsonObject value, JsonObject old)
    {
        var (a, b) = ((JsonObject)value.DeepClone(), (JsonObject)old.DeepClone());
        foreach (var side in (JsonObject[])[a, b])
        {
            foreach (var field in (string[])["ownerReferences", "finalizers", "managedFields", "resourceVersion", "generation"])
                side.Meta()?.Remove(field);
        }
        return a.SemanticallySameAs(b);
    }
}
