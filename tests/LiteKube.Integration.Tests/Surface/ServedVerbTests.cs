using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using LiteKube.Integration.Tests.Support;

namespace LiteKube.Integration.Tests.Surface;

/// <summary>Every verb that a stable resource has is in fact served, on a minimal object of the kind; the others are refused with 405.</summary>
public sealed class ServedVerbTests(IntegrationServer server) : IClassFixture<IntegrationServer>
{
    private const string Namespace = "surface";

    private const int Attempts = 10;

    private readonly List<string> _wrong = [];
    private readonly string _certificateRequest = CertificateRequest();

    [ApiFactsFact]
    public async Task Each_resource_serves_its_verbs()
    {
        await server.Api.PostAsync("/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{Namespace}}}"}}""");
        await UntilAsync($"/api/v1/namespaces/{Namespace}/serviceaccounts?fieldSelector=metadata.name%3Ddefault&watch=true&resourceVersion=0", "the default service account");
        var resources = ApiFacts.StableResources.Concat(ApiFacts.NewerResources).ToList();
        foreach (var resource in resources.Where(r => !r.Name.Contains('/')))
        {
            var subresources = resources.Where(s => s.GroupPath == resource.GroupPath && s.Name.StartsWith(resource.Name + "/", StringComparison.Ordinal)).ToList();
            if (resource.Verbs.Contains("get") && resource.Verbs.Contains("create")) await ServeAsync(resource, subresources);
            else if (resource.Verbs.Contains("create") && resource.Name != "bindings") await ReviewAsync(resource);
        }
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }

    private async Task ReviewAsync(ApiFacts.Resource resource)
    {
        await ExpectAsync(HttpStatusCode.Created, HttpMethod.Post, Collection(resource), MinimalObjects.Of(resource.Group, resource.Version, resource.Name, resource.Kind, "", "", "").ToJsonString());
        await ExpectAsync(HttpStatusCode.MethodNotAllowed, HttpMethod.Get, Collection(resource));
    }

    private async Task ServeAsync(ApiFacts.Resource resource, List<ApiFacts.Resource> subresources)
    {
        var name = MinimalObjects.NameOf(resource.Name);
        var collection = Collection(resource);
        var path = $"{collection}/{name}";
        var body = MinimalObjects.Of(resource.Group, resource.Version, resource.Name, resource.Kind, name, resource.Namespaced ? Namespace : "", _certificateRequest).ToJsonString();
        if (!await ExpectAsync(HttpStatusCode.Created, HttpMethod.Post, collection, body)) return;

        await ExpectAsync(HttpStatusCode.OK, HttpMethod.Get, path);
        await ExpectAsync(HttpStatusCode.OK, HttpMethod.Get, collection + "?labelSelector=surface%3Dyes", contains: $"\"name\":\"{name}\"");
        await using (var watch = await server.Api.WatchAsync($"{collection}?watch=true&resourceVersion=0&fieldSelector=metadata.name%3D{name}"))
        {
            if (watch.StatusCode != HttpStatusCode.OK || await watch.TakeAsync(1) is not [var first] || first != $"ADDED {name}") _wrong.Add($"watch {collection}: {watch.StatusCode}");
        }
        await PutAsync(path);
        await ExpectAsync(HttpStatusCode.OK, HttpMethod.Patch, path, """{"metadata":{"annotations":{"patched":"yes"}}}""", contains: "\"patched\":\"yes\"");
        await ExpectAsync(HttpStatusCode.MethodNotAllowed, HttpMethod.Post, path, body);
        foreach (var subresource in subresources.Where(s => s.Verbs.Contains("get") && s.Verbs.Contains("patch") && s.Name[(resource.Name.Length + 1)..] is "status" or "scale" or "approval" or "ephemeralcontainers" or "resize"))
        {
            var part = $"{path}/{subresource.Name[(resource.Name.Length + 1)..]}";
            await PutAsync(part);
            await ExpectAsync(HttpStatusCode.OK, HttpMethod.Patch, part, "{}");
            await ExpectAsync(HttpStatusCode.MethodNotAllowed, HttpMethod.Delete, part);
        }
        // What has one verb alone.
        if (resource.Name == "namespaces") await ExpectAsync(HttpStatusCode.OK, HttpMethod.Put, path + "/finalize", (await server.Api.GetAsync(path)).Body);
        if (resource.Name == "serviceaccounts") await ExpectAsync(HttpStatusCode.Created, HttpMethod.Post, path + "/token", """{"spec":{}}""");
        if (resource.Name == "pods")
        {
            await ExpectAsync(HttpStatusCode.Created, HttpMethod.Post, path + "/binding", $$$"""{"metadata":{"name":"{{{name}}}"},"target":{"kind":"Node","name":"n"}}""");
            await ExpectAsync(HttpStatusCode.Created, HttpMethod.Post, path + "/eviction?dryRun=All", $$$"""{"metadata":{"name":"{{{name}}}"}}""");
        }
        await DeleteAsync(resource, collection, path, body);
    }

    private async Task DeleteAsync(ApiFacts.Resource resource, string collection, string path, string body)
    {
        await ExpectAsync(HttpStatusCode.OK, HttpMethod.Delete, path + "?gracePeriodSeconds=0");
        if (!resource.Verbs.Contains("deletecollection"))
        {
            await ExpectAsync(HttpStatusCode.MethodNotAllowed, HttpMethod.Delete, collection);
            return;
        }
        // Protected kinds go when their finalizer does.
        await ReleaseAsync(path);
        await ExpectAsync(HttpStatusCode.Created, HttpMethod.Post, collection, body);
        await ExpectAsync(HttpStatusCode.OK, HttpMethod.Delete, collection + "?labelSelector=surface%3Dyes&gracePeriodSeconds=0");
        await ReleaseAsync(path);
        await ExpectAsync(HttpStatusCode.NotFound, HttpMethod.Get, path);
    }

    private async Task ReleaseAsync(string path)
    {
        var left = await server.Api.GetAsync(path);
        if (left.StatusCode == HttpStatusCode.OK && left.Json["metadata"]!["deletionTimestamp"] is not null)
            await server.Api.PatchAsync(path, """{"metadata":{"finalizers":null}}""");
    }

    private async Task PutAsync(string path)
    {
        var current = await server.Api.GetAsync(path);
        if (current.StatusCode != HttpStatusCode.OK)
        {
            _wrong.Add($"GET {path}: {(int)current.StatusCode} {current.Body}");
            return;
        }
        var written = await server.Api.PutAsync(path, current.Body);
        // A controller may have written in between.
        for (var i = 0; i < Attempts && written.StatusCode == HttpStatusCode.Conflict; i++)
            written = await server.Api.PutAsync(path, (await server.Api.GetAsync(path)).Body);
        if (written.StatusCode != HttpStatusCode.OK) _wrong.Add($"PUT {path}: {(int)written.StatusCode} {written.Body}");
    }

    private async Task<bool> ExpectAsync(HttpStatusCode status, HttpMethod method, string path, string? body = null, string? contains = null)
    {
        var answer = await server.Api.SendAsync(method, path, body, method == HttpMethod.Patch ? "application/merge-patch+json" : "application/json");
        if (answer.StatusCode == status && (contains is null || answer.Body.Contains(contains, StringComparison.Ordinal))) return true;
        _wrong.Add($"{method} {path}: {(int)answer.StatusCode} instead of {(int)status}: {answer.Body}");
        return false;
    }

    private async Task UntilAsync(string watchPath, string what)
    {
        await using var watch = await server.Api.WatchAsync(watchPath);
        Assert.True(await watch.NextAsync() is not null, $"{what} did not come");
    }

    private static string Collection(ApiFacts.Resource resource) => resource.GroupPath + (resource.Namespaced ? $"/namespaces/{Namespace}/" : "/") + resource.Name;

    internal static string Authority()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=surface", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        using var certificate = request.CreateSelfSigned(new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero), new(2036, 1, 1, 0, 0, 0, TimeSpan.Zero));
        return certificate.ExportCertificatePem() + "\n";
    }

    private static string CertificateRequest()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=surface", key, HashAlgorithmName.SHA256);
        return Convert.ToBase64String(Encoding.ASCII.GetBytes(request.CreateSigningRequestPem() + "\n"));
    }
}
