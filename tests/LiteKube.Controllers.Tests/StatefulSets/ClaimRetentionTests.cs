using k8s.Models;
using LiteKube.Controllers.StatefulSets;

namespace LiteKube.Controllers.Tests.StatefulSets;

public sealed class ClaimRetentionTests
{
    [Theory]
    [InlineData("Retain", "Retain", false, "")]
    [InlineData("Retain", "Retain", true, "")]
    [InlineData("Delete", "Retain", false, "StatefulSet")]
    [InlineData("Delete", "Retain", true, "StatefulSet")]
    [InlineData("Retain", "Delete", false, "")]
    [InlineData("Retain", "Delete", true, "Pod")]
    [InlineData("Delete", "Delete", false, "StatefulSet")]
    [InlineData("Delete", "Delete", true, "Pod")]
    public void The_policy_says_who_owns_a_claim_whoever_owned_it_before(string whenDeleted, string whenScaled, bool isScaledAway, string owner)
    {
        var (set, pod) = Given(whenDeleted, whenScaled, isScaledAway);
        foreach (var before in (V1OwnerReference[])[Reference("StatefulSet", "uid-web"), Reference("Pod", "uid-pod")])
        {
            var claim = Claim(before);
            Assert.Equal(before.Kind == owner, ClaimRetention.IsUpToDate(claim, set, pod));
            var applied = ClaimRetention.Apply(claim, set, pod);
            Assert.Equal(owner, string.Join(',', (applied.Metadata.OwnerReferences ?? []).Select(o => o.Kind)));
            Assert.All(applied.Metadata.OwnerReferences ?? [], o => Assert.True(o.Controller));
            Assert.True(ClaimRetention.IsUpToDate(applied, set, pod));
        }
        Assert.Equal(owner.Length == 0, ClaimRetention.IsUpToDate(Claim(), set, pod));
    }

    [Fact]
    public void A_claim_that_another_controls_gets_no_owner_beside_it()
    {
        var (set, pod) = Given("Delete", "Delete", isScaledAway: false);
        var foreign = new V1OwnerReference { ApiVersion = "example.com/v1", Kind = "Backup", Name = "b", Uid = "uid-b", Controller = true };
        Assert.True(ClaimRetention.IsUpToDate(Claim(foreign), set, pod));
        var both = Claim(foreign, Reference("StatefulSet", "uid-web"));
        Assert.False(ClaimRetention.IsUpToDate(both, set, pod));
        Assert.Equal(["Backup"], ClaimRetention.Apply(both, set, pod).Metadata.OwnerReferences.Select(o => o.Kind));
    }

    [Fact]
    public void What_an_earlier_set_of_the_name_owned_is_left_alone()
    {
        var (set, pod) = Given("Delete", "Retain", isScaledAway: false);
        Assert.True(ClaimRetention.IsUpToDate(Claim(Reference("StatefulSet", "uid of an earlier set")), set, pod));
    }

    [Fact]
    public void An_owner_that_does_not_control_the_claim_is_made_its_controller()
    {
        var (set, pod) = Given("Delete", "Retain", isScaledAway: false);
        var weak = Reference("StatefulSet", "uid-web");
        weak.Controller = null;
        Assert.False(ClaimRetention.IsUpToDate(Claim(weak), set, pod));
        Assert.True(Assert.Single(ClaimRetention.Apply(Claim(weak), set, pod).Metadata.OwnerReferences).Controller);
    }

    private static (V1StatefulSet, V1Pod) Given(string whenDeleted, string whenScaled, bool isScaledAway)
    {
        var set = new V1StatefulSet
        {
            Metadata = new V1ObjectMeta { Name = "web", NamespaceProperty = "default", Uid = "uid-web" },
            Spec = new V1StatefulSetSpec { Replicas = isScaledAway ? 0 : 1, PersistentVolumeClaimRetentionPolicy = new V1StatefulSetPersistentVolumeClaimRetentionPolicy { WhenDeleted = whenDeleted, WhenScaled = whenScaled } },
        };
        return (set, new V1Pod { Metadata = new V1ObjectMeta { Name = "web-0", NamespaceProperty = "default", Uid = "uid-pod" } });
    }

    private static V1OwnerReference Reference(string kind, string uid) => new()
    {
        ApiVersion = kind == "Pod" ? "v1" : "apps/v1",
        Kind = kind,
        Name = kind == "Pod" ? "web-0" : "web",
        Uid = uid,
        Controller = true,
        BlockOwnerDeletion = true,
    };

    private static V1PersistentVolumeClaim Claim(params V1OwnerReference[] owners) => new()
    {
        Metadata = new V1ObjectMeta { Name = "data-web-0", NamespaceProperty = "default", OwnerReferences = owners.Length == 0 ? null : owners },
    };
}
