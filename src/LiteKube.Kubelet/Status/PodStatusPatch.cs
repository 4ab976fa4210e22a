using System.Text;
using System.Text.Json.Nodes;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Json;

namespace LiteKube.Kubelet.Status;

/// <summary>The difference between two statuses as a strategic merge patch, so that what others wrote stays.</summary>
internal static class PodStatusPatch
{
    /// <summary>Null when nothing differs.</summary>
    public static KubePatch? Between(string uid, V1PodStatus? before, V1PodStatus after)
    {
        var old = ToJson(before ?? new V1PodStatus());
        var changes = new JsonObject();
        var fresh = ToJson(after);
        foreach (var (name, value) in fresh.ToList())
        {
            if (JsonNode.DeepEquals(old[name], value))
                continue;
            changes[name] = name switch
            {
                "conditions" => ChangedConditions(old["conditions"]?.AsArray() ?? [], value!.AsArray()),
                "podIPs" or "hostIPs" => Replaced(old[name]?.AsArray() ?? [], value!.AsArray()),
                _ => value?.DeepClone(),
            };
            if (changes[name] is JsonArray { Count: 0 } && name == "conditions")
                changes.Remove(name);
        }
        foreach (var name in (string[])["reason", "message", "initContainerStatuses", "ephemeralContainerStatuses"])
        {
            if (old.ContainsKey(name) && !fresh.ContainsKey(name))
                changes[name] = null;
        }
        if (changes.Count == 0)
            return null;
        // With the uid in it, a patch meant for a pod of the past does not land on a new one of the same name.
        var patch = new JsonObject { ["metadata"] = new JsonObject { ["uid"] = uid }, ["status"] = changes };
        return KubePatch.StrategicMerge(Encoding.UTF8.GetBytes(patch.ToJsonString()));
    }

    private static JsonObject ToJson(V1PodStatus status) => JsonNode.Parse(KubeJson.Serialize(status))!.AsObject();

    private static JsonArray ChangedConditions(JsonArray before, JsonArray after)
    {
        var changed = new JsonArray();
        foreach (var condition in after)
        {
            var type = condition!["type"]!.GetValue<string>();
            if (!PodConditions.Owned.Contains(type))
                continue;
            var old = before.FirstOrDefault(c => c?["type"]?.GetValue<string>() == type)?.AsObject();
            if (JsonNode.DeepEquals(old, condition))
                continue;
            var copy = condition.DeepClone().AsObject();
            // A reason that no longer holds must go; leaving it out would keep it.
            foreach (var name in (string[])["reason", "message"])
            {
                if (old?.ContainsKey(name) == true && !copy.ContainsKey(name))
                    copy[name] = null;
            }
            changed.Add((JsonNode)(copy));
        }
        return changed;
    }

    /// <summary>Lists merged by address: the old addresses are deleted by name.</summary>
    private static JsonArray Replaced(JsonArray before, JsonArray after)
    {
        var result = new JsonArray();
        foreach (var old in before)
        {
            if (!after.Any(a => JsonNode.DeepEquals(a, old)))
                result.Add((JsonNode)(new JsonObject { ["$patch"] = "delete", ["ip"] = old!["ip"]!.DeepClone() }));
        }
        foreach (var address in after)
            result.Add(address!.DeepClone());
        return result;
    }
}
