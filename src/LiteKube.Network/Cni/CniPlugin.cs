using System.Net;
using LiteKube.Network.Netlink;

namespace LiteKube.Network.Cni;

/// <summary>
/// The program as a CNI plugin (https://github.com/containernetworking/cni/blob/spec-v1.0.0/SPEC.md): ADD, DEL, CHECK
/// and VERSION for the pod bridge.
/// </summary>
public static class CniPlugin
{
    /// <summary>Whether the process was started by a CNI runtime; asked before anything else is set up, since a plugin run must cost milliseconds.</summary>
    public static bool IsRequested => Environment.GetEnvironmentVariable("CNI_COMMAND") is { Length: > 0 };

    /// <returns>The exit code: 0, or 1 with the error as JSON on <paramref name="stdout"/>.</returns>
    public static async Task<int> RunAsync(IReadOnlyDictionary<string, string> env, Stream stdin, Stream stdout, CancellationToken cancellationToken)
    {
        using var output = new MemoryStream();
        var exitCode = 0;
        string? version = null;
        try
        {
            var command = Required(env, "CNI_COMMAND");
            if (command == "VERSION")
            {
                CniResult.WriteVersions(output);
            }
            else
            {
                using var input = new MemoryStream();
                await stdin.CopyToAsync(input, cancellationToken);
                var config = CniConfig.Parse(input.GetBuffer().AsMemory(0, (int)input.Length));
                version = config.CniVersion;
                await RunAsync(command, config, CniRequest.Read(command, env), output, cancellationToken);
            }
        }
        catch (CniException e)
        {
            exitCode = Fail(output, version, e);
        }
        catch (NetlinkException e)
        {
            exitCode = Fail(output, version, new CniException(CniException.KernelFailure, e.Message));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            exitCode = Fail(output, version, new CniException(CniException.IoFailure, e.Message));
        }
        await stdout.WriteAsync(output.GetBuffer().AsMemory(0, (int)output.Length), cancellationToken);
        await stdout.FlushAsync(cancellationToken);
        return exitCode;
    }

    private static int Fail(MemoryStream output, string? version, CniException error)
    {
        output.SetLength(0);
        CniResult.WriteError(output, version, error);
        return 1;
    }

    private static async Task RunAsync(string command, CniConfig config, CniRequest request, Stream output, CancellationToken cancellationToken)
    {
        switch (command)
        {
            case "ADD":
                await new PodInterface(config, request).AddAsync(output, cancellationToken);
                break;
            case "CHECK":
                new PodInterface(config, request).Check();
                break;
            case "DEL":
                await new PodInterface(config, request).DeleteAsync(cancellationToken);
                break;
            default:
                throw new CniException(CniException.InvalidEnvironment, $"CNI_COMMAND {command} is none of ADD, DEL, CHECK, VERSION");
        }
    }

    internal static string Required(IReadOnlyDictionary<string, string> env, string name) =>
        env.TryGetValue(name, out var value) && value.Length > 0 ? value
            : throw new CniException(CniException.InvalidEnvironment, $"required environment variable {name} is not set");
}

/// <param name="Namespace">Always there, except for DEL of a sandbox whose namespace is gone.</param>
internal sealed record CniRequest(string ContainerId, string? Namespace, string Interface)
{
    public static CniRequest Read(string command, IReadOnlyDictionary<string, string> env)
    {
        var id = CniPlugin.Required(env, "CNI_CONTAINERID");
        if (!char.IsAsciiLetterOrDigit(id[0]) || id.AsSpan().ContainsAnyExcept("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-"))
            throw new CniException(CniException.InvalidEnvironment, $"CNI_CONTAINERID {id} has characters other than letters, digits, \"_\", \".\", \"-\"");
        var name = CniPlugin.Required(env, "CNI_IFNAME");
        if (name.Length > 15 || name is "." or ".." || name.AsSpan().ContainsAny("/: \t\n"))
            throw new CniException(CniException.InvalidEnvironment, $"CNI_IFNAME {name} is no interface name");
        var ns = command == "DEL" ? env.GetValueOrDefault("CNI_NETNS") : CniPlugin.Required(env, "CNI_NETNS");
        return new CniRequest(id, string.IsNullOrEmpty(ns) ? null : ns, name);
    }
}
