using k8s.Models;
using LiteKube.Client;
using LiteKube.Client.Queues;
using LiteKube.Controllers.Volumes;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.Volumes;

public sealed class VolumeControllersTests : ControllerTest
{
    [Fact]
    public async Task A_claim_and_a_volume_are_bound_to_each_other()
    {
        Kube.Seed(VolumeBuild.Volume("v", "2Gi", phase: "Pending"));
        await StartAsync(Binder().CreateRunner(NullLoggerFactory.Instance));
        Kube.Seed(VolumeBuild.Claim());
        var claim = await Kube.WaitForAsync<V1PersistentVolumeClaim>("default", "c", c => c?.Status?.Phase == "Bound", "a bound claim");
        Assert.Equal(("v", "yes", "yes"), (claim!.Spec.VolumeName, claim.Metadata.Annotations["pv.kubernetes.io/bind-completed"], claim.Metadata.Annotations["pv.kubernetes.io/bound-by-controller"]));
        Assert.Equal(("2Gi", "ReadWriteOnce"), (claim.Status.Capacity["storage"].ToString(), Assert.Single(claim.Status.AccessModes)));
        var volume = Kube.Find<V1PersistentVolume>(null, "v")!;
        Assert.Equal(("Bound", "default", "c", "uid-c", "yes"), (volume.Status.Phase, volume.Spec.ClaimRef.NamespaceProperty, volume.Spec.ClaimRef.Name, volume.Spec.ClaimRef.Uid, volume.Metadata.Annotations["pv.kubernetes.io/bound-by-controller"]));
        await Kube.Client.DeleteAsync<V1PersistentVolumeClaim>("default", "c", new DeleteOptions(), default);
        await Kube.WaitForAsync<V1PersistentVolume>(null, "v", v => v?.Status?.Phase == "Released", "a released volume");
    }

    [Fact]
    public async Task Two_claims_never_share_a_volume()
    {
        Kube.Seed(VolumeBuild.Volume("v"));
        for (var i = 0; i < 5; i++)
            Kube.Seed(VolumeBuild.Claim("c" + i));
        await StartAsync(Binder().CreateRunner(NullLoggerFactory.Instance));
        await Kube.WaitForAllAsync<V1PersistentVolumeClaim>("default", all => all.Count(c => c.Status.Phase == "Bound") == 1, "one bound claim");
        Kube.Seed(VolumeBuild.Volume("w", phase: "Pending"));
        var claims = await Kube.WaitForAllAsync<V1PersistentVolumeClaim>("default", all => all.Count(c => c.Status.Phase == "Bound") == 2, "two bound claims");
        Assert.Equal(["v", "w"], claims.Where(c => c.Spec.VolumeName is not null).Select(c => c.Spec.VolumeName).Order());
    }

    /// <summary>Cut off before its n-th write, for every n, another process finishes the binding to the same volume.</summary>
    [Fact]
    public async Task A_binding_that_was_cut_off_anywhere_is_finished()
    {
        for (var writes = 0; writes < 4; writes++)
        {
            var kube = new InMemoryKube(Time);
            kube.Seed(VolumeBuild.Volume("large", "2Gi"));
            kube.Seed(VolumeBuild.Claim());
            await using (var first = new SharedInformers(kube.Client, NullLoggerFactory.Instance, TimeProvider.System))
            {
                var binder = await ReadyAsync(kube, first);
                var left = writes;
                kube.Intercept = request => request.Method == "GET" || left-- > 0 ? null : throw new IOException("the process is gone");
                await Assert.ThrowsAsync<IOException>(() => binder.ReconcileAsync(new ObjectKey("default", "c"), default));
            }
            kube.Intercept = null;
            // A better one that came meanwhile is not looked at once the volume names the claim.
            kube.Seed(VolumeBuild.Volume("fitting"));
            await using var second = new SharedInformers(kube.Client, NullLoggerFactory.Instance, TimeProvider.System);
            await (await ReadyAsync(kube, second)).ReconcileAsync(new ObjectKey("default", "c"), default);
            var claim = kube.Find<V1PersistentVolumeClaim>("default", "c")!;
            var expected = writes == 0 ? "fitting" : "large";
            Assert.Equal((expected, "Bound"), (claim.Spec.VolumeName, claim.Status.Phase));
            Assert.Equal("uid-c", kube.Find<V1PersistentVolume>(null, expected)!.Spec.ClaimRef.Uid);
            Assert.Null(kube.Find<V1PersistentVolume>(null, expected == "large" ? "fitting" : "large")!.Spec.ClaimRef);
        }

        async Task<PersistentVolumeController> ReadyAsync(InMemoryKube kube, SharedInformers informers)
        {
            var binder = new PersistentVolumeController(kube.Client, informers, Events, Time);
            await informers.Get<V1PersistentVolume>().WaitForSyncAsync(default);
            await informers.Get<V1PersistentVolumeClaim>().WaitForSyncAsync(default);
            await informers.Get<V1StorageClass>().WaitForSyncAsync(default);
            return binder;
        }
    }

