using System.Security.Cryptography;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>Gives each pod a service account, its token volume and its pull secrets (https://kubernetes.io/docs/concepts/security/service-accounts/).</summary>
internal sealed class ServiceAccountAdmission(IObjectReader objects) : AdmissionPlugin
{
    private const string TokenVolumePrefix = "kube-api-access-";
    private const string TokenPath = "/var/run/secrets/kubernetes.io/serviceaccount";
    private const string MirrorAnnotation = "kubernetes.io/config.mirror";

    /// <summary>Odd on purpose: the token issuer knows a pod's own volume by it.</summary>
    private const int TokenSeconds = 3607;

    public override string Name => "ServiceAccount";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.Pods) || attributes.Object is not { } pod || pod.Annotations().ContainsKey(MirrorAnnotation))
            return;
        var spec = pod.GetOrAdd("spec");
        var name = spec.Str("serviceAccountName") is { Length: > 0 } given ? given : spec.Str("serviceAccount") is { Length: > 0 } old ? old : "default";
        spec["serviceAccountName"] = name;
        spec["serviceAccount"] = name;
        var ns = attributes.Request.Namespace;
        var account = objects.Get(CoreResources.ServiceAccounts, ns, name)
            ?? throw Forbidden(attributes, $"error looking up service account {ns}/{name}: serviceaccount \"{name}\" not found");
        if (spec.BoolOrNull("automountServiceAccountToken") ?? account.BoolOrNull("automountServiceAccountToken") ?? true)
            MountToken(spec);
        if (spec.Arr("imagePullSecrets") is not { Count: > 0 } && account.Arr("imagePullSecrets") is { Count: > 0 } secrets)
            spec["imagePullSecrets"] = secrets.DeepClone();
    }

    private static void MountToken(JsonObject spec)
    {
        var names = spec.Items("volumes").Select(v => v.Str("name")).ToHashSet(StringComparer.Ordinal);
        // There is one already when admission runs a second time, for containers that came meanwhile.
        var standing = names.FirstOrDefault(n => n.StartsWith(TokenVolumePrefix, StringComparison.Ordinal));
        var volume = standing ?? "";
        while (volume.Length == 0 || (standing is null && names.Contains(volume)))
            volume = TokenVolumePrefix + RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);
        var isNeeded = false;
        foreach (var container in spec.Items("initContainers").Concat(spec.Items("containers")))
        {
            if (container.Items("volumeMounts").Any(m => m.Str("mountPath") == TokenPath))
                continue;
            isNeeded = true;
            container.GetOrAddArray("volumeMounts").Add((JsonNode)new JsonObject { ["name"] = volume, ["readOnly"] = true, ["mountPath"] = TokenPath });
        }
        if (isNeeded && standing is null)
            spec.GetOrAddArray("volumes").Add((JsonNode)TokenVolume(volume));
    }

    private static JsonObject TokenVolume(string name) => new()
    {
        ["name"] = name,
        ["projected"] = new JsonObject
        {
            ["sources"] = new JsonArray(
                new JsonObject { ["serviceAccountToken"] = new JsonObject { ["expirationSeconds"] = TokenSeconds, ["path"] = "token" } },
                new JsonObject { ["configMap"] = new JsonObject { ["name"] = "kube-root-ca.crt", ["items"] = new JsonArray(new JsonObject { ["key"] = "ca.crt", ["path"] = "ca.crt" }) } },
                new JsonObject { ["downwardAPI"] = new JsonObject { ["items"] = new JsonArray(new JsonObject { ["path"] = "namespace", ["fieldRef"] = new JsonObject { ["apiVersion"] = "v1", ["fieldPath"] = "metadata.namespace" } }) } }),
            ["defaultMode"] = 420,
        },
    };
}
