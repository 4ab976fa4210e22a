using System.Reflection;

namespace LiteKube.Hosting;

internal static class ProductVersion
{
    /// <summary>Of the Kubernetes API that is served.</summary>
    public const string Kubernetes = "v1.37.0";

    public static string LiteKube { get; } = typeof(ProductVersion).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";
}
