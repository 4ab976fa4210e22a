using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Volumes;

namespace LiteKube.Simulation.Tests;

/// <summary>
/// Claims and volumes of several sizes and classes, some meant for each other, that users make and delete while pods
/// use them: a volume goes to one claim and a claim to one volume, and nothing is removed that is in use.
/// </summary>
internal sealed class VolumeScenario : Scenario
{
    private const string ClaimFinalizer = "kubernetes.io/pvc-protection";
    private const string VolumeFinalizer = "kubernetes.io/pv-protection";
    private const string BindCompleted = "pv.kubernetes.io/bind-completed";
    private const string ProvisionedBy = "pv.kubernetes.io/provisioned-by";
    private static readonly string[] Classes = ["fast", "slow"];

    private Dictionary<string, V1PersistentVolume> _volumesBefore = [];
    private Dictionary<string, V1PersistentVolumeClaim> _claimsBefore = [];
    private int _made;

    public override IEnumerable<IComponent> Controllers(Life life) =>
    [
        new PersistentVolumeController(life.Client, life.Informers, life.Events, life.Time).CreateRunner(life.Loggers),
        new ClaimProtection(life.Client, life.Informers, life.Time).CreateRunner(life.Loggers),
        new VolumeProtection(life.Client, life.Informers, life.Time).CreateRunner(life.Loggers),
    ];

    protected override void SetUp()
    {
        for (var i = 0; i < 3; i++)
        {
            MakeVolume();
            MakeClaim();
        }
        Remember();
    }

    public override void Act()
    {
        var (volume, claim, pod) = (Pick(Volumes()), Pick(Claims()), Pick(World.Pods));
        switch (Random.Next(24))
        {
            case < 3 when Volumes().Count < 8:
                MakeVolume();
                break;
            case < 6 when Claims().Count < 6:
                MakeClaim();
                break;
            case 6 when claim is { Metadata.DeletionTimestamp: null }:
                Delete(claim);
                break;
            case 7 when volume is { Metadata.DeletionTimestamp: null }:
                Delete(volume);
                break;
            case < 10 when claim is not null && World.Pods.Count < 6:
                MakePod(claim);
                break;
            case 10 when pod is not null:
                World.Delete(pod);
                break;
            case 11 or 12 when volume is { Status.Phase: "Released" }:
                Reclaim(volume);
                break;
            default:
                if (pod is not null)
                    Advance(pod);
                break;
        }
        Remember();
    }

    public override bool Serve()
    {
        var any = false;
        foreach (var pod in World.Pods)
            any |= Advance(pod);
        foreach (var pod in World.Pods.Where(p => p.Metadata.DeletionTimestamp is null && ClaimOf(p)?.Metadata.DeletionTimestamp is not null))
        {
            any = true;
            World.Delete(pod);
        }
        Remember();
        return any;
    }

    public override void CheckAlways()
    {
        var (volumes, claims) = (Volumes().ToDictionary(v => v.Metadata.Uid), Claims().ToDictionary(c => c.Metadata.Uid));
        foreach (var bound in claims.Values.Where(c => c.Status?.Phase == "Bound").GroupBy(c => c.Spec.VolumeName))
            Require(bound.Count() == 1, $"{bound.Key} is bound to {string.Join(" and ", bound.Select(c => c.Metadata.Name))}");
        foreach (var held in volumes.Values.Where(v => v.Spec.ClaimRef?.Uid is not null && v.Metadata.DeletionTimestamp is null).GroupBy(v => v.Spec.ClaimRef.Uid))
            Require(held.Count() <= 1 + Simulation.LostAnswers, $"{string.Join(" and ", held.Select(v => v.Metadata.Name))} are given to {held.First().Spec.ClaimRef.Name}");
        foreach (var old in _volumesBefore.Values)
            CheckVolume(old, volumes.GetValueOrDefault(old.Metadata.Uid));
        foreach (var old in _claimsBefore.Values)
            CheckClaim(old, claims.GetValueOrDefault(old.Metadata.Uid));
        Remember();
    }

