using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>The program's own commands: what they print, what they return, and how they refuse.</summary>
public sealed class CommandLineTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly string _directory = Directory.CreateTempSubdirectory("litekube-cli-").FullName;

    public Task InitializeAsync() => Task.CompletedTask;

    public Task DisposeAsync()
    {
        Directory.Delete(_directory, recursive: true);
        return Task.CompletedTask;
    }

    [Theory]
    [InlineData("--help", "start stop status reset config kubectl images version completion --data-dir")]
    [InlineData("start --help", "--wait --timeout --foreground --data-dir --api-port --pod-cidr --containerd-path")]
    [InlineData("stop --help", "pods go on running")]
    [InlineData("status --help", "--wait-ready --format")]
    [InlineData("reset --help", "--yes")]
    [InlineData("config --help", "kubeconfig")]
    [InlineData("images --help", "import list")]
    [InlineData("images import --help", "FILE|-")]
    [InlineData("completion --help", "bash zsh fish")]
    [InlineData("version", "litekube v1.37")]
    [InlineData("completion bash", "complete litekube")]
    [InlineData("completion zsh", "compdef litekube")]
    [InlineData("completion fish", "complete litekube")]
    [InlineData("[suggest:10]|litekube s", "start stop status")]
    public async Task Commands_explain_themselves(string commandLine, string words)
    {
        var ran = await LiteKubeAsync(commandLine.Contains('|') && commandLine.StartsWith('[') ? commandLine.Split('|') : commandLine.Split(' '));
        Assert.All(words.Split(' '), word => Assert.Contains(word, ran.Success(), StringComparison.Ordinal));
        Assert.Empty(ran.Error);
    }

    [Theory]
    [InlineData("bogus", 2, "'bogus'")]
    [InlineData("status extra", 2, "'extra'")]
    [InlineData("status --format xml", 2, "'text' 'json' 'yaml'")]
    [InlineData("completion tcsh", 2, "'bash' 'zsh' 'fish'")]
    [InlineData("start --api-port 99999", 2, "--api-port: \"99999\" must be a port, 1 to 65535")]
    [InlineData("start --pod-cidr 10.1.0.0", 2, "--pod-cidr")]
    [InlineData("start --data-dir relative", 2, "--data-dir: \"relative\" must be an absolute path")]
    [InlineData("start --timeout soon", 2, "\"soon\" is not a duration; write it like 60s or 5m")]
    [InlineData("images import", 2, "FILE|-")]
    [InlineData("images import /nowhere --data-dir NONE", 1, "cannot read /nowhere")]
    [InlineData("images list --data-dir NONE", 1, "start it with: sudo litekube start --data-dir NONE")]
    [InlineData("config --data-dir NONE", 1, "run: sudo litekube start --data-dir NONE")]
    [InlineData("--data-dir NONE kubectl get nodes", 1, "run: sudo litekube start --data-dir NONE")]
    [InlineData("reset --data-dir NONE", 2, "say --yes")]
    [InlineData("start --data-dir /proc/litekube", 1, "choose another directory with --data-dir")]
    [InlineData("start --data-dir /dev/null", 1, "choose another directory with --data-dir")]
    [InlineData("start --data-dir NONE --run-dir /proc/litekube", 1, "choose another directory with --run-dir")]
    [InlineData("status --config /nowhere", 2, "cannot read the config file /nowhere")]
    public async Task Bad_input_gets_one_line_with_the_cause_and_the_way_out(string commandLine, int exitCode, string message)
    {
        var none = Path.Combine(_directory, "none");
        var ran = await LiteKubeAsync(commandLine.Replace("NONE", none, StringComparison.Ordinal).Split(' '));
        Refused(ran, exitCode, message.Replace("NONE", none, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("apiPort: 17001\nnodename: me\n", ":2: unknown setting \"nodename\"; did you mean \"nodeName\"?")]
    [InlineData("colour: red\n", ":1: unknown setting \"colour\"; known are dataDir, ")]
    [InlineData("apiPort: many\n", ":1: apiPort: \"many\" must be a port, 1 to 65535")]
    [InlineData("apiPort: 17001\napiPort: 17002\n", ":2: apiPort is set twice")]
    [InlineData("apiPort: [1]\n", ":1: apiPort takes a single value")]
    [InlineData("- apiPort\n", ":1: the file must be a mapping of setting: value")]
    [InlineData("apiPort: \"\n", ":")]
    public async Task A_config_file_that_is_wrong_is_refused_by_name_and_line(string text, string message)
    {
        var file = Path.Combine(_directory, "config.yaml");
        await File.WriteAllTextAsync(file, text);
        Refused(await LiteKubeAsync(["status", "--config", file]), 2, file + message);
    }

    [Fact]
    public async Task Settings_come_from_options_before_the_environment_before_the_file()
    {
        var file = Path.Combine(_directory, "config.yaml");
        await File.WriteAllTextAsync(file, $"dataDir: {_directory}/file\nnodeName: file\n");
        Assert.Equal(("file", $"{_directory}/file"), await AskAsync([], []));
        Assert.Equal(("env", $"{_directory}/file"), await AskAsync([], [("LITEKUBE_NODE_NAME", "env")]));
        Assert.Equal(("option", $"{_directory}/env"), await AskAsync(["--node-name", "option"], [("LITEKUBE_NODE_NAME", "env"), ("LITEKUBE_DATA_DIR", $"{_directory}/env")]));
        Refused(await Run.Async(LiteKubeCluster.Program, ["status"], environment: new Dictionary<string, string?> { ["LITEKUBE_API_PORT"] = "x" }, timeout: Patience), 2, "LITEKUBE_API_PORT: \"x\" must be a port");

        async Task<(string Node, string DataDir)> AskAsync(string[] options, (string, string)[] environment)
        {
            var ran = await Run.Async(LiteKubeCluster.Program, ["status", "--config", file, "--format", "json", .. options], environment: environment.ToDictionary(e => e.Item1, e => (string?)e.Item2, StringComparer.Ordinal), timeout: Patience);
            Assert.Equal(3, ran.ExitCode);
            using var status = JsonDocument.Parse(ran.Out);
            return (status.RootElement.GetProperty("node").GetString()!, status.RootElement.GetProperty("dataDir").GetString()!);
        }
    }

    [Fact]
    public async Task Without_root_the_commands_say_so()
    {
        var program = Path.Combine(_directory, "litekube");
        File.Copy(LiteKubeCluster.Program, program);
        (await Run.Shell($"chmod 755 {_directory} {program}")).Success();
        foreach (var command in (string[])["start", "stop", "reset", "server"])
            Refused(await AsNobodyAsync(command), 1, $"`litekube {command}` needs root; run: sudo litekube {command}");
        Assert.Equal(3, (await AsNobodyAsync("status", "--data-dir", "/tmp/litekube-none")).ExitCode);
        (await AsNobodyAsync("version")).Success();

        Task<Ran> AsNobodyAsync(params string[] arguments) => Run.Async("setpriv", ["--reuid=65534", "--regid=65534", "--clear-groups", program, .. arguments], timeout: Patience);
    }

    [Fact]
    public async Task Without_a_kubectl_the_program_says_how_to_get_one()
    {
        await using var machine = await Enclosure.StartAsync();
        var ran = await machine.ShellAsync($"mkdir /run/bin && for d in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin; do ln -sf $d/* /run/bin/ 2>/dev/null; done; rm -f /run/bin/kubectl; for k in /usr/local/sbin /usr/local/bin /usr/sbin /usr/bin /sbin /bin; do [ ! -e $k/kubectl ] || mount --bind /dev/null $k/kubectl; done; PATH=/run/bin {LiteKubeCluster.Program} --data-dir /run/none kubectl get nodes");
        Refused(ran, 1, "there is no kubectl on the PATH; install one (https://kubernetes.io/docs/tasks/tools/, or: apt-get install kubernetes-client)");
    }

    [Fact]
    public async Task A_taken_port_is_named_at_the_start()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Any, 0));
        listener.Listen();
        var port = ((IPEndPoint)listener.LocalEndPoint!).Port.ToString(CultureInfo.InvariantCulture);
        var cluster = LiteKubeCluster.Prepare("/tmp");
        await using (cluster)
            Refused(await cluster.LiteKubeAsync(["start", "--wait", "--api-port", port], Patience), 1, $"port {port} is taken");
    }

    [Fact]
    public async Task The_commands_of_a_running_cluster_tell_its_state()
    {
        // A containerd that can be made to fail: a name for the real one, given as the program to run.
        var containerd = Path.Combine(_directory, "containerd");
        var real = (await Run.Shell("command -v containerd")).Success().Trim();
        Script(containerd, $"#!/bin/sh\nexec {real} \"$@\"\n");
        await using var cluster = await LiteKubeCluster.StartAsync("--containerd-path", containerd);

        Assert.Contains("litekube runs already", (await cluster.LiteKubeAsync(["start", "--wait"])).Success());
        Refused(await cluster.LiteKubeAsync(["server"], Patience), 1, "litekube runs already with process id " + await cluster.ServerProcessAsync());
        var text = (await cluster.LiteKubeAsync(["status"])).Success();
        Assert.Contains("is ready", text);
        Assert.Matches("kubelet +ready", text);
        using (var status = JsonDocument.Parse((await cluster.LiteKubeAsync(["status", "--format", "json"])).Success()))
            Assert.True(status.RootElement.GetProperty("ready").GetBoolean());
        Assert.Contains("ready: true\n", (await cluster.LiteKubeAsync(["status", "--format", "yaml"])).Success());
        Assert.Equal(await File.ReadAllTextAsync(cluster.Kubeconfig), (await cluster.LiteKubeAsync(["config"])).Success());
        Assert.Contains("Ready", (await Run.Async(LiteKubeCluster.Program, ["--data-dir", cluster.DataDir, "kubectl", "get", "nodes"])).Success());
        Assert.Equal(1, (await Run.Async(LiteKubeCluster.Program, ["--data-dir", cluster.DataDir, "kubectl", "get", "pod", "none"])).ExitCode);

        await ImagesAsync(cluster);
        Refused(await cluster.LiteKubeAsync(["reset"], Patience), 2, "say --yes");

        Script(containerd, "#!/bin/sh\necho broken on purpose >&2\nexit 1\n");
        (await Run.Shell("kill -9 " + await cluster.ContainerdProcessAsync())).Success();
        var broken = await Wait.ForAsync("a status that is not ready", () => cluster.LiteKubeAsync(["status"]), ran => ran.ExitCode == 4 && ran.Out.Contains("code 1", StringComparison.Ordinal));
        Assert.Contains("broken on purpose", Assert.Single(broken.Out.Split('\n'), line => line.Contains("not ready: ", StringComparison.Ordinal)));
        var waited = await cluster.LiteKubeAsync(["status", "--wait-ready", "--timeout", "1s"], Patience);
        Assert.Equal(4, waited.ExitCode);
        Script(containerd, $"#!/bin/sh\nexec {real} \"$@\"\n");
        (await cluster.LiteKubeAsync(["status", "--wait-ready", "--timeout", "90s"])).Success();

        Assert.Contains("is stopped; pods go on running", (await cluster.LiteKubeAsync(["stop"])).Success());
        Assert.Contains("was not running", (await cluster.LiteKubeAsync(["stop"])).Success());
        var stopped = await cluster.LiteKubeAsync(["status"]);
        Assert.Equal(3, stopped.ExitCode);
        Assert.Contains($"start it with: sudo litekube start --data-dir {cluster.DataDir}", stopped.Out);
        // At once, from two terminals: one of them starts it, both return with it ready.
        var both = await Task.WhenAll(cluster.LiteKubeAsync(["start", "--wait", "--containerd-path", containerd]), cluster.LiteKubeAsync(["start", "--wait", "--containerd-path", containerd]));
        Assert.All(both, ran => Assert.Contains("is ready", ran.Success()));
        await cluster.ServerProcessAsync();
    }

    private async Task ImagesAsync(LiteKubeCluster cluster)
    {
        var file = Path.Combine(_directory, "image.tar");
        await File.WriteAllBytesAsync(file, TestImage.Build());
        Assert.Equal(TestImage.Name + "\n", (await Run.Shell($"{LiteKubeCluster.Program} images import - --data-dir {cluster.DataDir} < {file}")).Success());
        (await Run.Shell($"gzip -k {file}")).Success();
        Assert.Equal(TestImage.Name + "\n", (await cluster.LiteKubeAsync(["images", "import", file + ".gz"])).Success());
        Assert.Matches("docker.io/library/busybox:e2e +[0-9a-f]{12} +[0-9.]+ MB", (await cluster.LiteKubeAsync(["images", "list"])).Success());
        await File.WriteAllTextAsync(file, "no archive at all");
        Refused(await cluster.LiteKubeAsync(["images", "import", file], Patience), 1, file + ": ");
        Refused(await cluster.LiteKubeAsync(["images", "import", "/dev/null"], Patience), 1, "/dev/null: ");
    }

    private static void Script(string path, string text)
    {
        // Replaced, not rewritten: the old one may be running.
        File.WriteAllText(path + ".new", text);
        File.SetUnixFileMode(path + ".new", UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        File.Move(path + ".new", path, overwrite: true);
    }

    private static Task<Ran> LiteKubeAsync(string[] arguments) => Run.Async(LiteKubeCluster.Program, arguments, timeout: Patience);

    private static void Refused(Ran ran, int exitCode, string message)
    {
        Assert.True(ran.ExitCode == exitCode, $"{ran.Command}\nexit code {ran.ExitCode}, not {exitCode}\n{ran.Out}{ran.Error}");
        var line = Assert.Single(ran.Error.Split('\n', StringSplitOptions.RemoveEmptyEntries));
        Assert.StartsWith("litekube: ", line);
        Assert.Contains(message, line);
    }
}
