using System.Globalization;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Patching;

/// <summary>
/// RFC 6902 with what the library behind Kubernetes' API adds to it: negative indices count from a list's end, and
/// replace sets a field that is not there.
/// </summary>
public static class JsonPatch
{
    private const int MaxOperations = 10_000;

    /// <summary>Copies may grow the object to so many elements: a patch of a kilobyte could otherwise double it again and again.</summary>
    private const int MaxCopiedNodes = 1_000_000;

    /// <summary>The input is not changed.</summary>
    /// <exception cref="PatchException">The patch is no list of operations (400), or one of them does not apply (422).</exception>
    public static JsonNode? Apply(JsonNode original, ReadOnlySpan<byte> patch)
    {
        var operations = Read(patch);
        var document = new Document(original.DeepClone());
        foreach (var operation in operations)
            document.Apply(operation);
        return document.Root;
    }

    private static List<Operation> Read(ReadOnlySpan<byte> patch)
    {
        var node = PatchBytes.Read(patch);
        if (node is not JsonArray list)
            throw new PatchException($"json: cannot unmarshal {PatchBytes.KindOf(node)} into Go value of type jsonpatch.Patch");
        if (list.Count > MaxOperations)
            throw new PatchException(string.Create(CultureInfo.InvariantCulture, $"The allowed maximum operations in a JSON patch is {MaxOperations}, got {list.Count}"), isTooLarge: true);
        var operations = new List<Operation>(list.Count);
        foreach (var element in list)
        {
            if (element is not JsonObject o)
                throw new PatchException($"json: cannot unmarshal {PatchBytes.KindOf(element)} into Go value of type jsonpatch.Operation");
            operations.Add(new(Text(o["op"]) ?? "unknown", Text(o["path"]), Text(o["from"]), o["value"]));
        }

        return operations;
    }

    private static string? Text(JsonNode? node) => node is JsonValue value && value.TryGetValue(out string? text) ? text : null;

    private sealed record Operation(string Kind, string? Path, string? From, JsonNode? Value);

    private sealed class Document(JsonNode? root)
    {
        private int _copied;

        public JsonNode? Root { get; private set; } = root;

        public void Apply(Operation operation)
        {
            var path = operation.Path ?? throw Unprocessable(MissingPath(operation.Kind));
            switch (operation.Kind)
            {
                case "add":
                    var target = Find(path) ?? throw Unprocessable($"add operation does not apply: doc is missing path: \"{path}\": missing value");
                    target.Add(operation.Value?.DeepClone(), e => $"error in add for path: '{path}': {e}");
                    break;
                case "remove":
                    target = Find(path) ?? throw Unprocessable($"remove operation does not apply: doc is missing path: \"{path}\": missing value");
                    target.Remove(e => $"error in remove for path: '{path}': {e}");
                    break;
                case "replace":
                    Replace(path, operation.Value);
                    break;
                case "test":
                    Test(path, operation.Value);
                    break;
                case "move":
                    Move(path, operation.From ?? throw Unprocessable("move operation failed to decode from: operation, missing from field: missing value"));
                    break;
                case "copy":
                    Copy(path, operation.From ?? throw Unprocessable("copy operation failed to decode from: operation, missing from field: missing value"));
                    break;
                default:
                    throw Unprocessable($"Unexpected kind: {operation.Kind}");
            }
        }

        private static string MissingPath(string kind) => kind switch
        {
            "add" or "remove" or "copy" => $"{kind} operation failed to decode path: missing value",
            "replace" or "test" or "move" => $"{kind} operation failed to decode path: operation missing path field: missing value",
            _ => $"Unexpected kind: {kind}",
        };

        private void Replace(string path, JsonNode? value)
        {
            if (path.Length == 0)
            {
                Root = value is JsonObject or JsonArray ? value.DeepClone() : throw Unprocessable("replace operation value must be object or array");
                return;
            }

            var target = Find(path) ?? throw Unprocessable($"replace operation does not apply: doc is missing path: {path}: missing value");
            target.Get(_ => $"replace operation does not apply: doc is missing key: {path}: missing value");
            target.Set(value?.DeepClone());
        }