    public override void CheckSettled()
    {
        var (volumes, claims) = (Volumes(), Claims());
        foreach (var volume in volumes)
        {
            var name = volume.Metadata.Name;
            var claim = claims.FirstOrDefault(c => c.Metadata.Uid == volume.Spec.ClaimRef?.Uid);
            Require(volume.Metadata.DeletionTimestamp is null || claim is not null, $"{name} is deleted, bound to nothing, and does not go");
            var phase = claim is not null ? "Bound" : volume.Spec.ClaimRef?.Uid is null ? "Available" : "Released";
            Require(volume.Status?.Phase == phase, $"{name} is {volume.Status?.Phase} and should be {phase}");
            Require(claim is null || claim.Spec.VolumeName == name, $"{name} is kept for {claim?.Metadata.Name}, which has {claim?.Spec.VolumeName}");
        }
        foreach (var claim in claims)
        {
            var name = claim.Metadata.Name;
            Require(claim.Metadata.DeletionTimestamp is null, $"{name} is deleted, used by nobody, and does not go");
            var volume = volumes.FirstOrDefault(v => v.Metadata.Name == claim.Spec.VolumeName);
            if (IsBound(claim))
            {
                var phase = volume?.Spec.ClaimRef?.Uid == claim.Metadata.Uid ? "Bound" : "Lost";
                Require(claim.Status?.Phase == phase, $"{name} is {claim.Status?.Phase} and should be {phase}");
                continue;
            }
            Require(claim.Status?.Phase == "Pending", $"{name} is {claim.Status?.Phase} and not bound");
            var free = volumes.Where(v => v.Metadata.DeletionTimestamp is null && Suits(claim, v) && (v.Spec.ClaimRef is null || (v.Spec.ClaimRef.Uid is null && v.Spec.ClaimRef.Name == name)));
            Require(!free.Any(v => claim.Spec.VolumeName is null || claim.Spec.VolumeName == v.Metadata.Name), $"{name} waits although {free.FirstOrDefault()?.Metadata.Name} suits it");
        }
    }

    private void CheckVolume(V1PersistentVolume old, V1PersistentVolume? next)
    {
        var owner = Claims().FirstOrDefault(c => c.Metadata.Uid == old.Spec.ClaimRef?.Uid);
        if (next?.Status?.Phase is "Released" or "Failed" && next.Status.Phase != old.Status?.Phase)
            Require(owner is null, $"{old.Metadata.Name} is {next.Status.Phase} and its claim {owner?.Metadata.Name} is there");
        if (next is null)
            Require(owner is null || !IsBound(owner), $"{old.Metadata.Name} was removed and is bound to {owner?.Metadata.Name}");
        else
            Require(old.Spec.ClaimRef?.Uid is null || next.Spec.ClaimRef?.Uid is null || old.Spec.ClaimRef.Uid == next.Spec.ClaimRef.Uid, $"{old.Metadata.Name} went from one claim to another, {next.Spec.ClaimRef?.Name}");
    }

    private void CheckClaim(V1PersistentVolumeClaim old, V1PersistentVolumeClaim? next)
    {
        var user = World.Pods.FirstOrDefault(p => p.Spec.NodeName is not null && ClaimName(p) == old.Metadata.Name);
        if (next is null)
            Require(user is null, $"{old.Metadata.Name} was removed and {user?.Metadata.Name} uses it");
        else
            Require(old.Spec.VolumeName is null || old.Spec.VolumeName == next.Spec.VolumeName, $"{old.Metadata.Name} went from {old.Spec.VolumeName} to {next.Spec.VolumeName}");
    }

