using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Client;

namespace LiteKube.Testing;

public sealed partial class InMemoryKube
{
    private KubeResponse Get(RequestTarget target) =>
        _objects.TryGetValue(target.Key, out var node) ? Ok(node) : NotFound(target);

    private KubeResponse List(RequestTarget target)
    {
        var items = new JsonArray([.. Matching(target).Select(JsonNode? (node) =>
        {
            // As the real server: items of a list carry no type.
            var item = (JsonObject)node.DeepClone();
            item.Remove("apiVersion");
            item.Remove("kind");
            return item;
        })]);
        return Ok(new JsonObject
        {
            ["kind"] = "List",
            ["apiVersion"] = target.ApiVersion,
            ["metadata"] = new JsonObject { ["resourceVersion"] = Text(_revision) },
            ["items"] = items,
        });
    }

    private KubeResponse Create(RequestTarget target, JsonObject body)
    {
        var metadata = Child(body, "metadata");
        var name = metadata["name"]?.GetValue<string>();
        if (string.IsNullOrEmpty(name))
        {
            if (metadata["generateName"]?.GetValue<string>() is not { } prefix)
                return Failure(422, "Invalid", "name or generateName is required");
            name = prefix + (++_revision).ToString("x5", CultureInfo.InvariantCulture);
            metadata["name"] = name;
        }
        target = target with { Name = name };
        if (_objects.ContainsKey(target.Key))
            return Failure(409, "AlreadyExists", $"{target.Resource} \"{name}\" already exists");
        StampNew(target, body);
        return Created(Store(target.Key, body, null));
    }

    private KubeResponse Update(RequestTarget target, JsonObject body)
    {
        if (!_objects.TryGetValue(target.Key, out var current))
            return NotFound(target);
        if (body["metadata"]?["resourceVersion"]?.GetValue<string>() is { Length: > 0 } version && version != Version(current))
            return Conflict(target);
        return Replace(target, current, body);
    }

    private KubeResponse Patch(RequestTarget target, KubeRequest request)
    {
        if (!_objects.TryGetValue(target.Key, out var current))
            return NotFound(target);
        var patch = JsonNode.Parse(request.Body.Span);
        var type = request.ContentType ?? "";
        try
        {
            var patched = type.StartsWith("application/json-patch", StringComparison.Ordinal)
                ? JsonPatching.Json((JsonObject)current.DeepClone(), (JsonArray)patch!)
                : JsonPatching.Merge((JsonObject)current.DeepClone(), (JsonObject)patch!, strategic: type.Contains("strategic", StringComparison.Ordinal));
            if (patched["metadata"]?["resourceVersion"]?.GetValue<string>() != Version(current))
                return Conflict(target);
            return Replace(target, current, patched);
        }
        catch (InvalidOperationException e)
        {
            return Failure(422, "Invalid", e.Message);
        }
    }

    private KubeResponse Replace(RequestTarget target, JsonObject current, JsonObject body)
    {
        var next = (JsonObject)body.DeepClone();
        if (target.Subresource == "status")
        {
            next = (JsonObject)current.DeepClone();
            next["status"] = body["status"]?.DeepClone();
            // Labels and annotations of a status write count too; the kubelet relies on it.
            if (body["metadata"]?["annotations"] is { } annotations)
                Child(next, "metadata")["annotations"] = annotations.DeepClone();
        }
        else if (target.Subresource is null && HasStatus(current))
        {
            next["status"] = current["status"]?.DeepClone();
        }
        var metadata = Child(next, "metadata");
        foreach (var field in (string[])["uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation"])
        {
            metadata.Remove(field);
            if (current["metadata"]?[field] is { } kept)
                metadata[field] = kept.DeepClone();
        }
        if (!JsonNode.DeepEquals(current["spec"], next["spec"]) && metadata["generation"] is { } generation)
            metadata["generation"] = generation.GetValue<long>() + 1;
        if (metadata["deletionTimestamp"] is not null && metadata["finalizers"] is not JsonArray { Count: > 0 } && !IsWaitingForGrace(target, next) && !HoldsNamespace(target, next))
        {
            Store(target.Key, null, current);
            return Ok(next);
        }
        if (JsonNode.DeepEquals(Without(current), Without(next)))
            return Ok(current);
        return Ok(Parse(Store(target.Key, next, current)));
    }

