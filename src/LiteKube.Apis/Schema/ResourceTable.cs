using System.Text;

namespace LiteKube.Apis.Schema;

/// <summary>Reads kubernetes.resources, the compiled-in list of resources.</summary>
internal static class ResourceTable
{
    private static readonly string[] AllVerbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
    private static readonly string[] SubresourceVerbs = ["get", "patch", "update"];

    public static List<ResourceInfo> Read()
    {
        var resources = new List<ResourceInfo>();
        var groupVersion = default(GroupVersion);
        string[]? pending = null;
        var subresources = new List<SubresourceInfo>();
        foreach (var line in Encoding.UTF8.GetString(EmbeddedText.Read("kubernetes.resources")).Split('\n'))
        {
            if (line.StartsWith('#') || line.Length == 0)
                continue;
            if (line.StartsWith("  /", StringComparison.Ordinal))
            {
                subresources.Add(ReadSubresource(line[3..].Split(' '), new(groupVersion.Group, groupVersion.Version, pending![1])));
                continue;
            }

            Flush();
            if (line.StartsWith("group ", StringComparison.Ordinal))
                groupVersion = GroupVersion.Parse(line[6..]);
            else
                pending = line.Split(' ');
        }

        Flush();
        return resources;

        void Flush()
        {
            if (pending is null)
                return;
            resources.Add(ReadResource(groupVersion, pending, [.. subresources]));
            pending = null;
            subresources.Clear();
        }
    }

    private static ResourceInfo ReadResource(GroupVersion groupVersion, string[] words, SubresourceInfo[] subresources)
    {
        var resource = new GroupVersionResource(groupVersion.Group, groupVersion.Version, words[0]);
        var stored = Option(words, "stored");
        var slash = stored?.LastIndexOf('/') ?? 0;
        var storedVersion = stored is null ? groupVersion : GroupVersion.Parse(stored[..slash]);
        return new ResourceInfo
        {
            Resource = resource,
            Kind = words[1],
            Singular = words[1].ToLowerInvariant(),
            Namespaced = words[2] == "namespaced",
            Verbs = Verbs(words[3]),
            ShortNames = Option(words, "short")?.Split(',') ?? [],
            Categories = Option(words, "categories")?.Split(',') ?? [],
            Subresources = subresources,
            HasStatus = subresources.Any(s => s.Name == "status"),
            StorageResource = stored is null ? resource : new(storedVersion.Group, storedVersion.Version, stored[(slash + 1)..]),
            Schema = SchemaTable.BuiltIn.Find(groupVersion.ToString(), words[1])
                ?? throw new InvalidDataException($"kubernetes.resources: {groupVersion} has no type {words[1]}"),
        };
    }

    private static SubresourceInfo ReadSubresource(string[] words, GroupVersionKind own)
    {
        var verbs = words.Length > 1 ? Verbs(words[1]) : SubresourceVerbs;
        if (words.Length < 3)
            return new(words[0], own, verbs);
        var colon = words[2].IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
            return new(words[0], own with { Kind = words[2] }, verbs);
        var groupVersion = GroupVersion.Parse(words[2][..colon]);
        return new(words[0], new(groupVersion.Group, groupVersion.Version, words[2][(colon + 1)..]), verbs);
    }

    private static string[] Verbs(string text) => text == "*" ? AllVerbs : text.Split(',');

    private static string? Option(string[] words, string name)
    {
        foreach (var word in words)
        {
            if (word.StartsWith(name, StringComparison.Ordinal) && word.Length > name.Length && word[name.Length] == '=')
                return word[(name.Length + 1)..];
        }

        return null;
    }
}
