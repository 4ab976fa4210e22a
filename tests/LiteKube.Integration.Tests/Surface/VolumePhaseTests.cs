using System.Net;

namespace LiteKube.Integration.Tests.Surface;

/// <summary>Volumes and claims have a phase from the first moment on, and a volume notes when it changes.</summary>
public sealed class VolumePhaseTests : IAsyncLifetime
{
    private TestApiServer _server = null!;

    public async Task InitializeAsync() => _server = await TestApiServer.StartAsync();

    public async Task DisposeAsync() => await _server.DisposeAsync();

    [Fact]
    public async Task A_new_claim_is_pending_whatever_its_creator_says()
    {
        var created = await _server.PostAsync("/api/v1/namespaces/default/persistentvolumeclaims", """{"metadata":{"name":"c"},"spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"}}},"status":{"phase":"Bound"}}""");
        Assert.True(created.StatusCode == HttpStatusCode.Created, created.Body);
        Assert.Equal("""{"phase":"Pending"}""", created.Json["status"]!.ToJsonString());
    }

    [Fact]
    public async Task A_volume_notes_when_its_phase_changes()
    {
        var created = await _server.PostAsync("/api/v1/persistentvolumes", """{"metadata":{"name":"v"},"spec":{"accessModes":["ReadWriteOnce"],"capacity":{"storage":"1Gi"},"hostPath":{"path":"/x"}}}""");
        Assert.Equal("Pending", (string?)created.Json["status"]?["phase"]);
        Assert.NotNull((string?)created.Json["status"]?["lastPhaseTransitionTime"]);

        const string past = "2020-01-01T00:00:00Z";
        var chosen = await _server.PatchAsync("/api/v1/persistentvolumes/v/status", $$$"""{"status":{"phase":"Available","lastPhaseTransitionTime":"{{{past}}}"}}""");
        Assert.Equal(past, (string?)chosen.Json["status"]?["lastPhaseTransitionTime"]);
        var same = await _server.PatchAsync("/api/v1/persistentvolumes/v/status", """{"status":{"reason":"r","lastPhaseTransitionTime":null}}""");
        Assert.Equal(past, (string?)same.Json["status"]?["lastPhaseTransitionTime"]);
        var changed = await _server.PatchAsync("/api/v1/persistentvolumes/v/status", """{"status":{"phase":"Released"}}""");
        Assert.NotEqual(past, (string?)changed.Json["status"]?["lastPhaseTransitionTime"]);
    }
}
