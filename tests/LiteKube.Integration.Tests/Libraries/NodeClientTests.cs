using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.Libraries;

/// <summary>@kubernetes/client-node as a program of its own.</summary>
public sealed class NodeClientTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string Program = """
        import * as k8s from '@kubernetes/client-node';
        const config = new k8s.KubeConfig();
        config.loadFromDefault();
        const core = config.makeApiClient(k8s.CoreV1Api);
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

    [Fact]
    public async Task It_lists_watches_creates_and_patches()
    {
        var library = await Clients.NodeClientAsync();
        var program = Path.Combine(library, $"program-{Guid.NewGuid():N}.mjs");
        await File.WriteAllTextAsync(program, Program);
        try
        {
            var ran = await Run.Async("node", [program], environment: server.Environment(), timeout: TimeSpan.FromSeconds(60));
            Assert.Equal("ADDED a 1\nMODIFIED a 2\nDELETED a 2\n404 configmaps \"a\" not found\n", ran.Success());
        }
        finally
        {
            File.Delete(program);
        }
    }
}