        private void Test(string path, JsonNode? expected)
        {
            var actual = path.Length == 0
                ? Root
                : (Find(path) ?? throw Unprocessable($"test operation does not apply: is missing path: {path}: missing value")).Get(e => $"error in test for path: '{path}': {e}");
            if (!JsonEquality.AreEqual(actual, expected))
                throw new PatchException($"testing value {path} failed: test failed", isUnprocessable: true) { IsFailedTest = true };
        }

        private void Move(string path, string from)
        {
            var source = Find(from) ?? throw Unprocessable($"move operation does not apply: doc is missing from path: {from}: missing value");
            var value = source.Get(e => $"error in move for path: '{source.Key}': {e}");
            source.Remove(e => $"error in move for path: '{source.Key}': {e}");
            var target = Find(path) ?? throw Unprocessable($"move operation does not apply: doc is missing destination path: {path}: missing value");
            target.Add(value?.DeepClone(), e => $"error in move for path: '{path}': {e}");
        }

        private void Copy(string path, string from)
        {
            var source = Find(from) ?? throw Unprocessable($"copy operation does not apply: doc is missing from path: {from}: missing value");
            var value = source.Get(e => $"error in copy for from: '{from}': {e}");
            var target = Find(path) ?? throw Unprocessable($"copy operation does not apply: doc is missing destination path: {path}: missing value");
            _copied += CountNodes(value);
            if (_copied > MaxCopiedNodes)
                throw Unprocessable("unable to complete the copy, the accumulated size increase of copy is too large");
            target.Add(value?.DeepClone(), e => $"error while adding value during copy: {e}");
        }

        // The object or list that holds the path's last step; null when a step before it leads nowhere.
        private Place? Find(string path)
        {
            var steps = path.Split('/');
            if (steps.Length < 2)
                return null;
            var at = Root;
            foreach (var step in steps.AsSpan(1, steps.Length - 2))
            {
                at = at switch
                {
                    JsonObject o => o[Decode(step)],
                    JsonArray a => IndexOf(Decode(step), a.Count) is { } i && i < a.Count ? a[i] : null,
                    _ => null,
                };
            }

            return at is JsonObject or JsonArray ? new(at, Decode(steps[^1])) : null;
        }

        private static string Decode(string step) => step.Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);

        private static int CountNodes(JsonNode? node) => node switch
        {
            JsonObject o => 1 + o.Sum(p => CountNodes(p.Value)),
            JsonArray a => 1 + a.Sum(CountNodes),
            _ => 1,
        };
    }

    private sealed record Place(JsonNode Holder, string Key)
    {
        public JsonNode? Get(Func<string, string> error) => Holder is JsonObject o ? o[Key] : Holder.AsArray()[Index(Holder.AsArray().Count, error)];

        public void Set(JsonNode? value)
        {
            if (Holder is JsonObject o)
                o[Key] = value;
            else
                Holder.AsArray()[Index(Holder.AsArray().Count, e => e)] = value;
        }

        public void Remove(Func<string, string> error)
        {
            if (Holder is JsonArray list)
                list.RemoveAt(Index(list.Count, error));
            else if (!Holder.AsObject().Remove(Key))
                throw Unprocessable(error($"Unable to remove nonexistent key: {Key}: missing value"));
        }

        public void Add(JsonNode? value, Func<string, string> error)
        {
            if (Holder is JsonObject o)
                o[Key] = value;
            else if (Key == "-")
                Holder.AsArray().Add(value);
            else
                Holder.AsArray().Insert(Index(Holder.AsArray().Count + 1, error, "value was not a proper array index: "), value);
        }

        private int Index(int count, Func<string, string> error, string prefix = "")
        {
            if (!int.TryParse(Key, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
                throw Unprocessable(error($"{(prefix.Length == 0 ? "" : $"{prefix}'{Key}': ")}strconv.Atoi: parsing {GoText.Quote(Key)}: invalid syntax"));
            var index = number < 0 ? number + count : number;
            return index >= 0 && index < count ? index : throw Unprocessable(error(string.Create(CultureInfo.InvariantCulture, $"Unable to access invalid index: {number}: invalid index referenced")));
        }
    }

    private static int? IndexOf(string key, int count) =>
        int.TryParse(key, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= -count ? number < 0 ? number + count : number : null;

    private static PatchException Unprocessable(string message) => new(message, isUnprocessable: true);
}
