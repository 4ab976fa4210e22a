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
    private const string Start = """
        import json, multiprocessing, threading
        from kubernetes import client, config, dynamic, stream, watch
        config.load_kube_config()
        core = client.CoreV1Api()

        """;

    private const string Basics = """
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

    private const string Resuming = """
        ns = 'python-watch'
        core.create_namespace({'metadata': {'name': ns}})
        make = lambda name: core.create_namespaced_secret(ns, {'metadata': {'name': name}})
        make('a')
        version = core.list_namespaced_secret(ns).metadata.resource_version
        first, seen = watch.Watch(), []
        make('b')
        for event in first.stream(core.list_namespaced_secret, ns, resource_version=version, allow_watch_bookmarks=True):
            seen.append('%s %s' % (event['type'], event['object'].metadata.name))
            first.stop()
        # What happens while nobody watches is told to who resumes, once.
        make('c')
        core.delete_namespaced_secret('a', ns)
        second = watch.Watch()
        for event in second.stream(core.list_namespaced_secret, ns, resource_version=first.resource_version):
            seen.append('%s %s' % (event['type'], event['object'].metadata.name))
            if event['type'] == 'DELETED': second.stop()
        print('; '.join(seen))
        """;

    private const string Dynamic = """
        ns = 'python-dynamic'
        core.create_namespace({'metadata': {'name': ns}})
        d = dynamic.DynamicClient(client.ApiClient())
        maps = d.resources.get(api_version='v1', kind='ConfigMap')
        apply = lambda manager, data, **more: maps.patch(body=json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap', 'metadata': {'name': 'm'}, 'data': data}), name='m', namespace=ns, content_type='application/apply-patch+yaml', field_manager=manager, **more).to_dict()
        print(apply('one', {'a': '1', 'b': '1'})['data'])
        try:
            apply('two', {'a': '2'})
        except dynamic.exceptions.ConflictError as e:
            print(json.loads(e.body)['message'])
        print(sorted(apply('two', {'a': '2'}, force_conflicts=True)['data'].items()))
        print(sorted(apply('one', {})['data'].items()))
        print(sorted(d.resources.get(api_version='apps/v1', kind='Deployment').subresources))
        print([r.kind for r in d.resources.search(short_names=['cm'])])
        custom, definitions = client.CustomObjectsApi(), client.ApiextensionsV1Api()
        definitions.create_custom_resource_definition({'metadata': {'name': 'pies.python.example.com'}, 'spec': {'group': 'python.example.com', 'scope': 'Namespaced', 'names': {'plural': 'pies', 'kind': 'Pie'},
            'versions': [{'name': 'v1', 'served': True, 'storage': True, 'subresources': {'status': {}}, 'schema': {'openAPIV3Schema': {'type': 'object', 'x-kubernetes-preserve-unknown-fields': True}}}]}})
        w = watch.Watch()
        for event in w.stream(definitions.list_custom_resource_definition, field_selector='metadata.name=pies.python.example.com'):
            if any(c.type == 'Established' and c.status == 'True' for c in event['object'].status.conditions or []): w.stop()
        at = ('python.example.com', 'v1', ns, 'pies')
        custom.create_namespaced_custom_object(*at, {'apiVersion': 'python.example.com/v1', 'kind': 'Pie', 'metadata': {'name': 'p'}, 'spec': {'n': 1}})
        custom.patch_namespaced_custom_object(*at, 'p', {'spec': {'m': 2}})
        custom.patch_namespaced_custom_object_status(*at, 'p', {'status': {'ok': True}, 'spec': None})
        p = custom.get_namespaced_custom_object(*at, 'p')
        print(p['spec'], p['status'], p['metadata']['generation'])
        """;

    private const string Leading = """
        import logging, time
        from kubernetes.leaderelection import electionconfig, leaderelection
        from kubernetes.leaderelection.resourcelock.configmaplock import ConfigMapLock
        logging.disable(logging.CRITICAL)
        ns = 'python-leader'
        def run(name, heard):
            config.load_kube_config()
            lock = ConfigMapLock('lock', ns, name)
            leaderelection.LeaderElection(electionconfig.Config(lock, lease_duration=4, renew_deadline=3, retry_period=1.1, onstarted_leading=lambda: heard.put(name), onstopped_leading=lambda: None)).run()
        holder = lambda: json.loads(core.read_namespaced_config_map('lock', ns).metadata.annotations['control-plane.alpha.kubernetes.io/leader'])['holderIdentity']
        core.create_namespace({'metadata': {'name': ns}})
        heard = multiprocessing.Queue()
        one, two = (multiprocessing.Process(target=run, args=(name, heard), daemon=True) for name in ('one', 'two'))
        one.start()
        print(heard.get(timeout=20), holder())
        two.start()
        # Longer than the lease: the leader renews it, so the other one waits.
        try:
            heard.get(timeout=6)
        except Exception:
            print('still', holder())
        one.kill()
        print(heard.get(timeout=20), holder())
        two.kill()
        """;

    private const string Streaming = """
        ns = 'python-stream'
        run = lambda command, **more: stream.stream(core.connect_get_namespaced_pod_exec, 'p', ns, container='c', command=command, stdout=True, stderr=True, **more)
        print(repr(run(['echo', 'a b'])))
        s = run(['sh', '-c', 'read x; echo got $x; exit 3'], stdin=True, _preload_content=False)
        s.write_stdin('word\n')
        s.run_forever(timeout=20)
        print(repr(s.read_stdout()), s.returncode)
        print(repr(core.read_namespaced_pod_log('p', ns, tail_lines=2)))
        """;

    [PythonClientFact]
    public Task It_creates_pages_patches_watches_and_deletes() => PrintsAsync(Basics, "c0 c1 c2 c3 c4\n2\nMODIFIED c0\nDELETED c1\n403 Forbidden\n0\n");

    [PythonClientFact]
    public Task A_watch_is_resumed_where_it_was_stopped() => PrintsAsync(Resuming, "ADDED b; ADDED c; DELETED a\n");

    [PythonClientFact]
    public Task The_dynamic_client_discovers_applies_and_meets_conflicts() => PrintsAsync(Dynamic, """
        {'a': '1', 'b': '1'}
        Apply failed with 1 conflict: conflict with "one": .data.a
        [('a', '2'), ('b', '1')]
        [('a', '2')]
        ['scale', 'status']
        ['ConfigMap', 'ConfigMapList']
        {'m': 2, 'n': 1} {'ok': True} 2

        """);

    [PythonClientFact]
    public Task Of_two_candidates_one_leads_until_it_is_gone() => PrintsAsync(Leading, "one one\nstill one\ntwo two\n");

    [PythonClientFact]
    public async Task It_runs_commands_and_reads_logs()
    {
        await server.Api.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"python-stream"}}""");
        await server.Api.PostAsync("/api/v1/namespaces/python-stream/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await using var kubelet = await FakeKubelet.WithPodAsync(server, "node-of-python-stream", "python-stream");
        await PrintsAsync(Streaming, "'a b\\n'\n'got word\\n' 3\n'second line\\nthird line\\n'\n");
    }

    private async Task PrintsAsync(string program, string expected)
    {
        var ran = await Run.Async(PythonClientFactAttribute.Interpreter, ["-c", Start + program], environment: server.Environment(), timeout: TimeSpan.FromSeconds(90));
        Assert.Equal(expected, ran.Success());
    }
}
