using System.Diagnostics;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.Libraries;

/// <summary>A test that needs the distribution's python3-kubernetes; skipped by name where it is not installed.</summary>
[AttributeUsage(AttributeTargets.Method)]
internal sealed class PythonClientFactAttribute : FactAttribute
{
    public const string Interpreter = "/usr/bin/python3";

    public PythonClientFactAttribute() => Skip = IsInstalled() ? null! : "the package python3-kubernetes is not installed";

    private static bool IsInstalled()
    {
        if (!File.Exists(Interpreter)) return false;
        using var process = Process.Start(new ProcessStartInfo(Interpreter, ["-c", "import kubernetes"]) { RedirectStandardError = true })!;
        process.WaitForExit();
        return process.ExitCode == 0;
    }
}

/// <summary>The Python client as a program of its own.</summary>
public sealed class PythonClientTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string Program = """
        from kubernetes import client, config, watch
        config.load_kube_config()
        core = client.CoreV1Api()
        ns = 'python-client'
        core.create_namespace({'metadata': {'name': ns}})
        for i in range(5):
            core.create_namespaced_config_map(ns, {'metadata': {'name': 'c%d' % i, 'labels': {'app': 'x'}}, 'data': {'k': '1'}})
        names, token = [], None
        while True:
            page = core.list_namespaced_config_map(ns, label_selector='app=x', limit=2, _continue=token)
            names += [c.metadata.name for c in page.items]
            token = page.metadata._continue
            if not token: break
        print(' '.join(names))
        version = core.list_namespaced_config_map(ns).metadata.resource_version
        print(core.patch_namespaced_config_map('c0', ns, {'data': {'k': '2'}}).data['k'])
        core.delete_namespaced_config_map('c1', ns)
        for event in watch.Watch().stream(core.list_namespaced_config_map, ns, label_selector='app=x', resource_version=version, timeout_seconds=2):
            print(event['type'], event['object'].metadata.name)
        pod = client.V1Pod(metadata=client.V1ObjectMeta(name='p'), spec=client.V1PodSpec(containers=[client.V1Container(name='c', image='i')], service_account_name='missing'))
        try:
            core.create_namespaced_pod(ns, pod)
        except client.exceptions.ApiException as e:
            print(e.status, e.reason)
        core.delete_collection_namespaced_config_map(ns, label_selector='app=x')
        print(len(core.list_namespaced_config_map(ns, label_selector='app=x').items))
        """;

    [PythonClientFact]
    public async Task It_creates_pages_patches_watches_and_deletes()
    {
        var ran = await Run.Async(PythonClientFactAttribute.Interpreter, ["-c", Program], environment: server.Environment(), timeout: TimeSpan.FromSeconds(60));
        Assert.Equal("c0 c1 c2 c3 c4\n2\nMODIFIED c0\nDELETED c1\n403 Forbidden\n0\n", ran.Success());
    }
}