    private KubeResponse Bind(RequestTarget target, JsonObject body)
    {
        if (!_objects.TryGetValue(target.Key, out var current))
            return NotFound(target);
        if (current["spec"]?["nodeName"]?.GetValue<string>() is { Length: > 0 } node)
            return Failure(409, "Conflict", $"Operation cannot be fulfilled on pods/binding \"{target.Name}\": pod {target.Name} is already assigned to node \"{node}\"");
        if (current["metadata"]?["deletionTimestamp"] is not null)
            return Failure(409, "Conflict", $"Operation cannot be fulfilled on pods/binding \"{target.Name}\": pod {target.Name} is being deleted, cannot be assigned to a host");
        var next = (JsonObject)current.DeepClone();
        Child(next, "spec")["nodeName"] = body["target"]!["name"]!.GetValue<string>();
        var status = Child(next, "status");
        var conditions = status["conditions"] as JsonArray ?? [];
        status["conditions"] = new JsonArray([.. conditions.Where(c => c?["type"]?.GetValue<string>() != "PodScheduled").Select(c => c?.DeepClone()),
            new JsonObject { ["type"] = "PodScheduled", ["status"] = "True", ["lastTransitionTime"] = Now() }]);
        Store(target.Key, next, current);
        return Created(Encoding.UTF8.GetBytes("""{"kind":"Status","apiVersion":"v1","status":"Success","code":201}"""));
    }

    private KubeResponse DeleteCollection(RequestTarget target, JsonObject options)
    {
        foreach (var node in Matching(target).ToList())
        {
            var metadata = (JsonObject)node["metadata"]!;
            Delete(target with { Namespace = metadata["namespace"]?.GetValue<string>(), Name = metadata["name"]!.GetValue<string>() }, options);
        }
        return List(target);
    }

    private KubeResponse Delete(RequestTarget target, JsonObject options)
    {
        if (!_objects.TryGetValue(target.Key, out var current))
            return NotFound(target);
        var preconditions = options["preconditions"];
        if (preconditions?["uid"]?.GetValue<string>() is { } uid && uid != current["metadata"]!["uid"]!.GetValue<string>()
            || preconditions?["resourceVersion"]?.GetValue<string>() is { } version && version != Version(current))
            return Conflict(target);
        var next = (JsonObject)current.DeepClone();
        var metadata = Child(next, "metadata");
        AddPropagationFinalizer(metadata, options["propagationPolicy"]?.GetValue<string>());
        var grace = options["gracePeriodSeconds"]?.GetValue<long>() ?? next["spec"]?["terminationGracePeriodSeconds"]?.GetValue<long>() ?? 30;
        var isGraceful = GracefulPods && target.Resource == "pods" && grace > 0 && !string.IsNullOrEmpty(next["spec"]?["nodeName"]?.GetValue<string>())
            && next["status"]?["phase"]?.GetValue<string>() is not ("Succeeded" or "Failed");
        if (metadata["finalizers"] is not JsonArray { Count: > 0 } && !isGraceful && !HoldsNamespace(target, next))
        {
            Store(target.Key, null, current);
            return Ok(current);
        }
        metadata["deletionTimestamp"] ??= Now();
        metadata["deletionGracePeriodSeconds"] = isGraceful ? grace : 0L;
        return JsonNode.DeepEquals(current, next) ? Ok(current) : Ok(Parse(Store(target.Key, next, current)));
    }

    private static void AddPropagationFinalizer(JsonObject metadata, string? policy)
    {
        var finalizer = policy switch { "Foreground" => "foregroundDeletion", "Orphan" => "orphan", _ => null };
        if (finalizer is null)
            return;
        if (metadata["finalizers"] is not JsonArray finalizers)
            metadata["finalizers"] = finalizers = [];
        if (!finalizers.Any(known => known!.GetValue<string>() == finalizer))
            finalizers.Add(finalizer);
    }

