using k8s.Models;
using LiteKube.Controllers.Volumes;

namespace LiteKube.Controllers.Tests.Volumes;

public sealed class ClaimPlanTests
{
    [Fact]
    public void The_smallest_volume_that_is_large_enough_is_taken()
    {
        V1PersistentVolume[] volumes =
        [
            VolumeBuild.Volume("small", "500Mi"), VolumeBuild.Volume("huge", "10Gi"), VolumeBuild.Volume("fitting", "2Gi"), VolumeBuild.Volume("class", "1Gi", "fast"),
            VolumeBuild.Volume("taken", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("other", "u")), VolumeBuild.Volume("released", phase: "Released"),
            VolumeBuild.Volume("shared", modes: "ReadOnlyMany"), VolumeBuild.Volume("block", change: v => v.Spec.VolumeMode = "Block"),
            VolumeBuild.Volume("going", change: v => v.Metadata.DeletionTimestamp = Build.Epoch),
        ];
        Assert.Equal("fitting", Plan(VolumeBuild.Claim(), volumes).Volume?.Metadata.Name);
    }

    [Fact]
    public void A_volume_meant_for_the_claim_goes_before_all_others()
    {
        var meant = VolumeBuild.Volume("meant", "5Gi", phase: "Pending", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("c", null));
        Assert.Equal("meant", Plan(VolumeBuild.Claim(), [VolumeBuild.Volume("fitting"), meant]).Volume?.Metadata.Name);
        // Also while other claims of the class wait for their pods.
        var waiting = VolumeBuild.Claim(storageClass: "local");
        Assert.Equal("meant", Plan(waiting, [meant], [VolumeBuild.Class("local", "kubernetes.io/no-provisioner", waits: true)]).Volume?.Metadata.Name);
    }

    [Fact]
    public void A_binding_that_was_cut_off_goes_on_with_the_volume_that_was_given()
    {
        var meant = VolumeBuild.Volume("meant", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("c", null));
        var given = VolumeBuild.Volume("given", "5Gi", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("c", "uid-c"));
        Assert.Equal("given", Plan(VolumeBuild.Claim(), [meant, given]).Volume?.Metadata.Name);
    }

    [Theory]
    [InlineData("", "Normal FailedBinding no persistent volumes available for this claim and no storage class is set")]
    [InlineData("absent", "Warning ProvisioningFailed storageclass.storage.k8s.io \"absent\" not found")]
    [InlineData("local", "Warning ProvisioningFailed no volume plugin matched name: kubernetes.io/no-provisioner")]
    [InlineData("waits", "Normal WaitForFirstConsumer waiting for first consumer to be created before binding")]
    public void A_claim_without_a_volume_says_what_it_waits_for(string storageClass, string told)
    {
        var plan = Plan(VolumeBuild.Claim(storageClass: storageClass), [], [VolumeBuild.Class("local", "kubernetes.io/no-provisioner"), VolumeBuild.Class("waits", waits: true)]);
        Assert.Equal((ClaimStep.Wait, "Pending", told), (plan.Step, plan.Phase, Told(plan)));
    }

    [Theory]
    [InlineData("p", "waiting for pod p to be scheduled")]
    [InlineData("p q", "waiting for pods p,q to be scheduled")]
    public void A_claim_of_a_pod_waits_for_the_pods_node(string pods, string message) =>
        Assert.Equal("Normal WaitForPodScheduled " + message, Told(ClaimPlan.Compute(VolumeBuild.Claim(storageClass: "waits"), [VolumeBuild.Volume("v", storageClass: "waits")], [VolumeBuild.Class("waits", waits: true)], pods.Split(' '))));

    [Fact]
    public void A_provisioner_is_named_at_once_or_when_the_node_is_known()
    {
        Assert.Equal((ClaimStep.Provision, "example.com/disk"), Plan(VolumeBuild.Claim(storageClass: "fast"), [], [VolumeBuild.Class("fast")]) is var p ? (p.Step, p.Provisioner) : default);
        var chosen = VolumeBuild.Claim(storageClass: "waits", change: c => c.Metadata.Annotations = new Dictionary<string, string> { ["volume.kubernetes.io/selected-node"] = "n" });
        Assert.Equal(ClaimStep.Provision, Plan(chosen, [], [VolumeBuild.Class("waits", waits: true)]).Step);
    }

