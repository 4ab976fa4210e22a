using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>
/// Fills Secrets of type kubernetes.io/service-account-token as they are created
/// (https://kubernetes.io/docs/concepts/security/service-accounts/#get-a-token). Kubernetes leaves this to a controller;
/// here (and for what it misses, <see cref="TokenSecrets"/>) the signing key never leaves the server and the token is there at once.
/// </summary>
internal sealed class ServiceAccountTokenSecret(IObjectReader objects, TokenIssuer issuer, string authorityPem) : AdmissionPlugin
{
    private const string NameAnnotation = "kubernetes.io/service-account.name";
    private const string UidAnnotation = "kubernetes.io/service-account.uid";

    public override string Name => "ServiceAccountTokenSecret";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.Secrets) || attributes.Object is not { } secret || secret.Str("type") != "kubernetes.io/service-account-token")
            return;
        Fill(secret, attributes.Request.Namespace);
    }

    /// <summary>False: the account is not there, or another one has its name.</summary>
    public bool Fill(JsonObject secret, string ns)
    {
        var (name, annotations) = (secret.MetaName(), secret.Annotations());
        if (name.Length == 0 || objects.Get(CoreResources.ServiceAccounts, ns, annotations.GetValueOrDefault(NameAnnotation, "")) is not { } account)
            return false;
        if (annotations.TryGetValue(UidAnnotation, out var uid) && uid != account.MetaUid())
            return false;
        secret.GetOrAdd("metadata").GetOrAdd("annotations")[UidAnnotation] = account.MetaUid();
        var data = secret.GetOrAdd("data");
        data["ca.crt"] = Base64(authorityPem);
        data["namespace"] = Base64(ns);
        if (!data.Has("token"))
            data["token"] = Base64(issuer.IssueForSecret(account, name));
        return true;
    }

    private static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
}
