using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.Libraries;

/// <summary>@kubernetes/client-node as a program of its own.</summary>
public sealed class NodeClientTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string Start = """
        import * as k8s from '@kubernetes/client-node';
        import { Writable, Readable } from 'node:stream';
        const config = new k8s.KubeConfig();
        config.loadFromDefault();
        const core = config.makeApiClient(k8s.CoreV1Api);

        """;

    private const string Watching = """
        const namespace = 'node-client';
        await core.createNamespace({ body: { metadata: { name: namespace } } });
        const list = await core.listNamespacedConfigMap({ namespace, labelSelector: 'app=x' });
        const seen = [];
        const ended = new Promise(async (resolve, reject) => {
          const request = await new k8s.Watch(config).watch(`/api/v1/namespaces/${namespace}/configmaps`,
            { resourceVersion: list.metadata.resourceVersion, labelSelector: 'app=x' },
            (type, object) => { seen.push(`${type} ${object.metadata.name} ${object.data?.k ?? ''}`); if (type === 'DELETED') { request.abort(); resolve(); } },
            error => { if (error && error.name !== 'AbortError') reject(error); });
        });
        await core.createNamespacedConfigMap({ namespace, body: { metadata: { name: 'a', labels: { app: 'x' } }, data: { k: '1' } } });
        await core.patchNamespacedConfigMap({ name: 'a', namespace, body: [{ op: 'replace', path: '/data/k', value: '2' }] });
        await core.deleteNamespacedConfigMap({ name: 'a', namespace });
        await ended;
        console.log(seen.join('\n'));
        try { await core.readNamespacedConfigMap({ name: 'a', namespace }); } catch (e) { console.log(e.code, JSON.parse(e.body).message); }
        process.exit(0);
        """;

    private const string Patching = """
        const namespace = 'node-patches';
        await core.createNamespace({ body: { metadata: { name: namespace } } });
        const apps = config.makeApiClient(k8s.AppsV1Api);
        const template = { metadata: { labels: { a: 'b' } }, spec: { containers: [{ name: 'one', image: 'i:1' }] } };
        await apps.createNamespacedDeployment({ namespace, body: { metadata: { name: 'd' }, spec: { replicas: 0, selector: { matchLabels: { a: 'b' } }, template } } });
        const as = type => k8s.setHeaderOptions('Content-Type', type);
        const show = d => console.log(d.spec.template.spec.containers.map(c => `${c.name}=${c.image}`).join(' '));
        const two = { spec: { template: { spec: { containers: [{ name: 'two', image: 'i:2' }] } } } };
        show(await apps.patchNamespacedDeployment({ name: 'd', namespace, body: two }, as(k8s.PatchStrategy.StrategicMergePatch)));
        show(await apps.patchNamespacedDeployment({ name: 'd', namespace, body: two }, as(k8s.PatchStrategy.MergePatch)));
        show(await apps.patchNamespacedDeployment({ name: 'd', namespace, body: [{ op: 'replace', path: '/spec/template/spec/containers/0/image', value: 'i:3' }] }, as(k8s.PatchStrategy.JsonPatch)));
        const applied = { apiVersion: 'apps/v1', kind: 'Deployment', metadata: { name: 'd' }, spec: { template: { spec: { containers: [{ name: 'two', image: 'i:4' }] } } } };
        try { await apps.patchNamespacedDeployment({ name: 'd', namespace, body: applied, fieldManager: 'node' }, as(k8s.PatchStrategy.ServerSideApply)); } catch (e) { const s = JSON.parse(e.body); console.log(e.code, s.reason, s.details.causes[0].field); }
        const forced = await apps.patchNamespacedDeployment({ name: 'd', namespace, body: applied, fieldManager: 'node', force: true }, as(k8s.PatchStrategy.ServerSideApply));
        show(forced);
        console.log(forced.metadata.managedFields.filter(f => f.manager === 'node').map(f => f.operation).join());
        const objects = k8s.KubernetesObjectApi.makeApiClient(config);
        const made = await objects.create({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace }, spec: { ports: [{ port: 80, targetPort: 'http' }] } });
        console.log(made.spec.ports[0].targetPort, (await objects.read({ apiVersion: 'v1', kind: 'Service', metadata: { name: 's', namespace } })).metadata.uid === made.metadata.uid);
        process.exit(0);
        """;

    private const string Informing = """
        const namespace = 'node-informer';
        await core.createNamespace({ body: { metadata: { name: namespace } } });
        await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'before', labels: { app: 'x' } } } });
        const informer = k8s.makeInformer(config, `/api/v1/namespaces/${namespace}/secrets`, () => core.listNamespacedSecret({ namespace, labelSelector: 'app=x' }), 'app=x');
        const seen = [];
        let wake = () => {};
        for (const verb of ['add', 'update', 'delete']) informer.on(verb, o => { seen.push(`${verb} ${o.metadata.name}`); wake(); });
        informer.on('error', e => console.log('error', e.code ?? e));
        const until = async text => { while (!seen.includes(text)) await new Promise(resolve => wake = resolve); };
        await informer.start();
        await until('add before');
        await core.createNamespacedSecret({ namespace, body: { metadata: { name: 'late', labels: { app: 'x' } } } });
        await until('add late');
        await core.patchNamespacedSecret({ name: 'late', namespace, body: { metadata: { labels: { more: '1' } } } }, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
        await until('update late');
        await core.patchNamespacedSecret({ name: 'before', namespace, body: { metadata: { labels: { app: 'y' } } } }, k8s.setHeaderOptions('Content-Type', k8s.PatchStrategy.MergePatch));
        await until('delete before');
        console.log(informer.list(namespace).map(o => o.metadata.name).join(), seen.join('; '));
        process.exit(0);
        """;

    private const string Streaming = """
        const namespace = 'node-stream';
        const text = () => { const chunks = []; const sink = new Writable({ write(chunk, _, done) { chunks.push(chunk); done(); } }); sink.text = () => Buffer.concat(chunks).toString(); return sink; };
        const run = (command, stdin) => new Promise(async (resolve, reject) => {
          const out = text(), err = text();
          await new k8s.Exec(config).exec(namespace, 'p', 'c', command, out, err, stdin ?? null, false, status => resolve(`${JSON.stringify(out.text())} ${JSON.stringify(err.text())} ${status.status} ${status.reason ?? ''}`)).catch(reject);
        });
        console.log(await run(['echo', 'a b']));
        console.log(await run(['sort'], Readable.from(['b\n', 'a\n'])));
        console.log(await run(['sh', '-c', 'echo e >&2; exit 3']));
        const log = text();
        const done = new Promise(resolve => log.on('close', resolve));
        await new k8s.Log(config).log(namespace, 'p', 'c', log, { tailLines: 2 });
        await done;
        console.log(JSON.stringify(log.text()));
        process.exit(0);
        """;

    [Fact]
    public async Task It_lists_watches_creates_and_patches() =>
        Assert.Equal("ADDED a 1\nMODIFIED a 2\nDELETED a 2\n404 configmaps \"a\" not found\n", await RunAsync(Watching));

    [Fact]
    public async Task Each_type_of_patch_is_taken_and_an_apply_meets_its_conflict() =>
        Assert.Equal("two=i:2 one=i:1\ntwo=i:2\ntwo=i:3\n409 Conflict .spec.template.spec.containers[name=\"two\"].image\ntwo=i:4\nApply\nhttp true\n", await RunAsync(Patching));

    [Fact]
    public async Task Its_informer_follows_objects_into_and_out_of_the_selection() =>
        Assert.Equal("late add before; add late; update late; delete before\n", await RunAsync(Informing));

    [Fact]
    public async Task It_runs_commands_and_reads_logs()
    {
        await server.Api.PostAsync("/api/v1/namespaces", """{"metadata":{"name":"node-stream"}}""");
        await server.Api.PostAsync("/api/v1/namespaces/node-stream/serviceaccounts", """{"metadata":{"name":"default"}}""");
        await using var kubelet = await FakeKubelet.WithPodAsync(server, "node-of-node-stream", "node-stream");
        Assert.Equal("\"a b\\n\" \"\" Success \n\"a\\nb\\n\" \"\" Success \n\"\" \"e\\n\" Failure NonZeroExitCode\n\"second line\\nthird line\\n\"\n", await RunAsync(Streaming));
    }

    private async Task<string> RunAsync(string text)
    {
        var library = await Clients.NodeClientAsync();
        var program = Path.Combine(library, $"program-{Guid.NewGuid():N}.mjs");
        await File.WriteAllTextAsync(program, Start + text);
        try
        {
            return (await Run.Async("node", [program], environment: server.Environment(), timeout: TimeSpan.FromSeconds(60))).Success();
        }
        finally
        {
            File.Delete(program);
        }
    }
}
