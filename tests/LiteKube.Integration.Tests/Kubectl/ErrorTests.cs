using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>Errors as kubectl of three releases prints them: scripts match on these texts.</summary>
public sealed class ErrorTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task What_is_missing_there_already_or_changed_meanwhile_is_named(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "errors");
        Assert.Equal("Error from server (NotFound): configmaps \"nope\" not found\n", await kubectl.FailAsync("get", "configmap", "nope"));
        Assert.Equal("Error from server (NotFound): deployments.apps \"a\" not found\nError from server (NotFound): deployments.apps \"b\" not found\n", await kubectl.FailAsync("get", "deploy", "a", "b"));
        Assert.Equal("Error from server (NotFound): pods \"x\" not found\n", await kubectl.FailAsync("delete", "pod", "x"));
        Assert.Contains("the server doesn't have a resource type \"nope\"", await kubectl.FailAsync("get", "nope"));
        Assert.Contains("no matches for kind \"Nope\" in version \"v1\"", await kubectl.FailWithAsync("apiVersion: v1\nkind: Nope\nmetadata: {name: s}\n", "create", "-f", "-"));

        await kubectl.OkAsync("create", "configmap", "a", "--from-literal=k=v");
        Assert.Contains("configmaps \"a\" already exists\n", await kubectl.FailAsync("create", "configmap", "a"));
        Assert.Contains(
            "Operation cannot be fulfilled on configmaps \"a\": the object has been modified; please apply your changes to the latest version and try again\n",
            await kubectl.FailWithAsync("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, resourceVersion: '1'}\n", "replace", "-f", "-"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task An_invalid_object_is_refused_with_the_path_of_each_field(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "invalid");
        var refused = await kubectl.FailWithAsync("""
            apiVersion: apps/v1
            kind: Deployment
            metadata: {name: w}
            spec:
              selector: {matchLabels: {a: b}}
              template: {metadata: {labels: {a: c}}, spec: {restartPolicy: Never, containers: [{name: C, image: ''}]}}
            """, "create", "-f", "-");
        Assert.StartsWith("The Deployment \"w\" is invalid: \n", refused);
        Assert.Contains("* spec.template.metadata.labels: Invalid value: {\"a\":\"c\"}: `selector` does not match template `labels`\n", refused);
        Assert.Contains("* spec.template.spec.containers[0].name: Invalid value: \"C\": a lowercase RFC 1123 label must consist of", refused);
        Assert.Contains("* spec.template.spec.containers[0].image: Required value\n", refused);
        Assert.Contains("* spec.template.spec.restartPolicy: Unsupported value: \"Never\": supported values: \"Always\"\n", refused);
        Assert.Contains("spec.ports[0].nodePort: Invalid value: 99: provided port is not in the valid range. The range of valid ports is 30000-32767", await kubectl.FailAsync("create", "service", "nodeport", "np", "--tcp=80:80", "--node-port=99"));
        await kubectl.OkAsync("create", "configmap", "a");
        await kubectl.OkWithAsync("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: fixed}\nimmutable: true\n", "create", "-f", "-");
        Assert.Contains("data: Forbidden: field is immutable when `immutable` is set", await kubectl.FailAsync("patch", "configmap", "fixed", "-p", """{"data":{"a":"b"}}"""));
        Assert.Contains("the server rejected our request due to an error in our request", (await kubectl.FailAsync("patch", "configmap", "a", "--type=json", "-p", """[{"op":"remove","path":"/data/zz"}]""")).Replace("The request is invalid\n", "the server rejected our request due to an error in our request"));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task Unknown_fields_duplicate_fields_and_wrong_types_are_found(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "strict");
        var unknown = await kubectl.FailWithAsync("apiVersion: v1\nkind: ConfigMap\nmetadata: {name: s}\nfoo: 1\n", "create", "-f", "-");
        Assert.Contains(kubectl.ValidatesItself ? "ValidationError(ConfigMap): unknown field \"foo\" in io.k8s.api.core.v1.ConfigMap" : "(BadRequest): error when creating \"STDIN\": ConfigMap in version \"v1\" cannot be handled as a ConfigMap: strict decoding error: unknown field \"foo\"", unknown);
        var wrong = await kubectl.FailWithAsync("apiVersion: v1\nkind: Pod\nmetadata: {name: s}\nspec: {containers: xx}\n", "create", "-f", "-");
        Assert.Contains(kubectl.ValidatesItself ? "got \"string\", expected \"array\"" : "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container", wrong);
        // kubectl reads YAML itself and keeps the last of two keys; the server sees them in what is sent raw.
        var path = Path.Combine(server.NewDirectory(), "map.json");
        await File.WriteAllTextAsync(path, """{"metadata":{"name":"twice"},"data":{"a":"1","a":"2"}}""");
        Assert.Contains("duplicate field \"data.a\"", await kubectl.FailAsync("create", "--raw", $"/api/v1/namespaces/{kubectl.Namespace}/configmaps?fieldValidation=Strict", "-f", path));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_restricted_user_may_do_what_a_role_says_and_no_more(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "access");
        var user = "bob-" + release;
        var theirs = server.KubeconfigOf(user, "devs");
        var refused = $"Error from server (Forbidden): pods is forbidden: User \"{user}\" cannot list resource \"pods\" in API group \"\" in the namespace \"{kubectl.Namespace}\"\n";
        Assert.Equal(refused, (await kubectl.RunAsync(["get", "pods"], kubeconfig: theirs)).Failure().Error);
        Assert.Equal(refused, await kubectl.FailAsync("get", "pods", "--as=" + user));
        Assert.Equal("no", (await kubectl.RunAsync(["auth", "can-i", "list", "pods"], kubeconfig: theirs)).Out.Trim());

        await kubectl.OkAsync("create", "role", "reader", "--verb=get,list", "--resource=pods");
        await kubectl.OkAsync("create", "rolebinding", "readers", "--role=reader", "--user=" + user);
        Assert.Contains("No resources found", (await kubectl.RunAsync(["get", "pods"], kubeconfig: theirs)).Error);
        Assert.Equal("yes", (await kubectl.OkAsync("auth", "can-i", "list", "pods", "--as=" + user)).Trim());
        Assert.Equal("no", (await kubectl.RunAsync(["auth", "can-i", "delete", "pods", "--as=" + user])).Out.Trim());
        Assert.Matches(@"(?m)^pods +\[\] +\[\] +\[get list\]$", (await kubectl.RunAsync(["auth", "can-i", "--list"], kubeconfig: theirs)).Success());
        Assert.Contains($"pods \"p\" is forbidden: User \"{user}\" cannot delete resource \"pods\" in API group \"\" in the namespace \"{kubectl.Namespace}\"", (await kubectl.RunAsync(["delete", "pod", "p"], kubeconfig: theirs)).Failure().Error);
        Assert.Contains("cannot impersonate-on:user-info:list resource \"pods\"", (await kubectl.RunAsync(["get", "pods", "--as=admin"], kubeconfig: theirs)).Failure().Error);
        Assert.Equal("yes", (await kubectl.OkAsync("auth", "can-i", "get", "/healthz", "--as=" + user)).Trim());
        // Nobody gives away rights that they do not have.
        await kubectl.OkAsync("create", "role", "binder", "--verb=create", "--resource=roles.rbac.authorization.k8s.io");
        await kubectl.OkAsync("create", "rolebinding", "binders", "--role=binder", "--user=" + user);
        Assert.Contains("is attempting to grant RBAC permissions not currently held", (await kubectl.RunAsync(["create", "role", "more", "--verb=get", "--resource=secrets"], kubeconfig: theirs)).Failure().Error);
    }
}
