using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.PodSecurity;

/// <summary>
/// Holds pods to the levels that their namespace's labels name: enforce refuses, warn tells, audit notes
/// (https://kubernetes.io/docs/concepts/security/pod-security-admission/).
/// </summary>
internal sealed class PodSecurityAdmission(IObjectReader objects) : AdmissionPlugin
{
    /// <summary>More pods than that are not looked at when a namespace's level rises.</summary>
    private const int MaxPodsToCheck = 3000;

    private static readonly string[] IgnoredPodSubresources = ["exec", "attach", "binding", "eviction", "log", "portforward", "proxy", "status"];

    public override string Name => "PodSecurity";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (attributes.Object is not { } value)
            return;
        var resource = attributes.Resource.GroupResource;
        if (resource == CoreResources.Namespaces)
        {
            if (attributes.Request.Subresource.Length == 0)
                CheckNamespace(attributes, value);
        }
        else if (resource == CoreResources.Pods)
        {
            if (!IgnoredPodSubresources.Contains(attributes.Request.Subresource))
                CheckPod(attributes, value);
        }
        else if (attributes.Request.Subresource.Length == 0 && TemplateOf(attributes.Resource.Kind, resource.Group, value) is { } template && template.Obj("spec") is { } spec)
        {
            var policy = PolicyOf(attributes.Request.Namespace);
            if (policy.Warn.Level != PodSecurityLevel.Privileged || policy.Audit.Level != PodSecurityLevel.Privileged)
                Evaluate(attributes, policy, new CheckedPod(template.Obj("metadata"), spec), isEnforced: false);
        }
    }

    private static JsonObject? TemplateOf(string kind, string group, JsonObject value) => (group, kind) switch
    {
        ("apps", "Deployment" or "ReplicaSet" or "DaemonSet" or "StatefulSet") or ("", "ReplicationController") or ("batch", "Job") => value.Obj("spec", "template"),
        ("batch", "CronJob") => value.Obj("spec", "jobTemplate").Obj("spec", "template"),
        ("", "PodTemplate") => value.Obj("template"),
        _ => null,
    };

    private PodSecurityPolicy PolicyOf(string ns) => PodSecurityPolicy.Of(objects.Get(CoreResources.Namespaces, "", ns).Labels(), new FieldErrors());

    private void CheckPod(AdmissionAttributes attributes, JsonObject pod)
    {
        var policy = PolicyOf(attributes.Request.Namespace);
        if (policy.IsPrivileged || pod.Obj("spec") is not { } spec)
            return;
        if (attributes.OldObject is { } old && !IsSignificantUpdate(spec, old.Obj("spec")))
            return;
        Evaluate(attributes, policy, new CheckedPod(pod.Meta(), spec), isEnforced: true);
    }

    /// <summary>Of what may change in a pod only the images, and containers that come, matter.</summary>
    private static bool IsSignificantUpdate(JsonObject spec, JsonObject? old)
    {
        foreach (var list in (string[])["containers", "initContainers"])
        {
            if (!spec.Items(list).Select(c => c.Str("image")).SequenceEqual(old.Items(list).Select(c => c.Str("image")), StringComparer.Ordinal))
                return true;
        }
        return spec.Items("ephemeralContainers").Any(c => old.Items("ephemeralContainers").FirstOrDefault(o => o.Str("name") == c.Str("name")) is not { } before || before.Str("image") != c.Str("image"));
    }

    private static void Evaluate(AdmissionAttributes attributes, PodSecurityPolicy policy, CheckedPod pod, bool isEnforced)
    {
        var results = new Dictionary<LevelVersion, List<Violation>>();
        List<Violation> Run(LevelVersion wanted) => results.TryGetValue(wanted, out var known) ? known : results[wanted] = PodSecurityChecks.Run(wanted, pod);
        string Text(LevelVersion wanted) => $"PodSecurity \"{wanted}\": {string.Join(", ", Run(wanted))}";

        if (Run(policy.Audit).Count > 0)
            attributes.Annotate("pod-security.kubernetes.io/audit-violations", "would violate " + Text(policy.Audit));
        if (isEnforced)
        {
            attributes.Annotate("pod-security.kubernetes.io/enforce-policy", policy.Enforce.ToString());
            if (Run(policy.Enforce).Count > 0)
                throw Forbidden(attributes, "violates " + Text(policy.Enforce));
        }
        if (Run(policy.Warn).Count > 0)
            attributes.Warnings.Add("would violate " + Text(policy.Warn));
    }

    /// <summary>The labels must be readable; whoever raises the level hears which pods would not have been let in.</summary>
    private void CheckNamespace(AdmissionAttributes attributes, JsonObject value)
    {
        var errors = new FieldErrors();
        var policy = PodSecurityPolicy.Of(value.Labels(), errors);
        if (attributes.OldObject is not { } old)
        {
            ThrowIfAny(attributes, value, errors);
            return;
        }
        var oldErrors = new FieldErrors();
        var oldPolicy = PodSecurityPolicy.Of(old.Labels(), oldErrors);
        // Labels that were bad before must not keep the rest of the namespace from changing.
        if (errors.Count > 0 && errors.ToString() != oldErrors.ToString())
            ThrowIfAny(attributes, value, errors);
        if (policy.Enforce == oldPolicy.Enforce || policy.Enforce.Level == PodSecurityLevel.Privileged || (policy.Enforce.Minor == oldPolicy.Enforce.Minor && policy.Enforce.Level <= oldPolicy.Enforce.Level))
            return;
        attributes.Warnings.AddRange(PodsThatViolate(value.MetaName(), policy.Enforce));
    }

    private static void ThrowIfAny(AdmissionAttributes attributes, JsonObject value, FieldErrors errors)
    {
        if (errors.Count > 0)
            throw ApiException.Invalid(attributes.Resource.GroupVersionKind, value.MetaName(), errors);
    }

    private List<string> PodsThatViolate(string ns, LevelVersion enforce)
    {
        var pods = objects.List(CoreResources.Pods, ns);
        // One pod of each controller first: its siblings are made alike.
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var (first, later) = (new List<JsonObject>(), new List<JsonObject>());
        foreach (var pod in pods)
            (pod.Meta().Items("ownerReferences").FirstOrDefault(o => o.Bool("controller")) is not { } owner || seen.Add(owner.Str("uid")) ? first : later).Add(pod);
        var byText = new Dictionary<string, List<string>>(StringComparer.Ordinal);
        foreach (var pod in first.Concat(later).Take(MaxPodsToCheck))
        {
            var found = PodSecurityChecks.Run(enforce, new CheckedPod(pod.Meta(), pod.Obj("spec") ?? []));
            if (found.Count == 0)
                continue;
            var text = string.Join(", ", found.Select(v => v.Reason));
            if (!byText.TryGetValue(text, out var names))
                byText[text] = names = [];
            names.Add(pod.MetaName());
        }
        var warnings = new List<string>();
        if (pods.Count > MaxPodsToCheck)
            warnings.Add(string.Create(CultureInfo.InvariantCulture, $"new PodSecurity enforce level only checked against the first {MaxPodsToCheck} of {pods.Count} existing pods"));
        if (byText.Count > 0)
            warnings.Add($"existing pods in namespace \"{ns}\" violate the new PodSecurity enforce level \"{enforce}\"");
        warnings.AddRange(byText.Select(e => Named(e.Value) + ": " + e.Key).Order(StringComparer.Ordinal));
        return warnings;

        static string Named(List<string> names)
        {
            var first = names.Min(StringComparer.Ordinal)!;
            return names.Count switch
            {
                1 => first,
                2 => first + " (and 1 other pod)",
                _ => string.Create(CultureInfo.InvariantCulture, $"{first} (and {names.Count - 1} other pods)"),
            };
        }
    }
}
