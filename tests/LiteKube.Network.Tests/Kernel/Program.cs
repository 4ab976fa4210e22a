using System.Reflection;

namespace LiteKube.Network.Tests.Kernel;

/// <summary>Entry of the process that <see cref="KernelScenario"/> starts inside a fresh network namespace: runs one scenario.</summary>
internal static class Program
{
    private static async Task<int> Main(string[] arguments)
    {
        if (arguments is not [var typeName, var methodName])
        {
            await Console.Error.WriteLineAsync("usage: LiteKube.Network.Tests TYPE METHOD (use dotnet test to run the tests)");
            return 64;
        }
        var method = typeof(Program).Assembly.GetType(typeName)?.GetMethod(methodName, BindingFlags.Static | BindingFlags.NonPublic | BindingFlags.Public);
        if (method is null)
        {
            await Console.Error.WriteLineAsync($"no scenario {typeName}.{methodName}");
            return 64;
        }
        try
        {
            await (Task)method.Invoke(null, null)!;
            return 0;
        }
        catch (Exception e)
        {
            await Console.Error.WriteLineAsync(e.ToString());
            return 1;
        }
    }
}