    [Fact]
    public void A_claim_that_names_no_class_gets_the_default_one_as_soon_as_there_is_one()
    {
        Assert.Equal((ClaimStep.AssignClass, "fast"), Plan(VolumeBuild.Claim(storageClass: null), [VolumeBuild.Volume("v")], [VolumeBuild.Class("slow"), VolumeBuild.Class("fast", isDefault: true)]) is var p ? (p.Step, p.ClassName) : default);
        // The empty class is one.
        Assert.Equal(ClaimStep.Bind, Plan(VolumeBuild.Claim(), [VolumeBuild.Volume("v")], [VolumeBuild.Class("fast", isDefault: true)]).Step);
    }

    [Theory]
    [InlineData("2Gi", "", "Filesystem", "ReadWriteOnce", null)]
    [InlineData("500Mi", "", "Filesystem", "ReadWriteOnce", "requested PV is too small")]
    [InlineData("2Gi", "fast", "Filesystem", "ReadWriteOnce", "storageClassName does not match")]
    [InlineData("2Gi", "", "Block", "ReadWriteOnce", "incompatible volumeMode")]
    [InlineData("2Gi", "", "Filesystem", "ReadOnlyMany", "incompatible accessMode")]
    public void A_volume_that_is_asked_for_by_name_must_suit(string size, string storageClass, string mode, string modes, string? complaint)
    {
        var volume = VolumeBuild.Volume("v", size, storageClass, modes: modes, change: v => v.Spec.VolumeMode = mode);
        var plan = Plan(VolumeBuild.Claim(volume: "v"), [volume]);
        Assert.Equal(complaint is null ? (ClaimStep.Bind, null) : (ClaimStep.Wait, $"Warning VolumeMismatch Cannot bind to requested volume \"v\": {complaint}"), (plan.Step, Told(plan)));
    }

    [Fact]
    public void A_volume_that_is_asked_for_by_name_may_be_anothers_or_not_there()
    {
        Assert.Equal((ClaimStep.Wait, "Pending"), Plan(VolumeBuild.Claim(volume: "v"), []) is var p ? (p.Step, p.Phase) : default);
        var taken = VolumeBuild.Volume("v", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("other", "u"));
        Assert.Equal("Warning FailedBinding volume \"v\" already bound to a different claim.", Told(Plan(VolumeBuild.Claim(volume: "v"), [taken])));
    }

    [Theory]
    [InlineData(null, null, "Warning ClaimLost Bound claim has lost reference to PersistentVolume. Data on the volume is lost!")]
    [InlineData("gone", null, "Warning ClaimLost Bound claim has lost its PersistentVolume. Data on the volume is lost!")]
    [InlineData("v", "another", "Warning ClaimMisbound Two claims are bound to the same volume, this one is bound incorrectly")]
    [InlineData("v", "uid-c", null)]
    public void A_claim_that_was_bound_keeps_its_volume_or_is_lost(string? volumeName, string? holder, string? told)
    {
        var claim = VolumeBuild.Claim(volume: volumeName, change: c => c.Metadata.Annotations = new Dictionary<string, string> { ["pv.kubernetes.io/bind-completed"] = "yes" });
        var plan = Plan(claim, [VolumeBuild.Volume("v", change: v => v.Spec.ClaimRef = VolumeBuild.Reference("c", holder ?? "u")), VolumeBuild.Volume("free")]);
        Assert.Equal((told is null ? "Bound" : "Lost", told), (plan.Phase, Told(plan)));
    }

    [Theory]
    [InlineData(null, "Retain", "Available", null)]
    [InlineData("", "Retain", "Available", null)]
    [InlineData("gone", "Retain", "Released", null)]
    [InlineData("gone", "Delete", "Failed", "error getting deleter volume plugin for volume \"v\": no deletable volume plugin matched")]
    [InlineData("gone", "Recycle", "Failed", "No recycler plugin found for the volume!")]
    [InlineData("uid-c", "Retain", "Bound", null)]
    public void A_volume_is_available_bound_or_released(string? holder, string policy, string phase, string? message)
    {
        var volume = VolumeBuild.Volume("v", change: v =>
        {
            v.Spec.PersistentVolumeReclaimPolicy = policy;
            v.Spec.ClaimRef = holder is null ? null : VolumeBuild.Reference("c", holder);
        });
        var plan = VolumePlan.Compute(volume, holder == "uid-c" ? VolumeBuild.Claim(volume: "v") : null);
        Assert.Equal((phase, message, false), (plan.Phase, plan.Message, plan.Unbind));
    }

    private static ClaimPlan Plan(V1PersistentVolumeClaim claim, V1PersistentVolume[] volumes, V1StorageClass[]? classes = null) => ClaimPlan.Compute(claim, volumes, classes ?? [], []);

    private static string? Told(ClaimPlan plan) => plan.Event is var (type, reason, message) ? $"{type} {reason} {message}" : null;
}
