using System.Globalization;
using LiteKube.E2E.Tests.Support;

namespace LiteKube.E2E.Tests;

/// <summary>What the kubelet does for a pod from its environment to its last words.</summary>
[Collection(PodClusterCollection.Name)]
public sealed class PodLifeTests(SharedCluster shared)
{
    private readonly LiteKubeCluster _cluster = shared.Cluster;

    [Fact]
    public async Task The_environment_comes_from_every_source()
    {
        const string ns = "environment";
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: ConfigMap
            metadata: {name: words, namespace: {{ns}} }
            data: {one: '1', two: '2'}
            ---
            apiVersion: v1
            kind: Secret
            metadata: {name: keys, namespace: {{ns}} }
            stringData: {key: hidden}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: some-service, namespace: {{ns}} }
            spec: {ports: [{port: 1234}], clusterIP: None}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: other, namespace: {{ns}} }
            spec: {ports: [{port: 4321, name: http}]}
            """);
        await _cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}}, labels: {tier: front} }
            spec:
              restartPolicy: Never
              hostname: named
              subdomain: some-service
              containers:
              - name: c
                image: busybox:e2e
                command: [sh, -c, 'env; hostname -f']
                args: [unused]
                resources: {requests: {cpu: 10m}, limits: {memory: 32Mi} }
                envFrom: [{prefix: ALL_, configMapRef: {name: words} }, {secretRef: {name: not-there, optional: true} }]
                env:
                - {name: PLAIN, value: text}
                - {name: MADE, value: '$(PLAIN)-$(ALL_one)-$$(PLAIN)-$(NOWHERE)'}
                - {name: ONE, valueFrom: {configMapKeyRef: {name: words, key: one} } }
                - {name: NONE, valueFrom: {configMapKeyRef: {name: words, key: nine, optional: true} } }
                - {name: KEY, valueFrom: {secretKeyRef: {name: keys, key: key} } }
                - {name: IP, valueFrom: {fieldRef: {fieldPath: status.podIP} } }
                - {name: NODE, valueFrom: {fieldRef: {fieldPath: spec.nodeName} } }
                - {name: TIER, valueFrom: {fieldRef: {fieldPath: "metadata.labels['tier']"} } }
                - {name: LIMIT, valueFrom: {resourceFieldRef: {resource: limits.memory} } }
            """);
        await _cluster.WaitAsync(ns, "pod/p", "jsonpath={.status.phase}=Succeeded");
        var lines = (await _cluster.KubectlAsync("-n", ns, "logs", "p")).Success().Split('\n');
        foreach (var expected in (string[])
        [
            "PLAIN=text", "MADE=text-1-$(PLAIN)-$(NOWHERE)", "ONE=1", "KEY=hidden", "ALL_one=1", "ALL_two=2", "TIER=front", "LIMIT=33554432",
            "IP=" + await _cluster.GetAsync(ns, "pod/p", ".status.podIP"), "NODE=" + await _cluster.GetAsync(ns, "pod/p", ".spec.nodeName"),
            "HOSTNAME=named", "KUBERNETES_SERVICE_PORT=443", "OTHER_SERVICE_PORT_HTTP=4321", "OTHER_SERVICE_HOST=" + await _cluster.GetAsync(ns, "service/other", ".spec.clusterIP"),
            $"named.some-service.{ns}.svc.cluster.local",
        ])
        {
            Assert.Contains(expected, lines);
        }
        Assert.DoesNotContain(lines, line => line.StartsWith("NONE=", StringComparison.Ordinal) || line.StartsWith("SOME_SERVICE", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Limits_and_requests_are_what_the_kernel_enforces()
    {
        const string ns = "limits";
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}} }
            spec:
              terminationGracePeriodSeconds: 0
              containers: [{name: c, image: 'busybox:e2e', command: [sleep, '100000'], resources: {requests: {cpu: 50m, memory: 16Mi}, limits: {cpu: 200m, memory: 64Mi} } }]
            ---
            apiVersion: v1
            kind: Pod
            metadata: {name: eats, namespace: {{ns}} }
            spec:
              restartPolicy: Never
              containers: [{name: c, image: 'busybox:e2e', command: [sh, -c, 'busybox tail /dev/zero'], resources: {limits: {memory: 16Mi} } }]
            """);
        await _cluster.WaitAsync(ns, "pod/p", "condition=Ready");
        Assert.Equal("Burstable", await _cluster.GetAsync(ns, "pod/p", ".status.qosClass"));
        Assert.Equal("67108864\n", (await _cluster.ExecAsync(ns, "p", "cat /sys/fs/cgroup/memory.max 2>/dev/null || cat /sys/fs/cgroup/memory/memory.limit_in_bytes")).Success());
        Assert.Equal("20000 100000\n", (await _cluster.ExecAsync(ns, "p", "cat /sys/fs/cgroup/cpu.max 2>/dev/null || echo $(cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu/cpu.cfs_period_us)")).Success());
        // The same seen from the host, in the pod's own cgroup above the container's.
        var uid = await _cluster.GetAsync(ns, "pod/p", ".metadata.uid");
        var limits = (await Run.Shell($"find /sys/fs/cgroup -type d '(' -name 'pod{uid}' -o -name '*pod{uid.Replace('-', '_')}.slice' ')' | while read d; do cat $d/memory.max $d/memory.limit_in_bytes 2>/dev/null || true; done")).Success();
        Assert.Equal(["67108864"], limits.Split('\n', StringSplitOptions.RemoveEmptyEntries).Distinct());

        await _cluster.WaitAsync(ns, "pod/eats", "jsonpath={.status.phase}=Failed");
        Assert.Equal("OOMKilled 137", await _cluster.GetAsync(ns, "pod/eats", ".status.containerStatuses[0].state.terminated['reason','exitCode']"));
    }

    [Fact]
    public async Task A_failing_liveness_probe_restarts_and_a_startup_probe_holds_it_back()
    {
        const string ns = "liveness";
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}} }
            spec:
              terminationGracePeriodSeconds: 1
              containers:
              - name: c
                image: busybox:e2e
                command: [sh, -c, 'until [ -e /host/started ]; do sleep 0.1; done; touch /tmp/alive; exec sleep 100000']
                startupProbe: {exec: {command: [test, -e, /tmp/alive] }, periodSeconds: 1, failureThreshold: 600}
                livenessProbe: {exec: {command: [test, -e, /tmp/alive] }, periodSeconds: 1, failureThreshold: 1}
                volumeMounts: [{name: host, mountPath: /host}]
              volumes: [{name: host, emptyDir: {} }]
            """);
        await _cluster.WaitAsync(ns, "pod/p", "jsonpath={.status.phase}=Running");
        await _cluster.WaitAsync(ns, "pod/p", "jsonpath={.status.containerStatuses[0].started}=false");
        (await _cluster.ExecAsync(ns, "p", "touch /host/started")).Success();
        await _cluster.WaitAsync(ns, "pod/p", "condition=Ready");
        Assert.Equal("0", await _cluster.GetAsync(ns, "pod/p", ".status.containerStatuses[0].restartCount"));
        (await _cluster.ExecAsync(ns, "p", "rm /tmp/alive")).Success();
        await _cluster.WaitAsync(ns, "pod/p", "jsonpath={.status.containerStatuses[0].restartCount}=1");
        await _cluster.WaitAsync(ns, "pod/p", "condition=Ready");
        var described = (await _cluster.KubectlAsync("-n", ns, "describe", "pod", "p")).Success();
        Assert.Contains("Liveness probe failed", described);
        Assert.Contains("Container c failed liveness probe, will be restarted", described);
    }

    [Fact]
    public async Task A_pod_that_is_not_ready_gets_no_traffic_until_it_is()
    {
        const string ns = "readiness";
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}}, labels: {app: p} }
            spec:
              terminationGracePeriodSeconds: 0
              containers:
              - name: c
                image: busybox:e2e
                command: [sh, -c, 'echo served > /www/index.html; exec httpd -f -p 8080 -h /www']
                readinessProbe: {httpGet: {path: /index.html, port: 8080}, periodSeconds: 1, failureThreshold: 1}
              - name: late
                image: busybox:e2e
                command: [sh, -c, 'until [ -e /tmp/go ]; do sleep 0.1; done; exec httpd -f -p 9090 -h /www']
                readinessProbe: {tcpSocket: {port: 9090}, periodSeconds: 1, failureThreshold: 1}
            ---
            apiVersion: v1
            kind: Service
            metadata: {name: p, namespace: {{ns}} }
            spec:
              selector: {app: p}
              ports: [{port: 80, targetPort: 8080}]
            """);
        await _cluster.WaitAsync(ns, "pod/p", "jsonpath={.status.containerStatuses[?(@.name==\"c\")].ready}=true");
        Assert.Equal("False", await _cluster.GetAsync(ns, "pod/p", ".status.conditions[?(@.type=='Ready')].status"));
        (await _cluster.KubectlAsync("-n", ns, "exec", "p", "-c", "late", "--", "touch", "/tmp/go")).Success();
        await _cluster.WaitAsync(ns, "pod/p", "condition=Ready");
        var url = $"http://{await _cluster.GetAsync(ns, "service/p", ".spec.clusterIP")}/";
        Assert.Equal("served", (await AnswerAsync(url, text => text == "served")));

        (await _cluster.KubectlAsync("-n", ns, "exec", "p", "-c", "c", "--", "mv", "/www/index.html", "/www/away")).Success();
        await _cluster.WaitAsync(ns, "pod/p", "condition=Ready=false");
        Assert.Equal("refused", await AnswerAsync(url, text => text == "refused"));
        Assert.Equal("false", await _cluster.GetAsync(ns, "endpointslice", ".items[0].endpoints[0].conditions.ready"));
        (await _cluster.KubectlAsync("-n", ns, "exec", "p", "-c", "c", "--", "mv", "/www/away", "/www/index.html")).Success();
        Assert.Equal("served", await AnswerAsync(url, text => text == "served"));
        Assert.Equal("0 0", await _cluster.GetAsync(ns, "pod/p", ".status.containerStatuses[*].restartCount"));

        static Task<string> AnswerAsync(string url, Predicate<string> isIt) => Wait.ForAsync("the answer", async () =>
        {
            var ran = await Run.Shell($"curl -sS -m 5 {url}");
            // curl's code 7 is a connection that was refused, 28 one that came to nothing in its time.
            return ran.ExitCode == 7 ? "refused" : ran.Out.Trim() + ran.Error;
        }, text => isIt(text));
    }

    [Fact]
    public async Task A_deleted_pod_runs_its_hook_then_hears_TERM_then_has_its_grace_period()
    {
        const string ns = "graceful";
        var host = Directory.CreateTempSubdirectory("litekube-graceful-").FullName;
        try
        {
            (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
            await _cluster.ApplyAsync($$"""
                apiVersion: v1
                kind: Pod
                metadata: {name: p, namespace: {{ns}} }
                spec:
                  terminationGracePeriodSeconds: 30
                  containers:
                  - name: c
                    image: busybox:e2e
                    command: [sh, -c, 'trap "echo term >> /host/order; sleep 1; echo end >> /host/order; exit 0" TERM; echo start >> /host/order; while :; do sleep 0.1; done']
                    lifecycle:
                      postStart: {exec: {command: [sh, -c, 'until [ -e /host/order ]; do sleep 0.1; done; echo post >> /host/order'] } }
                      preStop: {exec: {command: [sh, -c, 'echo pre >> /host/order; sleep 1; echo stop >> /host/order'] } }
                    volumeMounts: [{name: host, mountPath: /host}]
                  volumes: [{name: host, hostPath: {path: '{{host}}'} }]
                """);
            await _cluster.WaitAsync(ns, "pod/p", "condition=Ready");
            (await _cluster.KubectlAsync("-n", ns, "delete", "pod", "p", "--timeout=60s")).Success();
            Assert.Equal(["start", "post", "pre", "stop", "term", "end"], await File.ReadAllLinesAsync(Path.Combine(host, "order")));
        }
        finally
        {
            Directory.Delete(host, recursive: true);
        }
    }

    [Fact]
    public async Task Last_words_are_kept_in_the_status()
    {
        const string ns = "words";
        (await _cluster.KubectlAsync("create", "namespace", ns)).Success();
        await _cluster.ApplyAsync($$"""
            apiVersion: v1
            kind: Pod
            metadata: {name: p, namespace: {{ns}} }
            spec:
              restartPolicy: Never
              containers:
              - {name: file, image: 'busybox:e2e', command: [sh, -c, 'echo the cause > /dev/termination-log; exit 3'] }
              - {name: log, image: 'busybox:e2e', command: [sh, -c, 'echo the log; exit 4'], terminationMessagePolicy: FallbackToLogsOnError}
            """);
        await _cluster.WaitAsync(ns, "pod/p", "jsonpath={.status.phase}=Failed");
        foreach (var (container, code, message) in ((string, int, string)[])[("file", 3, "the cause"), ("log", 4, "the log")])
        {
            var state = $".status.containerStatuses[?(@.name=='{container}')].state.terminated";
            Assert.Equal(code.ToString(CultureInfo.InvariantCulture), await _cluster.GetAsync(ns, "pod/p", state + ".exitCode"));
            Assert.Equal(message, await _cluster.GetAsync(ns, "pod/p", state + ".message"));
            Assert.Equal("Error", await _cluster.GetAsync(ns, "pod/p", state + ".reason"));
        }
    }
}
