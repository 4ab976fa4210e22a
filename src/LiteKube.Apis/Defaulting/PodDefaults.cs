using System.Text.Json.Nodes;

namespace LiteKube.Apis.Defaulting;

/// <summary>Pods and what they are made of (https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/).</summary>
internal static class PodDefaults
{
    private const string Core = "io.k8s.api.core.v1.";

    public static (string Type, DefaultRule Rule)[] Rules { get; } =
    [
        (Core + "Pod", Pod),
        (Core + "PodSpec", PodSpec),
        (Core + "Container", Container),
        (Core + "EphemeralContainer", Container),
        (Core + "Probe", Probe),
        (Core + "HTTPGetAction", HttpGetAction),
        (Core + "Volume", Volume),
        (Core + "SecretVolumeSource", DefaultMode),
        (Core + "ConfigMapVolumeSource", DefaultMode),
        (Core + "DownwardAPIVolumeSource", DefaultMode),
        (Core + "ProjectedVolumeSource", DefaultMode),
        (Core + "ServiceAccountTokenProjection", t => t.IfMissing("expirationSeconds", 3600L)),
        (Core + "ObjectFieldSelector", t => t.IfEmpty("apiVersion", "v1")),
        (Core + "HostPathVolumeSource", t => t.IfMissing("type", "")),
        (Core + "PersistentVolumeClaimSpec", t => t.IfMissing("volumeMode", "Filesystem")),
    ];

    // What a bare Pod gets and a template does not: the template's Pods get it when they are made.
    private static void Pod(DefaultTarget pod)
    {
        var spec = pod.Child("spec");
        foreach (var container in spec.Children("containers").Concat(spec.Children("initContainers")))
            RequestLimits(container);
        PodLevelResources.Apply(spec);
        spec.IfMissing("enableServiceLinks", true);
        if (!spec.IsTrue("hostNetwork"))
            return;
        foreach (var port in spec.Children("containers").Concat(spec.Children("initContainers")).SelectMany(c => c.Children("ports")))
        {
            if (port.Value["containerPort"] is { } containerPort)
                port.IfEmpty("hostPort", containerPort.DeepClone());
        }
    }

    // A container that may use so much is promised so much, unless it asks for less.
    private static void RequestLimits(DefaultTarget container)
    {
        if (container.ChildOrNull("resources") is not { } resources || resources.Value["limits"] is not JsonObject limits)
            return;
        resources.IfMissing("requests", new JsonObject());
        CopyMissing(limits, resources.Value["requests"]!.AsObject());
    }

    private static void PodSpec(DefaultTarget spec)
    {
        spec.IfEmpty("dnsPolicy", "ClusterFirst");
        spec.IfEmpty("restartPolicy", "Always");
        spec.IfMissing("securityContext", new JsonObject());
        spec.IfMissing("terminationGracePeriodSeconds", 30L);
        spec.IfEmpty("schedulerName", "default-scheduler");
    }

    private static void Container(DefaultTarget container)
    {
        container.IfEmpty("imagePullPolicy", PullPolicy(container.Text("image")));
        container.IfEmpty("terminationMessagePath", "/dev/termination-log");
        container.IfEmpty("terminationMessagePolicy", "File");
    }

    private static void Probe(DefaultTarget probe)
    {
        probe.IfEmpty("timeoutSeconds", 1);
        probe.IfEmpty("periodSeconds", 10);
        probe.IfEmpty("successThreshold", 1);
        probe.IfEmpty("failureThreshold", 3);
    }

    private static void HttpGetAction(DefaultTarget action)
    {
        action.IfEmpty("path", "/");
        action.IfEmpty("scheme", "HTTP");
    }

    private static void Volume(DefaultTarget volume)
    {
        if (volume.Value.All(p => p.Key == "name" || p.Value is null))
            volume.Set("emptyDir", new JsonObject());
        if (volume.ChildOrNull("image") is { } image)
            image.IfEmpty("pullPolicy", PullPolicy(image.Text("reference")));
    }

    private static void DefaultMode(DefaultTarget source) => source.IfMissing("defaultMode", 420);

    /// <summary>"Always" for images that move: tag latest, or neither tag nor digest.</summary>
    internal static string PullPolicy(string image)
    {
        var digest = image.IndexOf('@', StringComparison.Ordinal);
        var name = digest < 0 ? image : image[..digest];
        var colon = name.LastIndexOf(':');
        var hasTag = colon > name.LastIndexOf('/');
        var tag = hasTag ? name[(colon + 1)..] : digest < 0 ? "latest" : "";
        return tag == "latest" && IsRepository(hasTag ? name[..colon] : name) ? "Always" : "IfNotPresent";
    }

    /// <summary>Puts copies of what <paramref name="target"/> lacks into it; its keys are sorted again.</summary>
    internal static void CopyMissing(JsonObject source, JsonObject target)
    {
        foreach (var (name, value) in source)
        {
            if (target.ContainsKey(name))
                continue;
            var at = target.Count;
            while (at > 0 && string.CompareOrdinal(target.GetAt(at - 1).Key, name) > 0)
                at--;
            target.Insert(at, name, value?.DeepClone());
        }
    }

    // What is no image's name has no tag either, and is left for validation to refuse.
    private static bool IsRepository(string name)
    {
        var slash = name.IndexOf('/', StringComparison.Ordinal);
        var isHost = slash >= 0 && (name.AsSpan(0, slash).IndexOfAny('.', ':') >= 0 || name.AsSpan(0, slash).IndexOfAnyInRange('A', 'Z') >= 0 || name.StartsWith("localhost/", StringComparison.Ordinal));
        var path = isHost ? name.AsSpan(slash + 1) : name;
        return path.Length > 0 && path.IndexOfAnyExcept("abcdefghijklmnopqrstuvwxyz0123456789._-/") < 0 && char.IsAsciiLetterOrDigit(path[0]) && char.IsAsciiLetterOrDigit(path[^1]);
    }
}
