using System.Text.Json.Nodes;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>The verbs of everyday work that the other classes leave out, each with what it prints.</summary>
public sealed class EverydayVerbTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Each_generator_of_create_makes_what_it_says(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "generators");
        var suffix = kubectl.Namespace;
        await Creates("job.batch/j", "job", "j", "--image=b", "--", "echo", "hi");
        await Creates("resourcequota/q", "quota", "q", "--hard=pods=50,services=9");
        await Creates("role.rbac.authorization.k8s.io/r", "role", "r", "--verb=get,list", "--resource=pods,deployments.apps", "--resource-name=x");
        await Creates("rolebinding.rbac.authorization.k8s.io/rb", "rolebinding", "rb", "--role=r", "--user=u", "--group=g", "--serviceaccount=default:sa");
        await Creates($"clusterrole.rbac.authorization.k8s.io/cr-{suffix}", "clusterrole", $"cr-{suffix}", "--verb=get", "--non-resource-url=/metrics");
        await Creates($"clusterrolebinding.rbac.authorization.k8s.io/crb-{suffix}", "clusterrolebinding", $"crb-{suffix}", $"--clusterrole=cr-{suffix}", "--user=u");
        await Creates($"priorityclass.scheduling.k8s.io/pc-{suffix}", "priorityclass", $"pc-{suffix}", "--value=5", "--description=d");
        await Creates("ingress.networking.k8s.io/ing", "ingress", "ing", "--rule=a.example.com/x*=svc:80,tls=s");
        await Creates("secret/dr", "secret", "docker-registry", "dr", "--docker-server=x", "--docker-username=u", "--docker-password=p");
        await Creates("service/c1", "service", "clusterip", "c1", "--tcp=80:8080");
        await Creates("service/c2", "service", "nodeport", "c2", "--tcp=80");
        await Creates("service/c3", "service", "loadbalancer", "c3", "--tcp=80");
        await Creates("service/c4", "service", "externalname", "c4", "--external-name=a.example.com");
        // 1.20 knows these in versions that v1.37 no longer has.
        if (kubectl.ValidatesItself)
        {
            Assert.Contains("no matches for kind \"PodDisruptionBudget\" in version \"policy/v1beta1\"", await kubectl.FailAsync("create", "poddisruptionbudget", "pdb", "--selector=a=b", "--min-available=1"));
            Assert.Contains("the server could not find the requested resource", await kubectl.FailAsync("create", "cronjob", "cj", "--image=b", "--schedule=* * * * *"));
        }
        else
        {
            await Creates("poddisruptionbudget.policy/pdb", "poddisruptionbudget", "pdb", "--selector=a=b", "--min-available=1");
            await Creates("cronjob.batch/cj", "cronjob", "cj", "--image=b", "--schedule=*/5 * * * *");
            await Creates("job.batch/j2", "job", "j2", "--from=cronjob/cj");
            Assert.Equal("manual", await kubectl.JsonPathAsync("job/j2", "{.metadata.annotations.cronjob\\.kubernetes\\.io/instantiate}"));
        }

        Assert.Matches("^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT.S. +AGE\nc1 +ClusterIP +10[0-9.]+ +<none> +80/TCP +[0-9]+s\nc2 +NodePort +10[0-9.]+ +<none> +80:3[0-9]{4}/TCP +[0-9]+s\nc3 +LoadBalancer +10[0-9.]+ +<pending> +80:3[0-9]{4}/TCP +[0-9]+s\nc4 +ExternalName +<none> +a.example.com +<none> +[0-9]+s\n$", await kubectl.OkAsync("get", "services"));
        Assert.Equal("""{"auths":{"x":{"username":"u","password":"p","auth":"dTpw"}}}""", await kubectl.OkAsync("get", "secret", "dr", "-o", "go-template={{index .data \".dockerconfigjson\" | base64decode}}"));
        Assert.Equal("kubernetes.io/dockerconfigjson", await kubectl.JsonPathAsync("secret/dr", "{.type}"));
        Assert.Equal("Prefix svc 80", await kubectl.JsonPathAsync("ingress/ing", "{.spec.rules[0].http.paths[0].pathType} {.spec.rules[0].http.paths[0].backend.service.name} {.spec.rules[0].http.paths[0].backend.service.port.number}"));
        Assert.Matches("Resource +Used +Hard\n-+ +-+ +-+\npods +[0-3] +50\nservices +4 +9\n", await kubectl.OkAsync("describe", "quota", "q"));
        Assert.Equal("pods deployments", await kubectl.JsonPathAsync("role/r", "{.rules[*].resources[0]}"));
        Assert.Equal("User Group ServiceAccount", await kubectl.JsonPathAsync("rolebinding/rb", "{.subjects[*].kind}"));

        async Task Creates(string what, params string[] arguments) => Assert.Equal(what + " created\n", await kubectl.OkAsync(["create", .. arguments]));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Set_changes_one_part_of_a_template(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "set");
        await kubectl.OkAsync("create", "deployment", "web", "--image=web:1");
        await kubectl.OkAsync("create", "serviceaccount", "robot");
        await kubectl.OkAsync("create", "service", "clusterip", "s", "--tcp=80");
        await kubectl.OkAsync("create", "configmap", "c", "--from-literal=K=v");
        Assert.Equal("deployment.apps/web resource requirements updated\n", await kubectl.OkAsync("set", "resources", "deployment/web", "--limits=cpu=200m,memory=64Mi", "--requests=cpu=100m"));
        Assert.Equal("deployment.apps/web serviceaccount updated\n", await kubectl.OkAsync("set", "serviceaccount", "deployment/web", "robot"));
        Assert.Equal("deployment.apps/web env updated\n", await kubectl.OkAsync("set", "env", "deployment/web", "A=b"));
        Assert.Equal("deployment.apps/web env updated\n", await kubectl.OkAsync("set", "env", "deployment/web", "--from=configmap/c"));
        Assert.Equal("service/s selector updated\n", await kubectl.OkAsync("set", "selector", "service", "s", "x=y"));
        Assert.Equal("""{"limits":{"cpu":"200m","memory":"64Mi"},"requests":{"cpu":"100m"}} robot A K c""", await kubectl.JsonPathAsync("deployment/web", "{.spec.template.spec.containers[0].resources} {.spec.template.spec.serviceAccountName} {.spec.template.spec.containers[0].env[*].name} {.spec.template.spec.containers[0].env[1].valueFrom.configMapKeyRef.name}"));
        Assert.Equal("y", await kubectl.JsonPathAsync("service/s", "{.spec.selector.x}"));
        Assert.Equal("deployment.apps/web env updated\n", await kubectl.OkAsync("set", "env", "deployment/web", "A-"));
        Assert.Equal("K", await kubectl.JsonPathAsync("deployment/web", "{.spec.template.spec.containers[0].env[*].name}"));
        await kubectl.OkWithAsync("apiVersion: rbac.authorization.k8s.io/v1\nkind: RoleBinding\nmetadata: {name: rb}\nroleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}\nsubjects: [{kind: User, name: u, apiGroup: rbac.authorization.k8s.io}]\n", "create", "-f", "-");
        Assert.Equal("rolebinding.rbac.authorization.k8s.io/rb subjects updated\n", await kubectl.OkAsync("set", "subject", "rolebinding", "rb", "--user=v"));
        Assert.Equal("u v", await kubectl.JsonPathAsync("rolebinding/rb", "{.subjects[*].name}"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_node_is_tainted_cordoned_and_drained(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "drain");
        var node = $"node-{kubectl.Namespace}";
        await kubectl.OkWithAsync($"apiVersion: v1\nkind: Node\nmetadata: {{name: {node}}}\n", "create", "-f", "-");
        Assert.Equal($"node/{node} tainted\n", await kubectl.OkAsync("taint", "node", node, "a=b:NoSchedule"));
        Assert.Contains("with same effect(s) and --overwrite is false", await kubectl.FailAsync("taint", "node", node, "a=c:NoSchedule"));
        Assert.Equal($"node/{node} modified\n", await kubectl.OkAsync("taint", "node", node, "a=c:NoSchedule", "--overwrite"));
        Assert.Equal($"node/{node} untainted\n", await kubectl.OkAsync("taint", "node", node, "a-"));
        Assert.Equal($"node/{node} cordoned\n", await kubectl.OkAsync("cordon", node));
        Assert.Matches(",SchedulingDisabled ", await kubectl.OkAsync("get", "node", node));
        Assert.Equal($"node/{node} already cordoned\n", await kubectl.OkAsync("cordon", node));
        Assert.Equal($"node/{node} uncordoned\n", await kubectl.OkAsync("uncordon", node));

        await kubectl.OkWithAsync($"apiVersion: v1\nkind: Pod\nmetadata: {{name: alone}}\nspec: {{nodeName: {node}, terminationGracePeriodSeconds: 0, tolerations: [{{operator: Exists}}], containers: [{{name: c, image: i}}]}}\n", "create", "-f", "-");
        var refused = await kubectl.FailAsync("drain", node, "--timeout=5s");
        Assert.Contains($"(use --force to override): {kubectl.Namespace}/alone", refused);
        var drained = await kubectl.OkAsync("drain", node, "--force", "--timeout=30s");
        Assert.Contains("pod/alone evicted\n", drained);
        Assert.EndsWith($"node/{node} {(kubectl.ValidatesItself ? "evicted" : "drained")}\n", drained);
        Assert.Contains("(NotFound)", await kubectl.FailAsync("get", "pod", "alone"));
        await kubectl.OkAsync("delete", "node", node);
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Rights_are_asked_for_listed_and_reconciled(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "rights");
        Assert.Equal("yes\n", await kubectl.OkAsync("auth", "can-i", "create", "pods"));
        Assert.StartsWith("no", (await kubectl.RunAsync(["auth", "can-i", "list", "secrets", "--as=nobody"])).Failure().Out);
        string Role(string verbs) => $"apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {{name: reader, namespace: {kubectl.Namespace}}}\nrules: [{{apiGroups: [''], resources: [pods], verbs: [{verbs}]}}]\n";
        Assert.Contains("\treconciliation required create\n\tmissing rules added:\n\t\t{Verbs:[get list] APIGroups:[] Resources:[pods]", await Reconcile("get, list"));
        Assert.Contains("\treconciliation required update\n\tmissing rules added:\n\t\t{Verbs:[watch] ", await Reconcile("watch"));
        await kubectl.OkAsync("create", "rolebinding", "reader", "--role=reader", "--user=ann");
        Assert.Equal("yes\n", await kubectl.OkAsync("auth", "can-i", "watch", "pods", "--as=ann"));
        var list = await kubectl.OkAsync("auth", "can-i", "--list", "--as=ann", "--as-group=system:authenticated");
        Assert.Matches(@"(?m)^Resources +Non-Resource URLs +Resource Names +Verbs$", list);
        Assert.Matches(@"(?m)^pods +\[\] +\[\] +\[get list watch\]$", list);
        Assert.Matches(@"(?m)^selfsubjectaccessreviews\.authorization\.k8s\.io +\[\] +\[\] +\[create\]$", list);
        Assert.Matches(@"(?m)^ +\[/version\] +\[\] +\[get\]$", list);
        if (!kubectl.ValidatesItself)
            Assert.Matches("Username +ann\nGroups +\\[system:masters system:authenticated\\]", await kubectl.OkAsync("auth", "whoami", "--as=ann", "--as-group=system:masters"));

        async Task<string> Reconcile(string verbs)
        {
            var ran = await kubectl.RunAsync(["auth", "reconcile", "-f", "-"], Role(verbs));
            Assert.Equal("role.rbac.authorization.k8s.io/reader reconciled\n", ran.Success());
            return ran.Error;
        }
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task What_needs_a_running_pod_says_why_it_cannot(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "unbound");
        Assert.Equal("pod/p created\n", await kubectl.OkAsync("run", "p", "--image=busybox", "--labels=a=b", "--env=X=y", "--restart=Never"));
        Assert.Equal("b X Never", await kubectl.JsonPathAsync("pod/p", "{.metadata.labels.a} {.spec.containers[0].env[0].name} {.spec.restartPolicy}"));
        foreach (var command in (string[][])[["logs", "p"], ["exec", "p", "--", "ls"], ["attach", "p"]])
            Assert.Contains("Error from server (BadRequest): pod p does not have a host assigned\n", await kubectl.FailAsync(command));
        Assert.Contains("pod is not running. Current status=Pending", await kubectl.FailAsync("port-forward", "pod/p", "8080"));
        foreach (var what in (string[])["pods", "nodes"])
            Assert.Contains("error: Metrics API not available\n", await kubectl.FailAsync("top", what));
        Assert.Contains("(NotFound): pods \"nope\" not found", await kubectl.FailAsync("logs", "nope"));
        if (!kubectl.ValidatesItself)
        {
            await kubectl.OkAsync("debug", "p", "--image=busybox", "-c", "dbg", "--profile=general");
            Assert.Equal("dbg busybox", await kubectl.JsonPathAsync("pod/p", "{.spec.ephemeralContainers[0].name} {.spec.ephemeralContainers[0].image}"));
            Assert.Contains("Created pod: ", await EventsOfADeployment());
        }

        async Task<string> EventsOfADeployment()
        {
            await kubectl.OkAsync("create", "deployment", "d", "--image=i");
            await using var watch = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/events?watch=true&fieldSelector=reason%3DSuccessfulCreate");
            Assert.NotNull(await watch.NextAsync());
            return await kubectl.OkAsync("events", "--types=Normal");
        }
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Certificates_are_approved_and_denied(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "certificates");
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = Convert.ToBase64String(System.Text.Encoding.ASCII.GetBytes(new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=joe", key, System.Security.Cryptography.HashAlgorithmName.SHA256).CreateSigningRequestPem()));
        foreach (var (name, verb, condition) in ((string, string, string)[])[("good", "approve", "Approved"), ("bad", "deny", "Denied")])
        {
            var csr = $"{name}-{kubectl.Namespace}";
            await kubectl.OkWithAsync($"apiVersion: certificates.k8s.io/v1\nkind: CertificateSigningRequest\nmetadata: {{name: {csr}}}\nspec: {{signerName: example.com/own, usages: [client auth], request: {request}}}\n", "create", "-f", "-");
            Assert.Equal($"certificatesigningrequest.certificates.k8s.io/{csr} {condition.ToLowerInvariant()}\n", await kubectl.OkAsync("certificate", verb, csr));
            Assert.Matches($@"^NAME +AGE +SIGNERNAME +REQUESTOR +REQUESTEDDURATION +CONDITION\n{csr} +\d+s +example\.com/own +kubernetes-admin +<none> +{condition}\n$", await kubectl.OkAsync("get", "csr", csr));
            Assert.Contains("kubernetes-admin", await kubectl.OkAsync("describe", "csr", csr));
        }
        Assert.Contains("is already Approved", await kubectl.FailAsync("certificate", "deny", $"good-{kubectl.Namespace}"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Objects_are_replaced_by_force_and_deprecated_kinds_warned_of(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "force");
        await kubectl.OkAsync("create", "configmap", "a", "--from-literal=k=1");
        var uid = await kubectl.JsonPathAsync("configmap/a", "{.metadata.uid}");
        var replaced = await kubectl.OkWithAsync("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: '2'}\n", "replace", "--force", "-f", "-");
        Assert.Matches("configmap \"a\" deleted.*\nconfigmap/a replaced\n", replaced);
        Assert.NotEqual(uid, await kubectl.JsonPathAsync("configmap/a", "{.metadata.uid}"));
        Assert.Equal("2", await kubectl.OkAsync("get", "configmap", "a", "-o", "go-template={{.data.k}}"));
        var endpoints = (await kubectl.RunAsync(["get", "endpoints"])).Error;
        Assert.Contains("Warning: v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice", endpoints);
        Assert.Contains("Warning: v1 ComponentStatus is deprecated in v1.19+", (await kubectl.RunAsync(["get", "componentstatuses"])).Error);
        Assert.DoesNotContain("Warning", (await kubectl.RunAsync(["get", "configmaps"])).Error);
    }

    [Theory]
    [InlineData("1.32")]
    [InlineData("1.35")]
    public async Task Subresources_are_read_and_patched(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "subresource");
        await kubectl.OkAsync("create", "deployment", "web", "--image=web:1");
        Assert.Equal("scale.autoscaling/web patched\n", await kubectl.OkAsync("patch", "deployment", "web", "--subresource=scale", "--type=merge", "-p", """{"spec":{"replicas":2}}"""));
        var scale = JsonNode.Parse(await kubectl.OkAsync("get", "deployment", "web", "--subresource=scale", "-o", "json"))!;
        Assert.Equal("Scale 2 app=web", $"{scale["kind"]} {scale["spec"]!["replicas"]} {scale["status"]!["selector"]}");
        Assert.Equal("deployment.apps/web patched\n", await kubectl.OkAsync("patch", "deployment", "web", "--subresource=status", "-p", """{"status":{"collisionCount":3}}"""));
        Assert.Equal("3", await kubectl.OkAsync("get", "deployment", "web", "--subresource=status", "-o", "jsonpath={.status.collisionCount}"));
        Assert.Equal("pod/p created\n", await kubectl.OkAsync("run", "p", "--image=i"));
        Assert.Equal("pod/p edited\n", (await kubectl.RunAsync(["edit", "pod", "p", "--subresource=status"], editor: "sed -i s/phase:.*/phase:\\ Running/")).Success());
        Assert.Equal("Running", await kubectl.JsonPathAsync("pod/p", "{.status.phase}"));
    }
}