    private static bool IsWaitingForGrace(RequestTarget target, JsonObject node) =>
        target.Resource == "pods" && (node["metadata"]?["deletionGracePeriodSeconds"]?.GetValue<long>() ?? 0) > 0;

    private static bool HoldsNamespace(RequestTarget target, JsonObject node) => target.Resource == "namespaces" && node["spec"]?["finalizers"] is JsonArray { Count: > 0 };

    /// <summary>Writes (or with null removes) an object and tells every watch; the answer is its new JSON.</summary>
    private byte[] Store(string key, JsonObject? node, JsonObject? old)
    {
        _revision++;
        var last = (JsonObject)(node ?? old!).DeepClone();
        Child(last, "metadata")["resourceVersion"] = Text(_revision);
        if (node is null)
            _objects.Remove(key);
        else
            _objects[key] = last;
        var change = new Change(_revision, key, old ?? (node is null ? last : null), node is null ? null : last);
        _history.Add(node is null ? change with { Old = last } : change);
        foreach (var watch in _watches)
            watch.Offer(_history[^1]);
        Changed?.Invoke();
        return Bytes(last);
    }

    private void StampNew(RequestTarget target, JsonObject node)
    {
        var metadata = Child(node, "metadata");
        metadata["uid"] ??= $"00000000-0000-0000-0000-{_revision + 1:d12}";
        metadata["creationTimestamp"] ??= Now();
        if (node.ContainsKey("spec"))
            metadata["generation"] ??= 1L;
        if (target.Namespace is { Length: > 0 } ns)
            metadata["namespace"] ??= ns;
    }

    private IEnumerable<JsonObject> Matching(RequestTarget target) =>
        _objects.Where(pair => pair.Key.StartsWith(target.Prefix, StringComparison.Ordinal) && target.Selects(pair.Value)).Select(pair => pair.Value);

    private static bool HasStatus(JsonObject node) => node.ContainsKey("status");

    private static JsonObject Without(JsonObject node)
    {
        var copy = (JsonObject)node.DeepClone();
        (copy["metadata"] as JsonObject)?.Remove("resourceVersion");
        return copy;
    }

    private static JsonObject Child(JsonObject node, string name)
    {
        if (node[name] is not JsonObject child)
            node[name] = child = [];
        return child;
    }

    private static JsonObject Body(KubeRequest request) => request.Body.IsEmpty ? [] : (JsonObject)JsonNode.Parse(request.Body.Span)!;
    private static JsonObject Parse(byte[] json) => (JsonObject)JsonNode.Parse(json)!;
    private static byte[] Bytes(JsonNode node) => Encoding.UTF8.GetBytes(node.ToJsonString());
    private static string Version(JsonObject node) => node["metadata"]!["resourceVersion"]!.GetValue<string>();
    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);
    private string Now() => _timeProvider.GetUtcNow().UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static KubeResponse Ok(JsonObject node) => new(200, Bytes(node));
    private static KubeResponse Created(byte[] body) => new(201, body);
    private static KubeResponse NotFound(RequestTarget target) => Failure(404, "NotFound", $"{target.GroupResource} \"{target.Name}\" not found");
    private static KubeResponse Conflict(RequestTarget target) => Failure(409, "Conflict",
        $"Operation cannot be fulfilled on {target.GroupResource} \"{target.Name}\": the object has been modified; please apply your changes to the latest version and try again");

    /// <summary>A Status as the server would send it; for <see cref="Intercept"/>.</summary>
    public static KubeResponse Failure(int code, string reason, string message) => new(code, Bytes(new JsonObject
    {
        ["kind"] = "Status",
        ["apiVersion"] = "v1",
        ["status"] = "Failure",
        ["message"] = message,
        ["reason"] = reason,
        ["code"] = code,
    }));
}
