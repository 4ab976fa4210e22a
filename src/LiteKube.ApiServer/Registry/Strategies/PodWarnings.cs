using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>What a pod, or a template of one, may say and should not: told in Warning headers, refused by nobody.</summary>
internal static class PodWarnings
{
    private static readonly (string Label, string Message)[] OldLabels =
    [
        ("beta.kubernetes.io/arch", "deprecated since v1.14; use \"kubernetes.io/arch\" instead"),
        ("beta.kubernetes.io/os", "deprecated since v1.14; use \"kubernetes.io/os\" instead"),
        ("failure-domain.beta.kubernetes.io/region", "deprecated since v1.17; use \"topology.kubernetes.io/region\" instead"),
        ("failure-domain.beta.kubernetes.io/zone", "deprecated since v1.17; use \"topology.kubernetes.io/zone\" instead"),
        ("beta.kubernetes.io/instance-type", "deprecated since v1.17; use \"node.kubernetes.io/instance-type\" instead"),
    ];

    private static readonly (string Source, string Message)[] OldVolumes =
    [
        ("photonPersistentDisk", "deprecated in v1.11, non-functional in v1.16+"),
        ("gitRepo", "deprecated in v1.11, and disabled by default in v1.33+"),
        ("scaleIO", "deprecated in v1.16, non-functional in v1.22+"),
        ("flocker", "deprecated in v1.22, non-functional in v1.25+"),
        ("storageos", "deprecated in v1.22, non-functional in v1.25+"),
        ("quobyte", "deprecated in v1.22, non-functional in v1.25+"),
        ("glusterfs", "deprecated in v1.25, non-functional in v1.26+"),
        ("cephfs", "deprecated in v1.28, non-functional in v1.31+"),
        ("rbd", "deprecated in v1.28, non-functional in v1.31+"),
    ];

    /// <summary>Names that pods get must be DNS labels to work as host names.</summary>
    public static void OfName(List<string> warnings, string name, string use)
    {
        if (NameChecks.DnsLabel(name) is { Count: > 0 } complaints)
            warnings.Add($"metadata.name: {use}; a DNS label is recommended: [{string.Join(' ', complaints)}]");
    }

    public static void OfSpec(List<string> warnings, JsonObject? metadata, JsonObject spec, FieldPath field, FieldPath metadataField)
    {
        Labels(warnings, spec, field);
        Annotations(warnings, metadata, spec, metadataField.Child("annotations"));
        Volumes(warnings, spec, field.Child("volumes"));
        Doubles(warnings, spec, field);
        foreach (var list in (ReadOnlySpan<string>)["initContainers", "containers"])
        {
            var index = 0;
            foreach (var container in spec.Items(list))
                Container(warnings, container, field.Child(list).Index(index++));
        }
        Fractions(warnings, spec.Obj("overhead"), field.Child("overhead"));
        if (spec.LongOrNull("terminationGracePeriodSeconds") is < 0)
            warnings.Add($"{field.Child("terminationGracePeriodSeconds")}: must be >= 0; negative values are invalid and will be treated as 1");
    }

    private static void Labels(List<string> warnings, JsonObject spec, FieldPath field)
    {
        foreach (var (label, message) in OldLabels)
        {
            if (spec.Obj("nodeSelector").Has(label))
                warnings.Add($"{field.Child("nodeSelector").Key(label)}: {message}");
        }
        var index = 0;
        foreach (var constraint in spec.Items("topologySpreadConstraints"))
        {
            var path = field.Child("topologySpreadConstraints").Index(index++).Child("topologyKey");
            if (Array.Find(OldLabels, l => l.Label == constraint.Str("topologyKey")) is { Label: not null } old)
                warnings.Add($"{path}: {old.Label} is {old.Message}");
        }
        const string Required = "requiredDuringSchedulingIgnoredDuringExecution";
        index = 0;
        foreach (var term in spec.Obj("affinity", "nodeAffinity").Obj(Required).Items("nodeSelectorTerms"))
        {
            var path = field.Child("affinity", "nodeAffinity", Required).Child("nodeSelectorTerms").Index(index++).Child("matchExpressions");
            var i = 0;
            foreach (var expression in term.Items("matchExpressions"))
            {
                if (Array.Find(OldLabels, l => l.Label == expression.Str("key")) is { Label: not null } old)
                    warnings.Add($"{path.Index(i).Child("key")}: {old.Label} is {old.Message}");
                i++;
            }
        }
    }

