using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>`litekube reset` gives the machine back as it was, whatever state the cluster is in.</summary>
public sealed class ResetTests
{
    [Theory]
    [InlineData("runs", "true")]
    [InlineData("was stopped", "litekube stop")]
    [InlineData("was killed", "kill -9 SERVER")]
    [InlineData("was killed with its containerd, which cannot start again", "kill -9 SERVER CONTAINERD; mv CONTAINERD_PROGRAM CONTAINERD_PROGRAM.away")]
    public async Task Reset_leaves_nothing_of_a_cluster_that(string state, string script)
    {
        await using var machine = await Enclosure.StartAsync();
        (await machine.ShellAsync("mkdir /var/lib/programs && cp $(command -v containerd) /var/lib/programs/containerd && echo 0 > /proc/sys/net/ipv4/ip_forward")).Success();
        var before = await MachineState.OfAsync(machine);
        Assert.Contains("interface lo", before);

        var cluster = LiteKubeCluster.Prepare("/var/lib", machine);
        await cluster.StartAgainAsync("--containerd-path", "/var/lib/programs/containerd");
        await cluster.ImportTestImageAsync();
        await cluster.ApplyAsync(Pod);
        await cluster.ApplyAsync(Manifests.WebApp("default", "web", 2));
        (await cluster.KubectlAsync("rollout", "status", "deployment/web", "--timeout=90s")).Success();
        await cluster.WaitAsync("default", "pod/mounts", "condition=Ready");
        var running = await MachineState.OfAsync(machine);
        // All that reset has to remove is really there.
        foreach (var kind in (string[])["process /pause", "mount /var/lib/litekube-e2e", "mount /run/litekube", "interface lk", "nftables table ip litekube", "file /run/containerd/s/", "route 10."])
            Assert.Contains(running, line => line.StartsWith(kind, StringComparison.Ordinal));
        var ids = (await cluster.KubectlAsync("get", "pods", "-o", "jsonpath={range .items[*]}{.metadata.uid} {.status.containerStatuses[0].containerID} {end}")).Success().Replace("containerd://", "", StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        var cgroups = MachineState.WithParents(MachineState.Cgroups(ids)).ToList();
        Assert.NotEmpty(cgroups);

        var server = await cluster.ServerProcessAsync();
        var containerd = await cluster.ContainerdProcessAsync();
        (await machine.ShellAsync(script.Replace("litekube stop", $"{LiteKubeCluster.Program} stop --data-dir {cluster.DataDir}", StringComparison.Ordinal)
            .Replace("CONTAINERD_PROGRAM", "/var/lib/programs/containerd", StringComparison.Ordinal)
            .Replace("CONTAINERD", containerd, StringComparison.Ordinal).Replace("SERVER", server, StringComparison.Ordinal))).Success();

        var reset = await cluster.LiteKubeAsync(["reset", "--yes", "--containerd-path", "/var/lib/programs/containerd"]);
        Assert.True(reset.ExitCode == 0, $"of a cluster that {state}, reset says:\n{reset.Out}{reset.Error}");
        var after = await MachineState.OfAsync(machine);
        Assert.Empty(after.Except(before).Except(["file /var/lib/programs/containerd.away"]));
        // Mounts of another cluster that were there when the enclosure began go when that cluster goes.
        Assert.DoesNotContain(before.Except(after).Except(["file /var/lib/programs/containerd"]), line => !line.StartsWith("mount ", StringComparison.Ordinal) || !line.Contains("litekube", StringComparison.Ordinal));
        Assert.DoesNotContain(cgroups, Directory.Exists);
        // Whoever may depend on a kernel setting by now is told of it instead of being cut off.
        Assert.Contains("net.ipv4.ip_forward is 1 (it was 0 before); to set it back: sysctl -w net.ipv4.ip_forward=0", reset.Out);
    }

    private const string Pod = """
        apiVersion: v1
        kind: ConfigMap
        metadata: {name: words}
        data: {word: hello}
        ---
        apiVersion: v1
        kind: Secret
        metadata: {name: secrets}
        stringData: {key: hidden}
        ---
        apiVersion: v1
        kind: Pod
        metadata: {name: mounts}
        spec:
          containers:
          - name: main
            image: busybox:e2e
            command: [sleep, '100000']
            ports: [{containerPort: 80, hostPort: 8088}]
            volumeMounts:
            - {name: memory, mountPath: /memory}
            - {name: disk, mountPath: /disk}
            - {name: words, mountPath: /words}
            - {name: words, mountPath: /word, subPath: word}
            - {name: secrets, mountPath: /secrets}
          volumes:
          - {name: memory, emptyDir: {medium: Memory, sizeLimit: 16Mi}}
          - {name: disk, emptyDir: {}}
          - {name: words, configMap: {name: words}}
          - {name: secrets, secret: {secretName: secrets}}
        """;
}
