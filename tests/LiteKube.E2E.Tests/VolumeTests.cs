using System.Text.Json;
using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>What a pod finds mounted.</summary>
[Collection(PodClusterCollection.Name)]
public sealed class VolumeTests(SharedCluster shared)
{
    private readonly LiteKubeCluster _cluster = shared.Cluster;

    [Fact]
    public async Task Objects_are_mounted_with_their_modes_and_follow_every_change_at_once()
    {
        const string ns = "objects";
        await StartAsync(ns, $$"""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: words, namespace: {{ns}} }
            data: {one: '1', two: '1'}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: keys, namespace: {{ns}} }
            stringData: {key: before}
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}}, labels: {tier: front}, annotations: {note: first} }
            spec:
              terminationGracePeriodSeconds: 0
              securityContext: {fsGroup: 3000}
              containers:
              - name: c
                image: busybox:e2e
                command: [sleep, '100000']
                resources: {limits: {memory: 64Mi} }
                volumeMounts:
                - {name: words, mountPath: /words}
                - {name: words, mountPath: /fixed/one, subPath: one}
                - {name: keys, mountPath: /keys, readOnly: true}
                - {name: down, mountPath: /down}
                - {name: all, mountPath: /all}
              volumes:
              - {name: words, configMap: {name: words} }
              - {name: keys, secret: {secretName: keys, defaultMode: 0440, items: [{key: key, path: deep/key}]} }
              - name: down
                downwardAPI:
                  items:
                  - {path: labels, fieldRef: {fieldPath: metadata.labels} }
                  - {path: note, fieldRef: {fieldPath: "metadata.annotations['note']"} }
                  - {path: limit, resourceFieldRef: {containerName: c, resource: limits.memory, divisor: 1Mi} }
              - name: all
                projected:
                  sources:
                  - {configMap: {name: words, items: [{key: one, path: word}]} }
                  - {secret: {name: keys} }
                  - {secret: {name: not-there, optional: true} }
                  - {downwardAPI: {items: [{path: name, fieldRef: {fieldPath: metadata.name} }]} }
            """, "p");
        Assert.Equal("1 1 before tier=\"front\" first 64 1 before p", await ReadAsync(ns, "cat /words/one /words/two /keys/deep/key /down/labels /down/note /down/limit /all/word /all/key /all/name"));
        Assert.Equal("440 3000", await ReadAsync(ns, "stat -L -c '%a %g' /keys/deep/key"));
        (await _cluster.ExecAsync(ns, "p", "echo x > /keys/x")).Failure();

        await _cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: words, namespace: {{ns}} }
            data: {one: '2', three: '2'}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: keys, namespace: {{ns}} }
            stringData: {key: after}
            """);
        (await _cluster.KubectlAsync("-n", ns, "annotate", "pod", "p", "note=second", "--overwrite")).Success();
        await UntilReadAsync(ns, "cat /words/one", "2");
        // All of it at once: with one new key every other is new too, and what was dropped is gone.
        Assert.Equal("one three", await ReadAsync(ns, "ls /words"));
        await UntilReadAsync(ns, "cat /keys/deep/key /all/word /all/key /down/note", "after 2 after second");
        // A subPath is bound to the file of its time, as Kubernetes documents.
        Assert.Equal("1", await ReadAsync(ns, "cat /fixed/one"));
    }

    [Fact]
    public async Task Containers_of_a_pod_share_its_directories_and_a_host_path_reaches_the_host()
    {
        const string ns = "directories";
        var host = Directory.CreateTempSubdirectory("litekube-hostpath-").FullName;
        try
        {
            await StartAsync(ns, $$"""
                apiVersion: v1
                kind: Pod
                metadata: {name: p, namespace: {{ns}} }
                spec:
                  terminationGracePeriodSeconds: 0
                  initContainers:
                  - {name: first, image: 'busybox:e2e', command: [sh, -c, 'echo first > /disk/order'], volumeMounts: [{name: disk, mountPath: /disk}]}
                  - {name: second, image: 'busybox:e2e', command: [sh, -c, 'echo second >> /disk/order'], volumeMounts: [{name: disk, mountPath: /disk}]}
                  containers:
                  - name: a
                    image: busybox:e2e
                    command: [sleep, '100000']
                    volumeMounts: [{name: disk, mountPath: /disk}, {name: memory, mountPath: /memory}, {name: host, mountPath: /host}, {name: host, mountPath: /made, subPath: a/b}]
                  - {name: b, image: 'busybox:e2e', command: [sleep, '100000'], volumeMounts: [{name: disk, mountPath: /theirs}, {name: memory, mountPath: /memory}]}
                  volumes:
                  - {name: disk, emptyDir: {} }
                  - {name: memory, emptyDir: {medium: Memory, sizeLimit: 8Mi} }
                  - {name: host, hostPath: {path: '{{host}}', type: Directory} }
                """, "p");
            (await InAsync("a", "echo disk > /disk/f; echo memory > /memory/f; echo host > /host/f; echo made > /made/f")).Success();
            Assert.Equal("disk\nmemory\n", (await InAsync("b", "cat /theirs/f /memory/f")).Success());
            Assert.Equal("first\nsecond\n", (await InAsync("b", "cat /theirs/order")).Success());
            Assert.Equal("host\n", await File.ReadAllTextAsync(Path.Combine(host, "f")));
            Assert.Equal("made\n", await File.ReadAllTextAsync(Path.Combine(host, "a", "b", "f")));
            Assert.Matches(@"tmpfs /memory tmpfs \S*size=8192k", (await InAsync("a", "cat /proc/mounts")).Success());
            (await InAsync("a", "busybox dd if=/dev/zero of=/memory/big bs=1M count=9")).Failure();
        }
        finally
        {
            Directory.Delete(host, recursive: true);
        }

        Task<Ran> InAsync(string container, string script) => _cluster.KubectlAsync("-n", ns, "exec", "p", "-c", container, "--", "sh", "-c", script);
    }

    [Fact]
    public async Task A_pod_speaks_with_the_API_by_its_own_token()
    {
        const string ns = "token";
        // curl and its libraries are the host's, mounted.
        await StartAsync(ns, $$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}} }
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: c
                image: busybox:e2e
                command: [sleep, '100000']
                volumeMounts: [{name: usr, mountPath: /usr, readOnly: true}, {name: lib, mountPath: /lib, readOnly: true}, {name: lib64, mountPath: /lib64, readOnly: true}]
              volumes:
              - {name: usr, hostPath: {path: /usr} }
              - {name: lib, hostPath: {path: /lib} }
              - {name: lib64, hostPath: {path: /lib64} }
            """, "p");
        const string ask = "cd /var/run/secrets/kubernetes.io/serviceaccount && /usr/bin/curl -sS -m 20 --cacert ca.crt -H \"Authorization: Bearer $(cat token)\" https://kubernetes.default.svc";
        using var versions = JsonDocument.Parse((await _cluster.ExecAsync(ns, "p", ask + "/api")).Success());
        Assert.Equal("APIVersions", versions.RootElement.GetProperty("kind").GetString());
        Assert.Equal(ns, (await _cluster.ExecAsync(ns, "p", "cat /var/run/secrets/kubernetes.io/serviceaccount/namespace")).Success());
        using var forbidden = JsonDocument.Parse((await _cluster.ExecAsync(ns, "p", ask + $"/api/v1/namespaces/{ns}/pods")).Success());
        Assert.Equal($"pods is forbidden: User \"system:serviceaccount:{ns}:default\" cannot list resource \"pods\" in API group \"\" in the namespace \"{ns}\"", forbidden.RootElement.GetProperty("message").GetString());

        (await _cluster.KubectlAsync("-n", ns, "create", "rolebinding", "look", "--clusterrole=view", $"--serviceaccount={ns}:default")).Success();
        var pods = await Wait.ForAsync("the right to list pods", async () => (await _cluster.ExecAsync(ns, "p", ask + $"/api/v1/namespaces/{ns}/pods")).Success(), text => text.Contains("PodList", StringComparison.Ordinal));
        // As Kubernetes does, the server lays it out for a reader when curl asks.
        Assert.Contains("\"name\": \"p\"", pods);
        // By the variables that clients use when they are told nothing.
        Assert.Contains("APIVersions", (await _cluster.ExecAsync(ns, "p", ask.Replace("kubernetes.default.svc", "$KUBERNETES_SERVICE_HOST:$KUBERNETES_SERVICE_PORT", StringComparison.Ordinal) + "/api")).Success());
    }

    private async Task StartAsync(string ns, string manifest, string pod)
    {
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync(manifest);
        await _cluster.WaitAsync(ns, "pod/" + pod, "condition=Ready");
    }

    /// <summary>The words that the command printed.</summary>
    private async Task<string> ReadAsync(string ns, string command) =>
        Words((await _cluster.ExecAsync(ns, "p", command.StartsWith("cat ", StringComparison.Ordinal) ? $"for f in {command[4..]}; do cat $f; echo; done" : command)).Success());

    private Task UntilReadAsync(string ns, string command, string expected) =>
        Wait.ForAsync($"\"{expected}\" from {command}", () => ReadAsync(ns, command), read => read == expected, TimeSpan.FromSeconds(30));

    private static string Words(string text) => string.Join(' ', text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
}
