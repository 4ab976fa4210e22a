using k8s.Models;

namespace LiteKube.Kubelet.Volumes;

/// <summary>The checks of hostPath volumes (https://kubernetes.io/docs/concepts/storage/volumes/#hostpath-volume-types).</summary>
internal static class HostPaths
{
    /// <summary>Creates what the type says to create, refuses what does not fit.</summary>
    /// <exception cref="IOException">In the kubelet's words.</exception>
    public static void Check(V1HostPathVolumeSource source)
    {
        var path = source.Path;
        if (path.Split('/').Contains(".."))
            throw new IOException($"invalid HostPath `{path}`: must not contain '..'");
        switch (source.Type)
        {
            case null or "":
                return;
            case "DirectoryOrCreate":
                if (Libc.Stat(path) is null)
                    MakeDirectory(path);
                else
                    Require(path, "Directory", "directory");
                return;
            case "Directory":
                Require(path, "Directory", "directory");
                return;
            case "FileOrCreate":
                if (Libc.Stat(path) is null)
                    MakeFile(path);
                else
                    Require(path, "File", "file");
                return;
            case "File":
                Require(path, "File", "file");
                return;
            case "Socket":
                Require(path, "Socket", "socket file");
                return;
            case "CharDevice":
                Require(path, "CharDevice", "character device");
                return;
            case "BlockDevice":
                Require(path, "BlockDevice", "block device");
                return;
            default:
                throw new IOException($"{source.Type} is an invalid volume type");
        }
    }

    private static void MakeDirectory(string path)
    {
        Directory.CreateDirectory(path);
        Libc.Chmod(path, 0x1ED); // 0755
    }

    private static void MakeFile(string path)
    {
        File.Open(path, FileMode.OpenOrCreate, FileAccess.Write).Dispose();
        Libc.Chmod(path, 0x1A4); // 0644
    }

    private static void Require(string path, string type, string description)
    {
        var stat = Libc.Stat(path) ?? throw new IOException($"hostPath type check failed: {path} is not a {description}");
        var actual = TypeOf(stat);
        if (actual is null)
            throw new IOException($"hostPath type check failed, {path} is not a {description}, unable to determine its type: only recognise file, directory, socket, block device and character device");
        if (actual != type)
            throw new IOException($"hostPath type check failed: {path} is not a {description}, it's a {actual}");
    }

    private static string? TypeOf(Libc.Statx stat) => stat switch
    {
        { IsRegular: true } => "File",
        { IsDirectory: true } => "Directory",
        { IsSocket: true } => "Socket",
        { IsCharDevice: true } => "CharDevice",
        { IsBlockDevice: true } => "BlockDevice",
        _ => null,
    };
}
