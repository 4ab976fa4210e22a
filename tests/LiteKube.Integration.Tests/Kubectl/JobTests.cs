using System.Net;
using System.Text.RegularExpressions;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.KubectlTests;

/// <summary>kubectl's view of Jobs and CronJobs, whose pods end as this test says.</summary>
public sealed class JobTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Releases), MemberType = typeof(Kubectl))]
    public async Task A_job_is_followed_to_its_completion(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "jobs");
        await using var pods = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods?watch=true");
        Assert.Equal("job.batch/j created\n", await kubectl.OkAsync("create", "job", "j", "--image=busybox"));
        var pod = await NextPodAsync(pods);
        var waiting = kubectl.OkAsync("wait", "--for=condition=complete", "job/j", "--timeout=30s");
        await EndAsync(kubectl, pod, "Succeeded");
        Assert.Equal("job.batch/j condition met\n", await waiting);
        // The newer server adds the column of the state.
        Assert.Matches(@"(?m)^j +Complete +1/1 +\d+s +\d+s$", await kubectl.OkAsync("get", "jobs"));
        var described = await kubectl.OkAsync("describe", "job", "j");
        Assert.Matches(@"Pods Statuses: +0 (Running|Active( \(0 Ready\))?) / 1 Succeeded / 0 Failed", described);
        Assert.Matches("SuccessfulCreate.*Created pod: j-", described);
        Assert.Equal(pod + "\n", Regex.Replace(await kubectl.OkAsync("get", "pods", "-l", "job-name=j", "-o", "name"), "^pod/", ""));
        Assert.Equal("job.batch \"j\" deleted", (await kubectl.OkAsync("delete", "job", "j")).Split(" from ")[0].Trim());
        await UntilAsync(pods, "DELETED");
    }

    [Theory]
    [InlineData("1.35")]
    public async Task A_job_that_fails_says_why(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "failing");
        await using var pods = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods?watch=true");
        await kubectl.ApplyAsync("""
            apiVersion: batch/v1
            kind: Job
            metadata: {name: j}
            spec:
              backoffLimit: 0
              template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}
            """);
        await EndAsync(kubectl, await NextPodAsync(pods), "Failed");
        Assert.Equal("job.batch/j condition met\n", await kubectl.OkAsync("wait", "--for=condition=failed", "job/j", "--timeout=30s"));
        Assert.Matches(@"(?m)^j +Failed +0/1 ", await kubectl.OkAsync("get", "jobs"));
        Assert.Equal("BackoffLimitExceeded", await kubectl.JsonPathAsync("job/j", "{.status.conditions[?(@.type=='Failed')].reason}"));
    }

    [Theory]
    [InlineData("1.35")]
    public async Task A_job_is_suspended_and_resumed(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "suspended");
        await using var pods = await server.Api.WatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods?watch=true");
        await kubectl.ApplyAsync("""
            apiVersion: batch/v1
            kind: Job
            metadata: {name: j}
            spec:
              parallelism: 1
              template: {spec: {restartPolicy: Never, containers: [{name: c, image: i}]}}
            """);
        await NextPodAsync(pods);
        await kubectl.OkAsync("patch", "job", "j", "-p", """{"spec":{"suspend":true}}""");
        await kubectl.OkAsync("wait", "--for=condition=Suspended", "job/j", "--timeout=30s");
        await UntilAsync(pods, "DELETED");
        Assert.Matches(@"(?m)^j +Suspended +0/1 ", await kubectl.OkAsync("get", "jobs"));
        await kubectl.OkAsync("patch", "job", "j", "-p", """{"spec":{"suspend":false}}""");
        await NextPodAsync(pods);
    }

    [Theory]
    [InlineData("1.35")]
    public async Task A_claim_is_bound_to_a_volume_and_both_go_when_they_are_deleted(string release)
    {
        var kubectl = await Kubectl.InNewNamespaceAsync(server, release, "claims");
        await kubectl.ApplyAsync("""
            apiVersion: v1
            kind: List
            items:
            - {apiVersion: v1, kind: PersistentVolume, metadata: {name: claims-v}, spec: {storageClassName: manual, accessModes: [ReadWriteOnce], capacity: {storage: 2Gi}, hostPath: {path: /x}}}
            - {apiVersion: v1, kind: PersistentVolumeClaim, metadata: {name: c}, spec: {storageClassName: manual, accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}}
            """);
        await kubectl.OkAsync("wait", "--for=jsonpath={.status.phase}=Bound", "pvc/c", "--timeout=30s");
        Assert.Matches(@"(?m)^c +Bound +claims-v +2Gi +RWO +manual ", await kubectl.OkAsync("get", "pvc"));
        Assert.Matches($@"(?m)^claims-v +2Gi +RWO +Retain +Bound +{kubectl.Namespace}/c +manual ", await kubectl.OkAsync("get", "pv", "claims-v"));
        await kubectl.OkAsync("delete", "pvc", "c", "--timeout=30s");
        await kubectl.OkAsync("wait", "--for=jsonpath={.status.phase}=Released", "pv/claims-v", "--timeout=30s");
        await kubectl.OkAsync("delete", "pv", "claims-v", "--timeout=30s");
    }

    private async Task EndAsync(Kubectl kubectl, string pod, string phase)
    {
        var patched = await server.Api.PatchAsync($"/api/v1/namespaces/{kubectl.Namespace}/pods/{pod}/status", $$$"""{"status":{"phase":"{{{phase}}}"}}""");
        Assert.True(patched.StatusCode == HttpStatusCode.OK, patched.Body);
    }

    private static async Task<string> NextPodAsync(TestWatch watch) => await UntilAsync(watch, "ADDED");

    private static async Task<string> UntilAsync(TestWatch watch, string type)
    {
        while (await watch.NextAsync() is { } change)
        {
            if ((string?)change["type"] == type)
                return (string)change["object"]!["metadata"]!["name"]!;
        }
        throw new InvalidOperationException($"the watch of pods ended before {type} came");
    }
}
