using LiteKube.Controllers.Volumes;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Volumes;

/// <summary>What Kubernetes' conformance suite asks of the API of volumes and claims, each test named as its spec.</summary>
public sealed class VolumeConformanceTests : ServerTest
{
    private const string Volumes = "/api/v1/persistentvolumes";
    private const string Claims = "/api/v1/namespaces/default/persistentvolumeclaims";

    [Fact]
    public async Task CSI_Conformance_should_run_through_the_lifecycle_of_a_PV_and_a_PVC()
    {
        await StartAsync();
        await using var volumes = await Server.WatchAsync(Volumes + "?watch=true");
        await using var claims = await Server.WatchAsync(Claims + "?watch=true");
        await CreateAsync(Volumes, Volume("pv-1"));
        await CreateAsync(Claims, Claim("pvc-1"));
        await UntilAsync(claims, c => (string?)c["object"]!["status"]?["phase"] == "Bound", "a bound claim");
        await PatchAsync(Volumes + "/pv-1", """{"metadata":{"labels":{"e2e":"patched"}}}""");
        await PatchAsync(Claims + "/pvc-1", """{"metadata":{"labels":{"e2e":"patched"}}}""");
        Assert.Single(await ListAsync(Volumes + "?labelSelector=e2e%3Dpatched"));
        Assert.Single(await ListAsync("/api/v1/persistentvolumeclaims?labelSelector=e2e%3Dpatched"));
        await Server.DeleteAsync(Claims + "/pvc-1");
        await UntilAsync(claims, c => (string?)c["type"] == "DELETED", "the end of the claim");
        await UntilAsync(volumes, c => (string?)c["object"]!["status"]?["phase"] == "Released", "a released volume");
        await Server.DeleteAsync(Volumes + "/pv-1");
        await UntilAsync(volumes, c => (string?)c["type"] == "DELETED", "the end of the volume");

        await CreateAsync(Volumes, Volume("pv-2"));
        await CreateAsync(Claims, Claim("pvc-2"));
        await UntilAsync(claims, c => (string?)c["object"]!["status"]?["phase"] == "Bound", "a second bound claim");
        await Server.DeleteAsync(Claims + "?labelSelector=e2e-pv-pool%3Dpool");
        await UntilAsync(claims, c => (string?)c["type"] == "DELETED", "the end of the second claim");
        await Server.DeleteAsync(Volumes + "?labelSelector=e2e-pv-pool%3Dpool");
        await UntilAsync(volumes, c => (string?)c["type"] == "DELETED", "the end of the second volume");
    }

    [Fact]
    public async Task CSI_Conformance_should_apply_changes_to_a_pv_pvc_status()
    {
        await StartAsync();
        await using var claims = await Server.WatchAsync(Claims + "?watch=true");
        await CreateAsync(Volumes, Volume("pv-1"));
        await CreateAsync(Claims, Claim("pvc-1"));
        await UntilAsync(claims, c => (string?)c["object"]!["status"]?["phase"] == "Bound", "a bound claim");
        Assert.Equal("Bound", (string?)(await Server.GetAsync(Claims + "/pvc-1/status")).Json["status"]!["phase"]);
        Assert.Equal("Bound", (string?)(await Server.GetAsync(Volumes + "/pv-1/status")).Json["status"]!["phase"]);
        var claim = await PatchAsync(Claims + "/pvc-1/status", """{"status":{"conditions":[{"type":"StatusPatched","status":"True","reason":"E2E","message":"Set by a test"}]}}""");
        Assert.True(HasCondition(claim, "StatusPatched"));
        var volume = await PatchAsync(Volumes + "/pv-1/status", """{"status":{"message":"StatusPatched","reason":"E2E patchStatus"}}""");
        Assert.Equal("StatusPatched", (string?)volume["status"]!["message"]);
        // The binder has nothing against either.
        await PatchAsync(Claims + "/pvc-1", """{"metadata":{"annotations":{"look":"again"}}}""");
        await UntilAsync(claims, c => (string?)c["object"]!["metadata"]!["annotations"]?["look"] == "again", "the annotation");
        Assert.True(HasCondition((await Server.GetAsync(Claims + "/pvc-1")).Json, "StatusPatched"));
    }

    private async Task StartAsync()
    {
        await StartAsync(new PersistentVolumeController(Client("persistent-volume-binder"), Informers, Recorder("persistentvolume-controller"), TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new ClaimProtection(Client("pvc-protection-controller"), Informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new VolumeProtection(Client("pv-protection-controller"), Informers, TimeProvider.System).CreateRunner(NullLoggerFactory.Instance));
    }

    private static string Volume(string name) => $$"""
        {"metadata":{"name":"{{name}}","labels":{"e2e-pv-pool":"pool"} },
         "spec":{"capacity":{"storage":"2Gi"},"accessModes":["ReadWriteOnce"],"persistentVolumeReclaimPolicy":"Retain","csi":{"driver":"e2e-driver","volumeHandle":"e2e-const"},"storageClassName":"e2e"} }
        """;

    private static string Claim(string name) => $$"""
        {"metadata":{"name":"{{name}}","labels":{"e2e-pv-pool":"pool"} },
         "spec":{"accessModes":["ReadWriteOnce"],"resources":{"requests":{"storage":"1Gi"} },"storageClassName":"e2e"} }
        """;
}
