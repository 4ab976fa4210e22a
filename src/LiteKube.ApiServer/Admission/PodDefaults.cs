using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>Pods stay five minutes on a node that is not ready or not reachable, unless they say otherwise.</summary>
internal sealed class DefaultTolerationSeconds : AdmissionPlugin
{
    private const int Seconds = 300;

    public override string Name => "DefaultTolerationSeconds";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.Pods) || attributes.Object.Obj("spec") is not { } spec)
            return;
        foreach (var key in (string[])["node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"])
        {
            if (spec.Items("tolerations").Any(t => t.Str("key") is var own && (own == key || own.Length == 0) && t.Str("effect") is "" or "NoExecute"))
                continue;
            spec.GetOrAddArray("tolerations").Add((JsonNode)new JsonObject { ["key"] = key, ["operator"] = "Exists", ["effect"] = "NoExecute", ["tolerationSeconds"] = Seconds });
        }
    }
}

/// <summary>Turns a pod's class into its number (https://kubernetes.io/docs/concepts/scheduling-eviction/pod-priority-preemption/).</summary>
internal sealed class Priority(IObjectReader objects) : AdmissionPlugin
{
    public override string Name => "Priority";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update;

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (attributes.Operation != AdmissionOperation.Create || !IsFor(attributes, CoreResources.Pods) || attributes.Object.Obj("spec") is not { } spec)
            return;
        var (name, policy, value) = (spec.Str("priorityClassName"), "PreemptLowerPriority", 0L);
        JsonObject? found;
        if (name.Length == 0)
        {
            // Should there be several defaults, the lowest is the least surprising.
            found = objects.List(CoreResources.PriorityClasses).Where(c => c.Bool("globalDefault")).MinBy(c => c.Long("value"));
            if (found is not null)
                spec["priorityClassName"] = found.MetaName();
        }
        else
        {
            found = objects.Get(CoreResources.PriorityClasses, "", name) ?? throw Forbidden(attributes, $"no PriorityClass with name {name} was found");
        }
        if (found is not null)
            (value, policy) = (found.Long("value"), found.Str("preemptionPolicy") is { Length: > 0 } own ? own : policy);
        if (spec.LongOrNull("priority") is { } given && given != value)
            throw Forbidden(attributes, $"the integer value of priority ({given}) must not be provided in pod spec; priority admission controller computed {value} from the given PriorityClass name");
        if (spec.Str("preemptionPolicy") is { Length: > 0 } givenPolicy && givenPolicy != policy)
            throw Forbidden(attributes, $"the string value of PreemptionPolicy ({givenPolicy}) must not be provided in pod spec; priority admission controller computed {policy} from the given PriorityClass name");
        spec["priority"] = value;
        spec["preemptionPolicy"] = policy;
    }

    protected override void Validate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.PriorityClasses) || attributes.Object is not { } value || !value.Bool("globalDefault"))
            return;
        if (objects.List(CoreResources.PriorityClasses).FirstOrDefault(c => c.Bool("globalDefault") && c.MetaName() != value.MetaName()) is { } other)
            throw Forbidden(attributes, $"PriorityClass {other.MetaName()} is already marked as default. Only one default can exist");
    }
}

/// <summary>What a pod's RuntimeClass adds: overhead, node selector, tolerations.</summary>
internal sealed class RuntimeClassAdmission(IObjectReader objects) : AdmissionPlugin
{
    public override string Name => "RuntimeClass";

    protected override void Mutate(AdmissionAttributes attributes)
    {
        if (!IsFor(attributes, CoreResources.Pods) || attributes.Object.Obj("spec") is not { } spec)
            return;
        var name = spec.Str("runtimeClassName");
        if (name.Length == 0)
        {
            if (spec.Obj("overhead") is { Count: > 0 })
                throw Forbidden(attributes, "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead");
            return;
        }
        var found = objects.Get(CoreResources.RuntimeClasses, "", name) ?? throw Forbidden(attributes, $"pod rejected: RuntimeClass \"{name}\" not found");
        var overhead = found.Obj("overhead", "podFixed");
        if (spec.Obj("overhead") is { Count: > 0 } given && !given.SameAs(overhead))
            throw Forbidden(attributes, "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead");
        if (overhead is { Count: > 0 })
            spec["overhead"] = overhead.DeepClone();
        foreach (var (key, value) in found.Obj("scheduling").StringMap("nodeSelector"))
        {
            var selector = spec.GetOrAdd("nodeSelector");
            if (selector.StrOrNull(key) is { } own && own != value)
                throw Forbidden(attributes, $"conflict: runtimeClass.scheduling.nodeSelector[{key}] = {value}; pod.spec.nodeSelector[{key}] = {own}");
            selector[key] = value;
        }
        foreach (var toleration in found.Obj("scheduling").Items("tolerations"))
        {
            if (!spec.Items("tolerations").Any(t => t.SameAs(toleration)))
                spec.GetOrAddArray("tolerations").Add(toleration.DeepClone());
        }
    }
}