    /// <summary>The scheduler gives no node to a pod whose claim is not bound or on its way out.</summary>
    private bool Advance(V1Pod pod) =>
        (pod.Spec.NodeName is not null || ClaimOf(pod) is { Status.Phase: "Bound", Metadata.DeletionTimestamp: null }) && World.Advance(pod);

    /// <summary>As the provisioner or an administrator does, who has looked after the data.</summary>
    private void Reclaim(V1PersistentVolume volume)
    {
        if (volume.Spec.PersistentVolumeReclaimPolicy == "Delete")
            Delete(volume);
        else
            Change(volume, v => v.Spec.ClaimRef = null);
    }

    private void MakeVolume()
    {
        var isProvisioned = Random.Next(2) == 0;
        var metadata = new V1ObjectMeta { Name = $"volume-{++_made}", Finalizers = [VolumeFinalizer] };
        if (isProvisioned)
            metadata.Annotations = new Dictionary<string, string> { [ProvisionedBy] = "example.com/disk" };
        Write(new V1PersistentVolume
        {
            Metadata = metadata,
            Spec = new()
            {
                Capacity = Size(),
                AccessModes = ["ReadWriteOnce"],
                StorageClassName = Pick(Classes),
                PersistentVolumeReclaimPolicy = isProvisioned ? "Delete" : "Retain",
                ClaimRef = Random.Next(4) == 0 ? new() { Kind = "PersistentVolumeClaim", NamespaceProperty = Ns, Name = $"claim-{Random.Next(4)}" } : null,
            },
            Status = new() { Phase = "Pending" },
        });
    }

    private void MakeClaim()
    {
        var name = $"claim-{Random.Next(4)}";
        if (Kube.Find<V1PersistentVolumeClaim>(Ns, name) is not null)
            return;
        var metadata = Named(name);
        metadata.Finalizers = [ClaimFinalizer];
        Write(new V1PersistentVolumeClaim
        {
            Metadata = metadata,
            Spec = new()
            {
                AccessModes = ["ReadWriteOnce"],
                StorageClassName = Pick(Classes),
                Resources = new() { Requests = Size() },
                VolumeName = Random.Next(5) == 0 ? Pick(Volumes())?.Metadata.Name : null,
            },
            Status = new() { Phase = "Pending" },
        });
    }

    private void MakePod(V1PersistentVolumeClaim claim)
    {
        var pod = NewPod($"pod-{++_made}", new Dictionary<string, string>());
        World.Change(pod, p => p.Spec.Volumes = [new() { Name = "data", PersistentVolumeClaim = new() { ClaimName = claim.Metadata.Name } }]);
    }

    private void Remember() => (_volumesBefore, _claimsBefore) = (Volumes().ToDictionary(v => v.Metadata.Uid), Claims().ToDictionary(c => c.Metadata.Uid));

    private Dictionary<string, ResourceQuantity> Size() => new() { ["storage"] = new($"{Random.Next(1, 4)}Gi") };

    private static bool Suits(V1PersistentVolumeClaim claim, V1PersistentVolume volume) =>
        volume.Spec.StorageClassName == claim.Spec.StorageClassName && volume.Spec.Capacity["storage"].ToDecimal() >= claim.Spec.Resources.Requests["storage"].ToDecimal();

    private static bool IsBound(V1PersistentVolumeClaim claim) => claim.Metadata.Annotations?.ContainsKey(BindCompleted) == true;

    private static string? ClaimName(V1Pod pod) => pod.Spec.Volumes?[0].PersistentVolumeClaim.ClaimName;

    private V1PersistentVolumeClaim? ClaimOf(V1Pod pod) => ClaimName(pod) is { } name ? Kube.Find<V1PersistentVolumeClaim>(Ns, name) : null;

    private IReadOnlyList<V1PersistentVolume> Volumes() => Kube.All<V1PersistentVolume>();

    private IReadOnlyList<V1PersistentVolumeClaim> Claims() => Kube.All<V1PersistentVolumeClaim>(Ns);
}
