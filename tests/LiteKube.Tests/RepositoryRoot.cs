using System.Runtime.CompilerServices;

namespace LiteKube.Tests;

internal static class RepositoryRoot
{
    public static string Path { get; } = Find();

    private static string Find([CallerFilePath] string thisFile = "")
    {
        var directory = new DirectoryInfo(System.IO.Path.GetDirectoryName(thisFile)!);
        while (!File.Exists(System.IO.Path.Combine(directory.FullName, "LiteKube.sln")))
            directory = directory.Parent ?? throw new InvalidOperationException("no LiteKube.sln above " + thisFile);
        return directory.FullName;
    }
}