    [Fact]
    public async Task A_claim_names_its_provisioner_and_is_bound_to_what_that_makes()
    {
        Kube.Seed(VolumeBuild.Class("fast"));
        await StartAsync(Binder().CreateRunner(NullLoggerFactory.Instance));
        Kube.Seed(VolumeBuild.Claim(storageClass: "fast"));
        var claim = await Kube.WaitForAsync<V1PersistentVolumeClaim>("default", "c", c => c?.Metadata.Annotations?.ContainsKey("volume.kubernetes.io/storage-provisioner") == true, "the provisioner's name");
        Assert.Equal(("example.com/disk", "example.com/disk"), (claim!.Metadata.Annotations["volume.kubernetes.io/storage-provisioner"], claim.Metadata.Annotations["volume.beta.kubernetes.io/storage-provisioner"]));
        Kube.Seed(VolumeBuild.Volume("made", storageClass: "fast", phase: "Pending", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("c", "uid-c")));
        await Kube.WaitForAsync<V1PersistentVolumeClaim>("default", "c", c => c is { Status.Phase: "Bound", Spec.VolumeName: "made" }, "a bound claim");
        Assert.Contains(Events.All, e => e.StartsWith("Normal ExternalProvisioning Waiting for a volume to be created either by the external provisioner 'example.com/disk'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_claim_in_use_stays_until_its_last_pod_is_gone()
    {
        var pod = Build.Pod("p");
        pod.Spec.Volumes = [new V1Volume { Name = "data", PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = "c" } }];
        Kube.Seed(pod);
        Kube.Seed(VolumeBuild.Claim(change: c => c.Metadata.Finalizers = ["kubernetes.io/pvc-protection"]));
        var protection = new ClaimProtection(Kube.Client, Informers, Time);
        await Kube.Client.DeleteAsync<V1PersistentVolumeClaim>("default", "c", new DeleteOptions(), default);
        await SeenAsync<V1Pod>("default", "p", p => p is not null);
        await SeenAsync<V1PersistentVolumeClaim>("default", "c", c => c?.Metadata.DeletionTimestamp is not null);
        await protection.ReconcileAsync(new ObjectKey("default", "c"), default);
        Assert.NotNull(Kube.Find<V1PersistentVolumeClaim>("default", "c"));
        await StartAsync(protection.CreateRunner(NullLoggerFactory.Instance));
        await Kube.Client.DeleteAsync<V1Pod>("default", "p", new DeleteOptions(GracePeriodSeconds: 0), default);
        await Kube.WaitForAsync<V1PersistentVolumeClaim>("default", "c", c => c is null, "the end of the claim");
    }

    [Theory]
    [InlineData("Bound", true)]
    [InlineData("Released", false)]
    public async Task A_volume_stays_while_it_is_bound(string phase, bool stays)
    {
        Kube.Seed(VolumeBuild.Volume("v", phase: phase, change: v => v.Metadata.Finalizers = ["kubernetes.io/pv-protection"]));
        await Kube.Client.DeleteAsync<V1PersistentVolume>(null, "v", new DeleteOptions(), default);
        var protection = new VolumeProtection(Kube.Client, Informers, Time);
        await SeenAsync<V1PersistentVolume>("", "v", v => v?.Metadata.DeletionTimestamp is not null);
        await protection.ReconcileAsync(new ObjectKey("", "v"), default);
        Assert.Equal(stays, Kube.Find<V1PersistentVolume>(null, "v") is not null);
    }

    [Fact]
    public async Task Claims_and_volumes_without_protection_get_it()
    {
        Kube.Seed(VolumeBuild.Claim());
        Kube.Seed(VolumeBuild.Volume("v"));
        await StartAsync(new ClaimProtection(Kube.Client, Informers, Time).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new VolumeProtection(Kube.Client, Informers, Time).CreateRunner(NullLoggerFactory.Instance));
        await Kube.WaitForAsync<V1PersistentVolumeClaim>("default", "c", c => c?.Metadata.Finalizers is ["kubernetes.io/pvc-protection"], "a protected claim");
        await Kube.WaitForAsync<V1PersistentVolume>(null, "v", v => v?.Metadata.Finalizers is ["kubernetes.io/pv-protection"], "a protected volume");
    }

    [Fact]
    public async Task A_pods_ephemeral_volume_has_a_claim_of_its_own()
    {
        await StartAsync(new EphemeralVolumeController(Kube.Client, Informers, Events, Time).CreateRunner(NullLoggerFactory.Instance));
        Kube.Seed(EphemeralPod("p"));
        var claim = await Kube.WaitForAsync<V1PersistentVolumeClaim>("default", "p-scratch", c => c is not null, "the claim");
        Assert.Equal(("Pod", "p", "uid-p", true), (claim!.Metadata.OwnerReferences[0].Kind, claim.Metadata.OwnerReferences[0].Name, claim.Metadata.OwnerReferences[0].Uid, claim.Metadata.OwnerReferences[0].Controller));
        Assert.Equal(("yes", "1Gi"), (claim.Metadata.Labels["from"], claim.Spec.Resources.Requests["storage"].ToString()));
    }

    [Fact]
    public async Task A_claim_of_somebody_else_is_not_taken_for_an_ephemeral_volume()
    {
        Kube.Seed(VolumeBuild.Claim("p-scratch"));
        Kube.Seed(EphemeralPod("p"));
        var controller = new EphemeralVolumeController(Kube.Client, Informers, Events, Time);
        await SeenAsync<V1Pod>("default", "p", p => p is not null);
        await controller.ReconcileAsync(new ObjectKey("default", "p"), default);
        Assert.Equal(["Warning FailedBinding ephemeral volume scratch: PVC default/p-scratch was not created for pod default/p (pod is not owner)"], Events.All);
        Assert.Null(Kube.Find<V1PersistentVolumeClaim>("default", "p-scratch")!.Metadata.OwnerReferences);
    }

    [Theory]
    [InlineData(true, "2Gi", "Normal ExternalExpanding waiting for an external controller to expand this PVC")]
    [InlineData(false, "2Gi", "Warning ExternalExpanding Ignoring the PVC: didn't find a plugin capable of expanding the volume; waiting for an external controller to process this PVC.")]
    [InlineData(true, "1Gi", null)]
    public async Task A_claim_that_asks_for_more_is_told_who_enlarges_its_volume(bool csi, string size, string? told)
    {
        Kube.Seed(VolumeBuild.Volume("v", phase: "Bound", change: v =>
        {
            v.Spec.ClaimRef = VolumeBuild.Reference("c", "uid-c");
            v.Spec.Csi = csi ? new V1CSIPersistentVolumeSource { Driver = "d", VolumeHandle = "h" } : null;
        }));
        Kube.Seed(VolumeBuild.Claim(size: size, volume: "v", change: c => c.Status = new V1PersistentVolumeClaimStatus { Phase = "Bound", Capacity = new Dictionary<string, ResourceQuantity> { ["storage"] = new("1Gi") } }));
        var controller = new VolumeExpansion(Informers, Events, Time);
        await SeenAsync<V1PersistentVolume>("", "v", v => v is not null);
        await SeenAsync<V1PersistentVolumeClaim>("default", "c", c => c is not null);
        await controller.ReconcileAsync(new ObjectKey("default", "c"), default);
        Assert.Equal(told is null ? [] : [told], Events.All);
    }

    [Fact]
    public async Task A_volume_given_to_a_claim_that_goes_before_it_is_told_is_looked_at_again()
    {
        // Not started: what is queued stays to be seen.
        var runner = Binder().CreateRunner(NullLoggerFactory.Instance);
        Kube.Seed(VolumeBuild.Volume("v", phase: "Bound", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("c", "uid-c")));
        Kube.Seed(VolumeBuild.Claim());
        await SeenAsync<V1PersistentVolume>("", "v", v => v is not null);
        await SeenAsync<V1PersistentVolumeClaim>("default", "c", c => c is not null);
        TakeAll(runner);
        Kube.Remove<V1PersistentVolumeClaim>("default", "c", null);
        await SeenAsync<V1PersistentVolumeClaim>("default", "c", c => c is null);
        Assert.Contains(new ObjectKey("", "v"), TakeAll(runner));
    }

    private static List<ObjectKey> TakeAll(ControllerRunner runner)
    {
        var keys = new List<ObjectKey>();
        while (runner.Queue.TryTake(out var key))
        {
            keys.Add(key);
            runner.Queue.Done(key);
        }
        return keys;
    }

    private PersistentVolumeController Binder() => new(Kube.Client, Informers, Events, Time);

    private static V1Pod EphemeralPod(string name)
    {
        var pod = Build.Pod(name);
        var template = new V1PersistentVolumeClaimTemplate { Metadata = new V1ObjectMeta { Labels = new Dictionary<string, string> { ["from"] = "yes" } }, Spec = VolumeBuild.Claim().Spec };
        pod.Spec.Volumes = [new V1Volume { Name = "scratch", Ephemeral = new V1EphemeralVolumeSource { VolumeClaimTemplate = template } }];
        return pod;
    }
}
