using k8s.Models;

namespace LiteKube.Kubelet.PodWorkers;

/// <summary>Variables out of a file in one of the pod's emptyDir volumes (env valueFrom fileKeyRef, KEP-3721).</summary>
internal sealed class EnvFiles(KubeletOptions options)
{
    private const int MostBytes = 64 << 10;

    /// <summary>Null when the file or the key is not there; whether that is an error is the reference's own matter.</summary>
    public string? Read(V1Pod pod, V1FileKeySelector selector)
    {
        var volume = Path.Combine(options.PodVolumesDir(pod.Metadata.Uid), "kubernetes.io~empty-dir", selector.VolumeName);
        var path = Path.GetFullPath(Path.Combine(volume, selector.Path));
        // The container wrote the volume: neither dots nor links may lead out of it.
        if (!path.StartsWith(volume + "/", StringComparison.Ordinal) || new FileInfo(path) is not { Exists: true, LinkTarget: null, Length: <= MostBytes })
            return null;
        foreach (var line in File.ReadLines(path))
        {
            var text = line.TrimStart();
            var equals = text.IndexOf('=', StringComparison.Ordinal);
            if (equals > 0 && text[0] != '#' && text[..equals].Trim() == selector.Key)
                return Unquote(text[(equals + 1)..].Trim());
        }
        return null;
    }

    private static string Unquote(string value) => value.Length >= 2 && value[0] == value[^1] && (value[0] is '\'' or '"') ? value[1..^1] : value;
}
