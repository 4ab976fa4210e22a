using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>The columns and cells that kubectl get prints of kinds beside the most common ones.</summary>
public sealed class PrintedColumnTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Fact]
    public async Task Each_kind_shows_its_own_columns()
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, "1.35", "columns");
        await kubectl.ApplyAsync("""
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: apps/v1, kind: DaemonSet, metadata: {name: x}, spec: {selector: {matchLabels: {a: b}}, template: {metadata: {labels: {a: b}}, spec: {nodeSelector: {disk: ssd}, containers: [{name: c, image: 'i:1'}]}}}}
            - {apiVersion: apps/v1, kind: Deployment, metadata: {name: x}, spec: {replicas: 0, selector: {matchLabels: {c: d}}, template: {metadata: {labels: {c: d}}, spec: {containers: [{name: c, image: 'i:1'}]}}}}
            - {apiVersion: batch/v1, kind: Job, metadata: {name: x}, spec: {completions: 3, suspend: true, template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}
            - {apiVersion: batch/v1, kind: CronJob, metadata: {name: x}, spec: {schedule: '5 * * * *', jobTemplate: {spec: {template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}}}}}
            - {apiVersion: autoscaling/v2, kind: HorizontalPodAutoscaler, metadata: {name: x}, spec: {maxReplicas: 4, scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: d}, metrics: [{type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 70}}}]}}
            - {apiVersion: policy/v1, kind: PodDisruptionBudget, metadata: {name: x}, spec: {minAvailable: 50%, selector: {matchLabels: {a: b}}}}
            - {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: x}, spec: {ingressClassName: c, tls: [{hosts: [a.example]}], rules: [{host: a.example, http: {paths: [{path: /, pathType: Prefix, backend: {service: {name: s, port: {number: 80}}}}]}}]}}
            - {apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: x}, spec: {podSelector: {matchLabels: {a: b}, matchExpressions: [{key: c, operator: In, values: [e, d]}]}}}
            - {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: x}, spec: {storageClassName: fast, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
            - {apiVersion: v1, kind: PersistentVolume, metadata: {name: columns-x}, spec: {storageClassName: slow, accessModes: [ReadWriteMany, ReadWriteOnce], capacity: {storage: 1Gi}, hostPath: {path: /x}}}
            - {apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: x}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: u}]}
            - {apiVersion: scheduling.k8s.io/v1, kind: PriorityClass, metadata: {name: columns-x}, value: 7}
            """);
        // Their controllers look at them first.
        await kubectl.OkAsync("wait", "--for=condition=Suspended", "job/x", "--timeout=20s");
        await kubectl.OkAsync("wait", "--for=jsonpath={.status.phase}=Available", "pv/columns-x", "--timeout=20s");
        await Shows("daemonset", "NAME DESIRED CURRENT READY UP-TO-DATE AVAILABLE NODE SELECTOR AGE", "x 0 0 0 0 0 disk=ssd AGE");
        await ShowsAll(["deployment/x", "--subresource=scale"], "NAME DESIRED AVAILABLE AGE", "x 0 0 AGE");
        await Shows("ipaddress", "NAME PARENTREF", "10.152.183.1 services/default/kubernetes");
        await Shows("job", "NAME STATUS COMPLETIONS DURATION AGE", "x Suspended 0/3 AGE");
        await Shows("cronjob", "NAME SCHEDULE TIMEZONE SUSPEND ACTIVE LAST SCHEDULE AGE", "x 5 * * * * <none> False 0 <none> AGE");
        await Shows("hpa", "NAME REFERENCE TARGETS MINPODS MAXPODS REPLICAS AGE", "x Deployment/d cpu: <unknown>/70% 1 4 0 AGE");
        await Shows("pdb", "NAME MIN AVAILABLE MAX UNAVAILABLE ALLOWED DISRUPTIONS AGE", "x 50% N/A 0 AGE");
        await Shows("ingress", "NAME CLASS HOSTS ADDRESS PORTS AGE", "x c a.example 80, 443 AGE");
        await Shows("networkpolicy", "NAME POD-SELECTOR AGE", "x a=b,c in (d,e) AGE");
        await Shows("pvc", "NAME STATUS VOLUME CAPACITY ACCESS MODES STORAGECLASS VOLUMEATTRIBUTESCLASS AGE", "x Pending fast <unset> AGE");
        await Shows("pv/columns-x", "NAME CAPACITY ACCESS MODES RECLAIM POLICY STATUS CLAIM STORAGECLASS VOLUMEATTRIBUTESCLASS REASON AGE", "columns-x 1Gi RWO,RWX Retain Available slow <unset> AGE");
        await Shows("rolebinding", "NAME ROLE AGE", "x ClusterRole/view AGE");
        await Shows("priorityclass/columns-x", "NAME VALUE GLOBAL-DEFAULT AGE PREEMPTIONPOLICY", "columns-x 7 false AGE PreemptLowerPriority");
        await Shows("componentstatus/etcd-0", "NAME STATUS MESSAGE ERROR", "etcd-0 Healthy ok");
        Assert.Matches("(?m)^x +ClusterRole/view +[0-9]+s +u ", await kubectl.OkAsync("get", "rolebinding", "-o", "wide"));

        Task Shows(string what, string header, params string[] rows) => ShowsAll([what], header, rows);

        async Task ShowsAll(string[] what, string header, params string[] rows)
        {
            var lines = (await kubectl.OkAsync(["get", .. what])).Split('\n').Select(l => System.Text.RegularExpressions.Regex.Replace(l.Trim(), " +", " ")).ToList();
            Assert.Equal(header, lines[0]);
            Assert.Contains(System.Text.RegularExpressions.Regex.Replace(lines[1], "(?<= )[0-9]+s(?=$| )", "AGE"), rows);
        }
    }
}
