namespace LiteKube.Integration.Tests.Support;

/// <summary>One release of kubectl in one namespace.</summary>
public sealed class Kubectl
{
    private readonly string _program;
    private readonly IntegrationServer _server;

    private Kubectl(string program, IntegrationServer server, string release, string ns) => (_program, _server, Release, Namespace) = (program, server, release, ns);

    public static TheoryData<string> Releases => new("1.20", "1.32", "1.35");

    public string Release { get; }
    public string Namespace { get; }
    public bool ValidatesItself => Release == "1.20";

    /// <summary>Makes the namespace.</summary>
    public static async Task<Kubectl> InNewNamespaceAsync(IntegrationServer server, string release, string purpose)
    {
        var kubectl = new Kubectl(await Clients.KubectlAsync(release), server, release, $"{purpose}-{release.Replace('.', '-')}");
        Assert.Equal($"namespace/{kubectl.Namespace} created\n", await kubectl.OkAsync("create", "namespace", kubectl.Namespace));
        return kubectl;
    }

    /// <summary>The output of a command that must succeed.</summary>
    public async Task<string> OkAsync(params string[] arguments) => (await RunAsync(arguments)).Success();

    public async Task<string> OkWithAsync(string input, params string[] arguments) => (await RunAsync(arguments, input)).Success();

    /// <summary>What a command that must fail says.</summary>
    public async Task<string> FailAsync(params string[] arguments) => (await RunAsync(arguments)).Failure().Error;

    public async Task<string> FailWithAsync(string input, params string[] arguments) => (await RunAsync(arguments, input)).Failure().Error;

    public Task<string> ApplyAsync(string manifest, params string[] more) => OkWithAsync(manifest, ["apply", "-f", "-", .. more]);

    public Task<string> JsonPathAsync(string what, string path) => OkAsync("get", what, "-o", $"jsonpath={path}");

    public Task<Ran> RunAsync(IEnumerable<string> arguments, string? input = null, string? kubeconfig = null, string? editor = null)
    {
        var environment = new Dictionary<string, string?>(_server.Environment(kubeconfig)) { ["EDITOR"] = editor };
        return Run.Async(_program, ["-n", Namespace, .. arguments], input, environment, TimeSpan.FromSeconds(60));
    }
}
