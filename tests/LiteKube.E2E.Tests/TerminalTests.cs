using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>exec, attach, logs and port-forward as a person at a terminal uses them.</summary>
[Collection(PodClusterCollection.Name)]
public sealed class TerminalTests(SharedCluster shared)
{
    private readonly LiteKubeCluster _cluster = shared.Cluster;

    public static TheoryData<string> Kubectls => new("1.20", "1.32", "1.35");

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task A_shell_in_a_container_knows_its_window_heeds_ctrl_c_and_returns_its_exit_code(string release)
    {
        var ns = "tty-" + release.Replace('.', '-');
        await StartAsync(ns, Manifests.Sleeper(ns, "p"), "p");
        await using var terminal = await OnTerminalAsync(release, "exec", "-it", "-n", ns, "p", "--", "sh");

        await terminal.Process.SendAsync("stty size; echo size$((1+1))\n");
        await terminal.Process.UntilSeenAsync("size2");
        Assert.Contains("33 97", terminal.Process.Seen);
        await terminal.ResizeAsync(44, 111);
        await terminal.Process.SendAsync("until [ \"$(stty size)\" = '44 111' ]; do sleep 0.1; done; echo resized$((1+1))\n");
        await terminal.Process.UntilSeenAsync("resized2");

        await terminal.Process.SendAsync("sh -c 'echo waiting$((1+1)); exec sleep 100000'\n");
        await terminal.Process.UntilSeenAsync("waiting2");
        await terminal.Process.SendAsync("\u0003");
        await terminal.Process.SendAsync("echo code $?\n");
        await terminal.Process.UntilSeenAsync("code 130");
        await terminal.Process.SendAsync("exit 5\n");
        Assert.Equal(5, await terminal.Process.UntilEndedAsync());
    }

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task Attached_terminals_speak_with_the_container_itself(string release)
    {
        var ns = "attach-" + release.Replace('.', '-');
        await StartAsync(ns, $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}} }
            spec:
              restartPolicy: Never
              containers: [{name: c, image: 'busybox:e2e', command: [sh], stdin: true, tty: true}]
            """, "p");
        await using var terminal = await OnTerminalAsync(release, "attach", "-it", "-n", ns, "p");
        await terminal.Process.SendAsync("until [ \"$(stty size)\" = '33 97' ]; do sleep 0.1; done; echo attached$((1+1))\n");
        await terminal.Process.UntilSeenAsync("attached2");
        await terminal.Process.SendAsync("exit 0\n");
        await terminal.Process.UntilEndedAsync();
        await _cluster.WaitAsync(ns, "pod/p", "jsonpath={.status.phase}=Succeeded");
    }

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task Attach_without_a_terminal_passes_what_is_said_and_ends_with_the_container(string release)
    {
        var ns = "pipe-" + release.Replace('.', '-');
        await StartAsync(ns, $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}} }
            spec:
              restartPolicy: Never
              containers: [{name: c, image: 'busybox:e2e', command: [sh, -c, 'read line; echo "heard $line"; echo trouble >&2; read more'], stdin: true}]
            """, "p");
        await using var attached = LiveProcess.Start(await Clients.KubectlAsync(release), ["attach", "-i", "-n", ns, "p"], _cluster.ClientEnvironment);
        await attached.SendAsync("a word\n");
        await attached.UntilSeenAsync("heard a word\n");
        await attached.UntilSeenAsync("trouble\n");
        await attached.SendAsync("enough\n");
        Assert.Equal(0, await attached.UntilEndedAsync());
    }

    [Fact]
    public async Task Followed_logs_bring_each_line_when_it_is_written_and_end_with_the_container()
    {
        await StartAsync("follow", """
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: follow}
            spec:
              restartPolicy: Never
              containers: [{name: c, image: 'busybox:e2e', command: [sh, -c, 'busybox mkfifo /tmp/f; exec 3<>/tmp/f; while read line <&3; do [ "$line" = end ] && exit 0; echo "$line"; done']}]
            """, "p");
        await using var logs = LiveProcess.Start("kubectl", ["logs", "-f", "-n", "follow", "p"], _cluster.ClientEnvironment);
        foreach (var line in (string[])["one", "two", "three"])
        {
            (await SayAsync(line)).Success();
            await logs.UntilSeenAsync(line + "\n");
        }
        // The container's end may overtake that of this exec in it.
        await SayAsync("end");
        Assert.Equal(0, await logs.UntilEndedAsync());
        Assert.Equal("one\ntwo\nthree\n", logs.Seen);

        // Cut at the instant of the second line. Asked for as it is: kubectl's --since-time drops the fraction of the second, and all three lines may share one.
        var second = (await _cluster.KubectlAsync("-n", "follow", "logs", "p", "--timestamps")).Success().Split('\n')[1].Split(' ')[0];
        Assert.Equal("two\nthree\n", (await _cluster.KubectlAsync("get", "--raw", "/api/v1/namespaces/follow/pods/p/log?sinceTime=" + second)).Success());
        Assert.Equal("one\ntwo\nthree\n", (await _cluster.KubectlAsync("-n", "follow", "logs", "p", "--since=1h")).Success());
        Assert.Equal("one", (await _cluster.KubectlAsync("-n", "follow", "logs", "p", "--limit-bytes=3")).Success());

        Task<Ran> SayAsync(string line) => _cluster.ExecAsync("follow", "p", $"until [ -p /tmp/f ]; do sleep 0.1; done; echo {line} > /tmp/f");
    }

    [Fact]
    public async Task The_logs_of_the_container_before_a_restart_are_kept()
    {
        (await _cluster.KubectlAsync("create", "namespace", "previous")).Success();
        await _cluster.ApplyAsync("""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: previous}
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: c
                image: busybox:e2e
                command: [sh, -c, 'if [ -e /kept/second ]; then echo second; exec sleep 100000; fi; touch /kept/second; echo first; exit 1']
                volumeMounts: [{name: kept, mountPath: /kept}]
              volumes: [{name: kept, emptyDir: {} }]
            """);
        await _cluster.WaitAsync("previous", "pod/p", "jsonpath={.status.containerStatuses[0].restartCount}=1");
        Assert.Equal("first\n", (await _cluster.KubectlAsync("-n", "previous", "logs", "p", "--previous")).Success());
        await _cluster.WaitAsync("previous", "pod/p", "condition=Ready");
        Assert.Equal("second\n", (await Wait.ForAsync("the second log", () => _cluster.KubectlAsync("-n", "previous", "logs", "p"), ran => ran.Out.Length > 0)).Out);
    }

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task A_forwarded_port_of_a_service_takes_many_connections_at_once(string release)
    {
        var ns = "forward-" + release.Replace('.', '-');
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync(Manifests.WebApp(ns, "web", 1));
        (await _cluster.KubectlAsync("-n", ns, "rollout", "status", "deployment/web", "--timeout=90s")).Success();
        await using var forward = await PortForward.StartAsync(await Clients.KubectlAsync(release), _cluster.ClientEnvironment, ns, "service/web", 80);
        var answers = await Task.WhenAll(Enumerable.Range(0, 12).Select(async _ =>
        {
            using var http = new HttpClient { Timeout = TimeSpan.FromSeconds(30) };
            return await http.GetStringAsync($"http://127.0.0.1:{forward.LocalPort}/");
        }));
        Assert.All(answers, answer => Assert.StartsWith("v1 web-", answer));
    }

    private async Task StartAsync(string ns, string manifest, string pod)
    {
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync(manifest);
        await _cluster.WaitAsync(ns, "pod/" + pod, "condition=Ready");
    }

    private async Task<KubectlOnTerminal> OnTerminalAsync(string release, params string[] arguments)
    {
        var file = Path.Combine(Path.GetTempPath(), $"litekube-tty-{Guid.NewGuid():N}");
        return new KubectlOnTerminal(LiveProcess.StartOnTerminal(await Clients.KubectlAsync(release), arguments, _cluster.ClientEnvironment, 33, 97, file), file);
    }

    private sealed class KubectlOnTerminal(LiveProcess process, string terminalFile) : IAsyncDisposable
    {
        public LiveProcess Process => process;

        /// <summary>As a terminal emulator does when its window is dragged: the kernel then signals kubectl.</summary>
        public async Task ResizeAsync(int rows, int columns) => (await Run.Shell($"stty -F $(cat {terminalFile}) rows {rows} cols {columns}")).Success();

        public async ValueTask DisposeAsync()
        {
            await process.DisposeAsync();
            File.Delete(terminalFile);
        }
    }
}
