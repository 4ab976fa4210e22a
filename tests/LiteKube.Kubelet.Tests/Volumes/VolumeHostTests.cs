using System.Text;
using System.Text.Json;
using k8s.Models;
using LiteKube.Client;
using LiteKube.Kubelet.Environment;
using LiteKube.Kubelet.Volumes;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.Kubelet.Tests.Volumes;

public sealed class VolumeHostTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly TempDir _dir = new();
    private readonly FakeTimeProvider _time = new(DateTimeOffset.Parse("2026-01-01T00:00:00Z", System.Globalization.CultureInfo.InvariantCulture));
    private readonly InMemoryKube _kube = new();
    private readonly PodObjects _objects;
    private readonly VolumeHost _host;
    private int _tokens;

    public VolumeHostTests()
    {
        _objects = new PodObjects(_kube.Client, NullLoggerFactory.Instance, _time);
        _host = new VolumeHost(new VolumeHostServices { Options = TestOptions.In(_dir.Path), Client = _kube.Client, Objects = _objects, Loggers = NullLoggerFactory.Instance, Time = _time });
        _kube.Intercept = request => request.PathAndQuery.EndsWith("/token", StringComparison.Ordinal) ? Token(request) : null;
    }

    public void Dispose()
    {
        _host.Dispose();
        _objects.Dispose();
        _dir.Dispose();
    }

    [RootFact]
    public async Task A_changed_config_map_reaches_the_files_of_the_running_pod()
    {
        _kube.Seed(ConfigMap("conf", ("key", "one")));
        var pod = Pod(new V1Volume { Name = "v", ConfigMap = new V1ConfigMapVolumeSource { Name = "conf" } });
        await _host.MountAsync(pod, CancellationToken.None);
        var file = VolumePath("kubernetes.io~configmap/v/key");
        Assert.Equal("one", File.ReadAllText(file));
        Assert.Equal(0x1A4, Libc.Stat(file)!.Value.Permissions);

        using var changed = new FileSignal(VolumePath("kubernetes.io~configmap/v"));
        var value = await _kube.Client.GetAsync<V1ConfigMap>("ns", "conf", CancellationToken.None);
        value.Data["key"] = "two";
        await _kube.Client.UpdateAsync(value, CancellationToken.None);

        await changed.UntilAsync(() => File.Exists(file) && File.ReadAllText(file) == "two", "the new contents of the configMap");
    }

    [RootFact]
    public async Task A_missing_config_map_is_named_and_its_coming_asks_for_a_new_try()
    {
        var pod = Pod(new V1Volume { Name = "v", ConfigMap = new V1ConfigMapVolumeSource { Name = "late" } });
        var retry = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        _host.RetryMount += uid => retry.TrySetResult(uid);

        var error = await Assert.ThrowsAsync<VolumeException>(() => _host.MountAsync(pod, CancellationToken.None));
        Assert.Equal("MountVolume.SetUp failed for volume \"v\" : configmap \"late\" not found", error.Message);
        Assert.Equal("FailedMount", error.Reason);

        _time.Advance(TimeSpan.FromSeconds(124));
        error = await Assert.ThrowsAsync<VolumeException>(() => _host.MountAsync(pod, CancellationToken.None));
        Assert.Equal("Unable to attach or mount volumes: unmounted volumes=[v], unattached volumes=[], failed to process volumes=[]: timed out waiting for the condition", error.Message);

        _kube.Seed(ConfigMap("late", ("k", "v")));
        Assert.Equal("uid-1", await retry.Task.WaitAsync(Patience));
        await _host.MountAsync(pod, CancellationToken.None);
        Assert.Equal("v", File.ReadAllText(VolumePath("kubernetes.io~configmap/v/k")));
    }

    [RootFact]
    public async Task Secrets_lie_on_tmpfs_with_the_group_of_the_pod_and_unmount_leaves_nothing()
    {
        _kube.Seed(new V1Secret { Metadata = new V1ObjectMeta { Name = "s", NamespaceProperty = "ns" }, Data = new Dictionary<string, byte[]> { ["pw"] = "x"u8.ToArray() } });
        var pod = Pod(new V1Volume { Name = "v", Secret = new V1SecretVolumeSource { SecretName = "s", DefaultMode = 0x100 } });
        pod.Spec.SecurityContext = new V1PodSecurityContext { FsGroup = 1001 };
        var mounted = await _host.MountAsync(pod, CancellationToken.None);

        var dir = VolumePath("kubernetes.io~secret/v");
        Assert.Contains(dir, Mounts.Below(_dir.Path));
        var stat = Libc.Stat(Path.Combine(dir, "pw"))!.Value;
        Assert.Equal(0x120, stat.Permissions);
        Assert.Equal(1001u, stat.Gid);
        var mount = Assert.Single(await mounted.MountsForAsync(pod.Spec.Containers[0], new Dictionary<string, string>(), CancellationToken.None));
        Assert.True(mount.Readonly);
        Assert.Equal(dir, mount.HostPath);

        await _host.UnmountAsync("uid-1", CancellationToken.None);
        Assert.Empty(Mounts.Below(_dir.Path));
        Assert.Empty(Directory.EnumerateFileSystemEntries(_dir.Sub("data/pods/uid-1")));
    }

    [RootFact]
    public async Task A_token_is_bound_to_the_pod_and_rotates_at_four_fifths_of_its_life()
    {
        var pod = Pod(new V1Volume
        {
            Name = "v",
            Projected = new V1ProjectedVolumeSource
            {
                Sources =
                [
                    new V1VolumeProjection { ServiceAccountToken = new V1ServiceAccountTokenProjection { Path = "token", ExpirationSeconds = 3600, Audience = "vault" } },
                    new V1VolumeProjection { DownwardAPI = new V1DownwardAPIProjection { Items = [new V1DownwardAPIVolumeFile { Path = "ns", FieldRef = new V1ObjectFieldSelector { FieldPath = "metadata.namespace" } }] } },
                ],
            },
        });
        pod.Spec.SecurityContext = new V1PodSecurityContext { RunAsUser = 1000 };
        await _host.MountAsync(pod, CancellationToken.None);
        var file = VolumePath("kubernetes.io~projected/v/token");
        Assert.Equal("token-1 vault 3600 pod-a uid-1", File.ReadAllText(file));
        var stat = Libc.Stat(file)!.Value;
        Assert.Equal((1000u, 0x180), (stat.Uid, stat.Permissions));
        Assert.Equal("ns", File.ReadAllText(VolumePath("kubernetes.io~projected/v/ns")));

        await _host.MountAsync(pod, CancellationToken.None);
        Assert.Equal(1, _tokens);

        using var changed = new FileSignal(VolumePath("kubernetes.io~projected/v"));
        _time.Advance(TimeSpan.FromSeconds(2879));
        Assert.Equal(1, _tokens);
        _time.Advance(TimeSpan.FromSeconds(2));
        await changed.UntilAsync(() => File.Exists(file) && File.ReadAllText(file).StartsWith("token-2", StringComparison.Ordinal), "the second token");
    }

    [RootFact]
    public async Task Labels_that_change_reach_the_downward_volume()
    {
        var pod = Pod(new V1Volume { Name = "v", DownwardAPI = new V1DownwardAPIVolumeSource { Items = [new V1DownwardAPIVolumeFile { Path = "labels", FieldRef = new V1ObjectFieldSelector { FieldPath = "metadata.labels" } }] } });
        pod.Metadata.Labels = new Dictionary<string, string> { ["a"] = "1" };
        await _host.MountAsync(pod, CancellationToken.None);
        var file = VolumePath("kubernetes.io~downward-api/v/labels");
        Assert.Equal("a=\"1\"", File.ReadAllText(file));

        using var changed = new FileSignal(VolumePath("kubernetes.io~downward-api/v"));
        var newer = Pod([.. pod.Spec.Volumes]);
        newer.Metadata.Labels = new Dictionary<string, string> { ["a"] = "2" };
        _host.PodUpdated(newer);

        await changed.UntilAsync(() => File.Exists(file) && File.ReadAllText(file) == "a=\"2\"", "the new labels");
    }

    [RootFact]
    public async Task Empty_dirs_are_open_to_all_and_memory_is_bounded()
    {
        var pod = Pod(
            new V1Volume { Name = "disk", EmptyDir = new V1EmptyDirVolumeSource() },
            new V1Volume { Name = "mem", EmptyDir = new V1EmptyDirVolumeSource { Medium = "Memory", SizeLimit = "1Mi" } });
        pod.Spec.SecurityContext = new V1PodSecurityContext { FsGroup = 123 };
        await _host.MountAsync(pod, CancellationToken.None);

        var disk = Libc.Stat(VolumePath("kubernetes.io~empty-dir/disk"))!.Value;
        Assert.Equal((123u, 0x5FF), (disk.Gid, disk.Permissions));
        File.WriteAllText(VolumePath("kubernetes.io~empty-dir/disk/kept"), "x");
        Assert.Equal(1 << 20, new DriveInfo(VolumePath("kubernetes.io~empty-dir/mem")).TotalSize);

        // A restart of the program mounts again: nothing that the containers wrote may be lost or change hands.
        using var again = new VolumeHost(new VolumeHostServices { Options = TestOptions.In(_dir.Path), Client = _kube.Client, Objects = _objects, Loggers = NullLoggerFactory.Instance, Time = _time });
        await again.MountAsync(pod, CancellationToken.None);
        Assert.True(File.Exists(VolumePath("kubernetes.io~empty-dir/disk/kept")));
        Assert.Single(Mounts.Below(_dir.Path));
    }

    [RootFact]
    public async Task Host_paths_are_checked_and_made_by_their_type()
    {
        File.WriteAllText(_dir.Sub("file"), "");
        var wrong = await Assert.ThrowsAsync<VolumeException>(() => _host.MountAsync(HostPath(_dir.Sub("file"), "Directory"), CancellationToken.None));
        Assert.Equal($"MountVolume.SetUp failed for volume \"v\" : hostPath type check failed: {_dir.Sub("file")} is not a directory, it's a File", wrong.Message);
        await _host.UnmountAsync("uid-1", CancellationToken.None);
        await _host.MountAsync(HostPath(_dir.Sub("made/dir"), "DirectoryOrCreate"), CancellationToken.None);
        Assert.True(Directory.Exists(_dir.Sub("made/dir")));
        await _host.UnmountAsync("uid-1", CancellationToken.None);
        Assert.True(Directory.Exists(_dir.Sub("made/dir")));
    }

    [RootFact]
    public async Task A_sub_path_from_a_variable_is_bound_and_a_bad_one_is_told_to_the_container()
    {
        var pod = Pod(new V1Volume { Name = "v", EmptyDir = new V1EmptyDirVolumeSource() });
        var mount = pod.Spec.Containers[0].VolumeMounts[0];
        mount.SubPathExpr = "logs/$(POD)";
        var mounted = await _host.MountAsync(pod, CancellationToken.None);

        var bound = Assert.Single(await mounted.MountsForAsync(pod.Spec.Containers[0], new Dictionary<string, string> { ["POD"] = "a" }, CancellationToken.None));
        File.WriteAllText(Path.Combine(bound.HostPath, "x"), "y");
        Assert.Equal("y", File.ReadAllText(VolumePath("kubernetes.io~empty-dir/v/logs/a/x")));

        foreach (var bad in (string[])["..", "a/../../b", "../../../etc"])
        {
            var error = await Assert.ThrowsAsync<VolumeException>(() => mounted.MountsForAsync(pod.Spec.Containers[0], new Dictionary<string, string> { ["POD"] = bad }, CancellationToken.None));
            Assert.Equal(("CreateContainerConfigError", $"unable to provision SubPath `logs/{bad}`: must not contain '..'"), (error.Reason, error.Message));
        }
        Assert.Equal("missing value for \"POD\"", (await Assert.ThrowsAsync<VolumeException>(() => mounted.MountsForAsync(pod.Spec.Containers[0], new Dictionary<string, string>(), CancellationToken.None))).Message);
        await _host.UnmountAsync("uid-1", CancellationToken.None);
        Assert.Empty(Mounts.Below(_dir.Path));
    }

    [RootFact]
    public async Task A_claim_bound_to_a_local_volume_is_its_directory_and_a_driver_that_is_missing_is_named()
    {
        Directory.CreateDirectory(_dir.Sub("disk"));
        var claim = _kube.Seed(new V1PersistentVolumeClaim { Metadata = new V1ObjectMeta { Name = "claim", NamespaceProperty = "ns", Uid = "claim-uid" }, Spec = new V1PersistentVolumeClaimSpec { VolumeName = "pv" }, Status = new V1PersistentVolumeClaimStatus { Phase = "Bound" } });
        _kube.Seed(new V1PersistentVolume { Metadata = new V1ObjectMeta { Name = "pv" }, Spec = new V1PersistentVolumeSpec { Local = new V1LocalVolumeSource { Path = _dir.Sub("disk") }, ClaimRef = new V1ObjectReference { Uid = claim.Metadata.Uid } } });
        var pod = Pod(new V1Volume { Name = "v", PersistentVolumeClaim = new V1PersistentVolumeClaimVolumeSource { ClaimName = "claim", ReadOnlyProperty = true } });

        var mounted = await _host.MountAsync(pod, CancellationToken.None);

        var mount = Assert.Single(await mounted.MountsForAsync(pod.Spec.Containers[0], new Dictionary<string, string>(), CancellationToken.None));
        Assert.Equal((_dir.Sub("disk"), true), (mount.HostPath, mount.Readonly));
        await _host.UnmountAsync("uid-1", CancellationToken.None);
        Assert.True(Directory.Exists(_dir.Sub("disk")));

        var error = await Assert.ThrowsAsync<VolumeException>(() => _host.MountAsync(Pod(new V1Volume { Name = "v", Csi = new V1CSIVolumeSource { Driver = "x.io" } }), CancellationToken.None));
        Assert.Contains("driver name x.io not found in the list of registered CSI drivers", error.Message, StringComparison.Ordinal);
    }

    private string VolumePath(string relative) => _dir.Sub("data/pods/uid-1/volumes/" + relative);

    private static V1Pod HostPath(string path, string type) => Pod(new V1Volume { Name = "v", HostPath = new V1HostPathVolumeSource { Path = path, Type = type } });

    private static V1Pod Pod(params V1Volume[] volumes) => new()
    {
        Metadata = new V1ObjectMeta { Name = "pod-a", NamespaceProperty = "ns", Uid = "uid-1" },
        Spec = new V1PodSpec
        {
            ServiceAccountName = "default",
            Volumes = [.. volumes],
            Containers = [new V1Container { Name = "c", VolumeMounts = [.. volumes.Select(v => new V1VolumeMount { Name = v.Name, MountPath = "/" + v.Name })] }],
        },
    };

    private static V1ConfigMap ConfigMap(string name, params (string Key, string Value)[] data) => new()
    {
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "ns" },
        Data = data.ToDictionary(d => d.Key, d => d.Value),
    };

    private KubeResponse Token(KubeRequest request)
    {
        using var body = JsonDocument.Parse(request.Body);
        var spec = body.RootElement.GetProperty("spec");
        var bound = spec.GetProperty("boundObjectRef");
        var seconds = spec.GetProperty("expirationSeconds").GetInt64();
        var text = $"token-{++_tokens} {spec.GetProperty("audiences")[0]} {seconds} {bound.GetProperty("name")} {bound.GetProperty("uid")}";
        var expires = (_time.GetUtcNow() + TimeSpan.FromSeconds(seconds)).UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", System.Globalization.CultureInfo.InvariantCulture);
        return new KubeResponse(201, Encoding.UTF8.GetBytes($$$"""{"kind":"TokenRequest","status":{"token":"{{{text}}}","expirationTimestamp":"{{{expires}}}"}}"""));
    }

    /// <summary>Waits for files to be as wanted by what the kernel tells of their directory.</summary>
    private sealed class FileSignal : IDisposable
    {
        private readonly FileSystemWatcher _watcher;
        private readonly SemaphoreSlim _signal = new(0);

        public FileSignal(string dir)
        {
            _watcher = new FileSystemWatcher(dir);
            _watcher.Created += (_, _) => _signal.Release();
            _watcher.Renamed += (_, _) => _signal.Release();
            _watcher.Deleted += (_, _) => _signal.Release();
            _watcher.EnableRaisingEvents = true;
        }

        public async Task UntilAsync(Func<bool> condition, string what)
        {
            using var deadline = new CancellationTokenSource(Patience);
            while (!condition())
            {
                try
                {
                    await _signal.WaitAsync(deadline.Token);
                }
                catch (OperationCanceledException)
                {
                    Assert.Fail($"{what} did not come within {Patience}");
                }
            }
        }

        public void Dispose() => _watcher.Dispose();
    }
}