    private static void Annotations(List<string> warnings, JsonObject? metadata, JsonObject spec, FieldPath field)
    {
        if (metadata.Obj("annotations") is not { Count: > 0 } annotations)
            return;
        if (annotations.Has(PodAnnotations.SeccompPod) && !spec.Obj("securityContext").Has("seccompProfile"))
            warnings.Add($"{field.Key(PodAnnotations.SeccompPod)}: non-functional in v1.27+; use the \"seccompProfile\" field instead");
        foreach (var container in spec.Items("initContainers").Concat(spec.Items("containers")))
        {
            var name = container.Str("name");
            if (annotations.Has(PodAnnotations.SeccompPrefix + name) && !container.Obj("securityContext").Has("seccompProfile"))
                warnings.Add($"{field.Key(PodAnnotations.SeccompPrefix + name)}: non-functional in v1.27+; use the \"seccompProfile\" field instead");
            if (annotations.Has(PodAnnotations.AppArmorPrefix + name) && !container.Obj("securityContext").Has("appArmorProfile"))
                warnings.Add($"{field.Key(PodAnnotations.AppArmorPrefix + name)}: deprecated since v1.30; use the \"appArmorProfile\" field instead");
        }
    }

    private static void Volumes(List<string> warnings, JsonObject spec, FieldPath field)
    {
        var index = 0;
        foreach (var volume in spec.Items("volumes"))
        {
            var path = field.Index(index++);
            foreach (var (source, message) in OldVolumes)
            {
                if (volume.Has(source))
                    warnings.Add($"{path.Child(source)}: {message}");
            }
        }
    }

    private static void Doubles(List<string> warnings, JsonObject spec, FieldPath field)
    {
        if (spec.Arr("hostAliases") is { Count: > 0 })
        {
            var addresses = new HashSet<string>(StringComparer.Ordinal);
            var index = 0;
            foreach (var alias in spec.Items("hostAliases"))
            {
                if (!addresses.Add(alias.Str("ip")))
                    warnings.Add($"{field.Child("hostAliases").Index(index).Child("ip")}: duplicate ip {GoText.Quote(alias.Str("ip"))}");
                index++;
            }
        }
        if (spec.Arr("imagePullSecrets") is not { Count: > 0 })
            return;
        var names = new HashSet<string>(StringComparer.Ordinal);
        var i = 0;
        foreach (var secret in spec.Items("imagePullSecrets"))
        {
            var (path, name) = (field.Child("imagePullSecrets").Index(i++).Child("name"), secret.Str("name"));
            if (name.Length == 0)
                warnings.Add($"{path}: invalid empty name \"\"");
            if (!names.Add(name))
                warnings.Add($"{path}: duplicate name {GoText.Quote(name)}");
        }
    }

    private static void Container(List<string> warnings, JsonObject container, FieldPath field)
    {
        Fractions(warnings, container.Obj("resources", "limits"), field.Child("resources", "limits"));
        Fractions(warnings, container.Obj("resources", "requests"), field.Child("resources", "requests"));
        if (container.Arr("env") is { Count: > 1 })
        {
            var names = new HashSet<string>(StringComparer.Ordinal);
            var index = 0;
            foreach (var variable in container.Items("env"))
            {
                var name = variable.Str("name");
                // A variable that refers to itself adds to its earlier definition.
                if (!names.Add(name) && !variable.Str("value").Contains($"$({name})", StringComparison.Ordinal))
                    warnings.Add($"{field.Child("env").Index(index)}: hides previous definition of {GoText.Quote(name)}, which may be dropped when using apply");
                index++;
            }
        }
        if (container.Arr("ports") is { Count: > 1 })
            Ports(warnings, container, field.Child("ports"));
    }

    private static void Ports(List<string> warnings, JsonObject container, FieldPath field)
    {
        var ports = container.Items("ports").ToList();
        for (var i = 1; i < ports.Count; i++)
        {
            for (var j = 0; j < i; j++)
            {
                var (port, other) = (ports[i], ports[j]);
                if (port.Long("containerPort") != other.Long("containerPort") || port.Str("protocol") != other.Str("protocol") || port.Long("hostPort") != other.Long("hostPort") || port.Str("hostIP") != other.Str("hostIP"))
                    continue;
                warnings.Add($"{field.Index(i)}: duplicate port definition with {field.Index(j)}");
                break;
            }
        }
    }

    private static void Fractions(List<string> warnings, JsonObject? amounts, FieldPath field)
    {
        foreach (var (name, amount) in amounts ?? [])
        {
            if (name is "memory" or "ephemeral-storage" && Quantity.TryParse(JsonFields.AsText(amount), out var quantity) && quantity.ToMilli() % 1000 != 0)
                warnings.Add($"{field.Key(name)}: fractional byte value {GoText.Quote(JsonFields.AsText(amount))} is invalid, must be an integer");
        }
    }
}
