using System.Globalization;
using System.Text;

namespace LiteKube.Kubelet.Volumes;

/// <summary>Where an <see cref="AtomicWriter"/> is; tests stop it after each step as a crash would.</summary>
internal enum AtomicWriterStep
{
    DirectoryCreated,
    FileWritten,
    LinkPrepared,
    Swapped,
    LinksCreated,
    LinksRemoved,
}

/// <summary>
/// Writes a set of files so that a reader sees the old set or the new one, never a mix. The files lie in a directory
/// named after the time, <c>..data</c> is a link to it that a rename swaps, and what the user sees are links through
/// <c>..data</c>: programs watch that link to learn of updates
/// (https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically).
/// Callers see to it that only one write to a directory runs at a time.
/// </summary>
internal sealed class AtomicWriter(string targetDir, TimeProvider time, Action<AtomicWriterStep>? onStep = null)
{
    private const string DataLink = "..data";
    private const string NewDataLink = "..data_tmp";
    private const int MaxPathLength = 4096;
    private const int MaxNameBytes = 255;

    /// <summary>Returns false when the directory already holds just this.</summary>
    /// <param name="setPermissions">Called with the new directory before anyone can see it.</param>
    /// <exception cref="ArgumentException">A path leaves the volume or is too long.</exception>
    public bool Write(IReadOnlyDictionary<string, FileProjection> payload, Action<string>? setPermissions = null)
    {
        var files = new Dictionary<string, FileProjection>(StringComparer.Ordinal);
        foreach (var (path, file) in payload)
            files[Clean(path)] = file;

        var dataPath = Path.Combine(targetDir, DataLink);
        var oldName = new FileInfo(dataPath).LinkTarget;
        var oldDir = oldName is null ? null : Path.Combine(targetDir, oldName);
        RemoveLeftovers(oldName);
        if (oldDir is not null && Holds(oldDir, files))
        {
            // A crash between the swap and the links leaves the data right but some links missing or stale.
            CreateVisibleLinks(files.Keys);
            RemoveStaleLinks(files.Keys);
            return false;
        }

        var newName = NewDirectory();
        var newDir = Path.Combine(targetDir, newName);
        foreach (var (path, file) in files)
            WriteFile(newDir, path, file);
        setPermissions?.Invoke(newDir);

        var newLink = Path.Combine(targetDir, NewDataLink);
        File.CreateSymbolicLink(newLink, newName);
        onStep?.Invoke(AtomicWriterStep.LinkPrepared);
        Libc.Rename(newLink, dataPath);
        onStep?.Invoke(AtomicWriterStep.Swapped);

        CreateVisibleLinks(files.Keys);
        onStep?.Invoke(AtomicWriterStep.LinksCreated);
        RemoveStaleLinks(files.Keys);
        onStep?.Invoke(AtomicWriterStep.LinksRemoved);
        if (oldDir is not null)
            SafeDelete.Tree(oldDir);
        return true;
    }

    private static string Clean(string path)
    {
        if (path.Length == 0)
            throw new ArgumentException("invalid path: must not be empty: \"\"");
        if (path[0] == '/')
            throw new ArgumentException($"invalid path: must be relative path: {path}");
        if (path.Length > MaxPathLength)
            throw new ArgumentException($"invalid path: must be less than or equal to {MaxPathLength} characters");
        var parts = path.Split('/', StringSplitOptions.RemoveEmptyEntries).Where(p => p != ".").ToArray();
        if (parts.Contains(".."))
            throw new ArgumentException($"invalid path: must not contain '..': {path}");
        if (parts.Length == 0 || parts[0].StartsWith("..", StringComparison.Ordinal))
            throw new ArgumentException($"invalid path: must not start with '..': {path}");
        if (parts.Any(p => Encoding.UTF8.GetByteCount(p) > MaxNameBytes))
            throw new ArgumentException($"invalid path: filenames must be less than or equal to {MaxNameBytes} characters");
        return string.Join('/', parts);
    }

    private static bool Holds(string dir, Dictionary<string, FileProjection> files)
    {
        if (!Directory.Exists(dir))
            return false;
        var present = Directory.EnumerateFiles(dir, "*", SearchOption.AllDirectories).Count();
        return present == files.Count && files.All(f => HoldsFile(Path.Combine(dir, f.Key), f.Value));
    }

    private static bool HoldsFile(string path, FileProjection file) =>
        Libc.Stat(path, follow: false) is { IsRegular: true } stat
        && (long)stat.SizeBytes == file.Data.Length
        && file.Data.Span.SequenceEqual(File.ReadAllBytes(path));

    private string NewDirectory()
    {
        var stamp = time.GetUtcNow().ToString("yyyy_MM_dd_HH_mm_ss", CultureInfo.InvariantCulture);
        while (true)
        {
            var name = $"..{stamp}.{Random.Shared.Next().ToString(CultureInfo.InvariantCulture)}";
            var path = Path.Combine(targetDir, name);
            if (Libc.Stat(path, follow: false) is not null)
                continue;
            Directory.CreateDirectory(path);
            // Whatever the umask: group and others must be able to walk through.
            Libc.Chmod(path, 0x1ED);
            onStep?.Invoke(AtomicWriterStep.DirectoryCreated);
            return name;
        }
    }

    private void WriteFile(string dir, string path, FileProjection file)
    {
        var full = Path.Combine(dir, path);
        for (var slash = path.IndexOf('/', StringComparison.Ordinal); slash >= 0; slash = path.IndexOf('/', slash + 1))
        {
            var parent = Path.Combine(dir, path[..slash]);
            Directory.CreateDirectory(parent);
            Libc.Chmod(parent, 0x1ED);
        }
        File.WriteAllBytes(full, file.Data.Span);
        Libc.Chmod(full, file.Mode);
        if (file.OwnerUid is { } uid)
            Libc.Chown(full, uid, -1);
        onStep?.Invoke(AtomicWriterStep.FileWritten);
    }

    private void CreateVisibleLinks(IEnumerable<string> paths)
    {
        foreach (var name in VisibleNames(paths))
        {
            var link = Path.Combine(targetDir, name);
            var target = $"{DataLink}/{name}";
            if (Libc.Stat(link, follow: false) is null)
                File.CreateSymbolicLink(link, target);
        }
    }

    private void RemoveStaleLinks(IEnumerable<string> paths)
    {
        var wanted = VisibleNames(paths);
        foreach (var entry in Directory.EnumerateFileSystemEntries(targetDir))
        {
            var name = Path.GetFileName(entry);
            // The volume's root belongs to the node: a link through ..data that nothing backs is ours and stale.
            if (!name.StartsWith("..", StringComparison.Ordinal) && !wanted.Contains(name) && new FileInfo(entry).LinkTarget == $"{DataLink}/{name}")
                File.Delete(entry);
        }
    }

    private static HashSet<string> VisibleNames(IEnumerable<string> paths) =>
        paths.Select(p => p.IndexOf('/', StringComparison.Ordinal) is var slash and >= 0 ? p[..slash] : p).ToHashSet(StringComparer.Ordinal);

    /// <summary>What a crash in the middle of a write left: unfinished directories, an unused link.</summary>
    private void RemoveLeftovers(string? current)
    {
        foreach (var entry in Directory.GetFileSystemEntries(targetDir, "..*"))
        {
            var name = Path.GetFileName(entry);
            if (name != DataLink && name != current)
                SafeDelete.Tree(entry);
        }
    }
}
