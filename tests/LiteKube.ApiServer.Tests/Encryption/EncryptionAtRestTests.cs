using System.Net;
using System.Security.Cryptography;
using System.Text;
using LiteKube.ApiServer.Encryption;
using LiteKube.Storage;
using LiteKube.Testing;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;

namespace LiteKube.ApiServer.Tests.Encryption;

public sealed class EncryptionAtRestTests : IDisposable
{
    private const string Secrets = "/api/v1/namespaces/default/secrets";
    private static readonly string KeyOne = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));
    private static readonly string KeyTwo = Convert.ToBase64String(RandomNumberGenerator.GetBytes(32));

    private readonly string _directory = Directory.CreateTempSubdirectory("lk-encryption-").FullName;

    private string ConfigPath => Path.Combine(_directory, "encryption.yaml");

    public void Dispose() => Directory.Delete(_directory, recursive: true);

    [Fact]
    public async Task Secrets_and_chosen_custom_resources_reach_the_disk_as_ciphertext_only()
    {
        Configure("- resources: [secrets, '*.example.com']", $"aesgcm: {{keys: [{{name: one, secret: {KeyOne}}}]}}", "identity: {}");
        using var encryption = Load();
        await using var server = await TestApiServer.StartAsync(transformer: encryption);
        await server.PostAsync(Secrets, """{"metadata":{"name":"s"},"stringData":{"password":"open-sesame"}}""");
        await server.PatchAsync($"{Secrets}/s", """{"stringData":{"password":"open-barley"}}""");
        await server.PostAsync("/api/v1/namespaces/default/configmaps", """{"metadata":{"name":"c"},"data":{"k":"plainly-readable"}}""");
        await using var definitions = await server.WatchAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?watch=true");
        await server.PostAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", """{"metadata":{"name":"foos.example.com"},"spec":{"group":"example.com","scope":"Namespaced","names":{"plural":"foos","kind":"Foo"},"versions":[{"name":"v1","served":true,"storage":true,"schema":{"openAPIV3Schema":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}]}}""");
        while (await definitions.NextAsync() is { } next && next["object"]!["status"]?["conditions"]?.ToJsonString().Contains("InitialNamesAccepted", StringComparison.Ordinal) != true) continue;
        Assert.Equal(HttpStatusCode.Created, (await server.PostAsync("/apis/example.com/v1/namespaces/default/foos", """{"apiVersion":"example.com/v1","kind":"Foo","metadata":{"name":"f"},"word":"abracadabra"}""")).StatusCode);

        var disk = await DiskAsync(server.Folder);
        Assert.Contains("plainly-readable", disk, StringComparison.Ordinal);
        Assert.Contains("k8s:enc:aesgcm:v1:one:", disk, StringComparison.Ordinal);
        foreach (var hidden in (string[])["open-sesame", "open-barley", Convert.ToBase64String("open-sesame"u8), Convert.ToBase64String("open-barley"u8), "abracadabra"])
            Assert.DoesNotContain(hidden, disk, StringComparison.Ordinal);
        Assert.Equal(Convert.ToBase64String("open-barley"u8), (string?)(await server.GetAsync($"{Secrets}/s")).Json["data"]!["password"]);
        Assert.Contains("abracadabra", (await server.GetAsync("/apis/example.com/v1/namespaces/default/foos")).Body, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rotated_key_is_taken_up_while_running_and_an_unchanged_replace_writes_with_it()
    {
        var time = new FakeTimeProvider(DateTimeOffset.UtcNow);
        Configure("- resources: [secrets]", $"aesgcm: {{keys: [{{name: one, secret: {KeyOne}}}]}}");
        using var encryption = EncryptionAtRest.Load(ConfigPath, reloads: true, time, NullLogger<EncryptionAtRest>.Instance);
        await using var server = await TestApiServer.StartAsync(transformer: encryption);
        var before = (await server.PostAsync(Secrets, """{"metadata":{"name":"s"},"stringData":{"password":"open-sesame"}}""")).Json;
        var same = (await server.PutAsync($"{Secrets}/s", before.ToJsonString())).Json;
        Assert.Equal((string?)before["metadata"]!["resourceVersion"], (string?)same["metadata"]!["resourceVersion"]);

        Configure("- resources: [secrets]", $"aesgcm: {{keys: [{{name: two, secret: {KeyTwo}}}, {{name: one, secret: {KeyOne}}}]}}");
        time.Advance(TimeSpan.FromSeconds(11));
        var after = (await server.PutAsync($"{Secrets}/s", before.ToJsonString())).Json;
        Assert.NotEqual((string?)before["metadata"]!["resourceVersion"], (string?)after["metadata"]!["resourceVersion"]);
        Assert.Equal(before["data"]!.ToJsonString(), after["data"]!.ToJsonString());
        Assert.Contains("k8s:enc:aesgcm:v1:two:", await DiskAsync(server.Folder), StringComparison.Ordinal);
        var settled = (await server.PutAsync($"{Secrets}/s", after.ToJsonString())).Json;
        Assert.Equal((string?)after["metadata"]!["resourceVersion"], (string?)settled["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public async Task A_broken_file_leaves_the_configuration_as_it_was()
    {
        Configure("- resources: [secrets]", $"aesgcm: {{keys: [{{name: one, secret: {KeyOne}}}]}}");
        using var encryption = Load();
        await File.WriteAllTextAsync(ConfigPath, "kind: [");
        encryption.Reload();
        Assert.Equal("k8s:enc:aesgcm:v1:one:", encryption.FormOf("core/secrets/default/s"));
        Configure("- resources: [secrets]", "identity: {}");
        encryption.Reload();
        Assert.Null(encryption.FormOf("core/secrets/default/s"));
    }

    [Theory]
    [InlineData("aesgcm")]
    [InlineData("aescbc")]
    public void What_one_key_wrote_only_it_reads_and_only_in_its_place(string kind)
    {
        Configure("- resources: [secrets]", $"{kind}: {{keys: [{{name: one, secret: {KeyOne}}}]}}", "identity: {}");
        using var encryption = Load();
        foreach (var length in (int[])[0, 1, 15, 16, 17, 5000])
        {
            var value = RandomNumberGenerator.GetBytes(length);
            var stored = encryption.ToDisk("core/secrets/default/s", value, out var form);
            Assert.Equal($"k8s:enc:{kind}:v1:one:", form);
            Assert.StartsWith($"k8s:enc:{kind}:v1:one:", Encoding.Latin1.GetString(stored), StringComparison.Ordinal);
            Assert.Equal(value, encryption.FromDisk("core/secrets/default/s", stored, out _));
            if (kind == "aesgcm")
                Assert.Throws<ValueTransformException>(() => encryption.FromDisk("core/secrets/default/other", stored, out _));
        }
        Assert.Equal("{}"u8.ToArray(), encryption.FromDisk("core/secrets/default/s", "{}"u8.ToArray(), out var plain));
        Assert.Null(plain);

        var written = encryption.ToDisk("core/secrets/default/s", "{\"long\":\"enough to be sure of its padding\"}"u8.ToArray(), out _);
        Configure("- resources: [secrets]", $"{kind}: {{keys: [{{name: two, secret: {KeyTwo}}}]}}");
        using var other = Load();
        Assert.Contains("is encrypted under the key \"one\"", Assert.Throws<ValueTransformException>(() => other.FromDisk("core/secrets/default/s", written, out _)).Message, StringComparison.Ordinal);
        Assert.Contains("add the provider identity", Assert.Throws<ValueTransformException>(() => other.FromDisk("core/secrets/default/s", "{}"u8.ToArray(), out _)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("secrets", "core/secrets/default/s", true)]
    [InlineData("secrets", "core/configmaps/default/s", false)]
    [InlineData("'*.'", "core/configmaps/default/s", true)]
    [InlineData("'*.'", "apps/deployments/default/s", false)]
    [InlineData("'*.apps'", "apps/deployments/default/s", true)]
    [InlineData("deployments.apps", "apps/deployments/default/s", true)]
    [InlineData("deployments", "apps/deployments/default/s", false)]
    [InlineData("foos.a.example.com", "a.example.com/foos/x", true)]
    [InlineData("'*.*'", "a.example.com/foos/x", true)]
    public void Resources_are_named_as_in_Kubernetes(string resources, string key, bool isEncrypted)
    {
        Configure($"- resources: [{resources}]", $"aesgcm: {{keys: [{{name: one, secret: {KeyOne}}}]}}");
        using var encryption = Load();
        Assert.Equal(isEncrypted, encryption.FormOf(key) is not null);
    }

    [Theory]
    [InlineData("- resources: [secrets]", "aesgcm: {keys: [{name: one, secret: c2hvcnQ=}]}", "resources[0].providers[0].aesgcm.keys[0].secret: secret is not of the expected length, got 5, expected one of [16 24 32]")]
    [InlineData("- resources: [secrets]", "aesgcm: {keys: [{name: 'a:b', secret: c2hvcnQ=}]}", "a key needs a name without colons")]
    [InlineData("- resources: [secrets]", "secretbox: {keys: []}", "there is no provider \"secretbox\" here: use aesgcm, aescbc or identity")]
    [InlineData("- resources: []", "identity: {}", "resources[0].resources: at least one resource is needed")]
    [InlineData("- resources: ['*']", "identity: {}", "\"*\" names no resource")]
    [InlineData("- resources: ['*.*.apps']", "identity: {}", "\"*.*.apps\" names no resource")]
    public void A_configuration_that_cannot_work_is_refused_by_its_place(string rule, string provider, string message)
    {
        Configure(rule, provider);
        var exception = Assert.Throws<InvalidDataException>(Load);
        Assert.Contains(message, exception.Message, StringComparison.Ordinal);
        Assert.Contains(ConfigPath, exception.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("c2hvcnQ=", exception.Message, StringComparison.Ordinal);
    }

    private EncryptionAtRest Load() => EncryptionAtRest.Load(ConfigPath, reloads: false, TimeProvider.System, NullLogger<EncryptionAtRest>.Instance);

    private void Configure(string rule, params string[] providers) =>
        File.WriteAllText(ConfigPath, $"apiVersion: apiserver.config.k8s.io/v1\nkind: EncryptionConfiguration\nresources:\n{rule}\n  providers:\n{string.Concat(providers.Select(p => $"  - {p}\n"))}");

    /// <summary>Database and -wal, byte for byte as characters.</summary>
    private static async Task<string> DiskAsync(string folder)
    {
        var text = new StringBuilder();
        foreach (var file in Directory.GetFiles(folder, "state.db*").Where(f => !f.EndsWith(".lock", StringComparison.Ordinal)))
        {
            await using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            using var memory = new MemoryStream();
            await stream.CopyToAsync(memory);
            text.Append(Encoding.Latin1.GetString(memory.ToArray()));
        }
        return text.ToString();
    }
}
