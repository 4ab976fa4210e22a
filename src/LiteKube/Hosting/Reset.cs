using LiteKube.Configuration;

namespace LiteKube.Hosting;

internal static class Reset
{
    public static Task<IReadOnlyList<string>> RunAsync(InstanceConfig config, CancellationToken cancellationToken) => throw new NotImplementedException();
}
