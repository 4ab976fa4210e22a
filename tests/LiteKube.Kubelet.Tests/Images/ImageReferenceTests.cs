using System.Text;
using k8s.Models;
using LiteKube.Kubelet.Images;

namespace LiteKube.Kubelet.Tests.Images;

public sealed class ImageReferenceTests
{
    private const string Digest = "sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

    [Theory]
    [InlineData("busybox", "docker.io/library/busybox:latest")]
    [InlineData("busybox:1.36", "docker.io/library/busybox:1.36")]
    [InlineData("library/busybox", "docker.io/library/busybox:latest")]
    [InlineData("team/app:v1", "docker.io/team/app:v1")]
    [InlineData("index.docker.io/library/busybox:1", "docker.io/library/busybox:1")]
    [InlineData("localhost/app:v1", "localhost/app:v1")]
    [InlineData("localhost:32000/app", "localhost:32000/app:latest")]
    [InlineData("registry.k8s.io/e2e-test-images/agnhost:2.40", "registry.k8s.io/e2e-test-images/agnhost:2.40")]
    [InlineData("[::1]:5000/app:v1", "[::1]:5000/app:v1")]
    [InlineData("app@" + Digest, "docker.io/library/app@" + Digest)]
    [InlineData("app:v1@" + Digest, "docker.io/library/app@" + Digest)]
    public void Short_names_mean_what_container_runtimes_take_them_for(string name, string full)
    {
        Assert.True(ImageReference.TryNormalize(name, out var normalized));
        Assert.Equal(full, normalized);
        Assert.True(ImageReference.TryNormalize(normalized, out var again));
        Assert.Equal(full, again);
    }

    [Theory]
    [InlineData("")]
    [InlineData("UPPER")]
    [InlineData("app:")]
    [InlineData("a b")]
    [InlineData("app@sha256:12")]
    [InlineData("-app")]
    [InlineData("app//x")]
    public void What_is_no_name_is_refused(string name)
    {
        Assert.False(ImageReference.TryNormalize(name, out _));
        Assert.False(ImageReference.TryWithDefaultTag(name, out _, out var error));
        Assert.StartsWith("invalid reference format", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("registry.example", "registry.example/team/app", true)]
    [InlineData("*.example", "registry.example/team/app", true)]
    [InlineData("*.example", "example/team/app", false)]
    [InlineData("registry.example/team", "registry.example/team/app", true)]
    [InlineData("registry.example/te", "registry.example/team/app", false)]
    [InlineData("index.docker.io/v1", "docker.io/library/busybox", true)]
    [InlineData("other.example", "registry.example/team/app", false)]
    public void A_pull_secret_fits_by_host_and_path(string pattern, string repository, bool fits) => Assert.Equal(fits, PullSecrets.Matches(pattern, repository));

    [Fact]
    public void A_pull_secret_of_either_kind_gives_user_and_password()
    {
        var auth = Convert.ToBase64String("user:pass:word"u8);
        var config = new V1Secret { Type = "kubernetes.io/dockerconfigjson", Data = new Dictionary<string, byte[]> { [".dockerconfigjson"] = Encoding.UTF8.GetBytes("""{"auths":{"https://registry.example/":{"auth":"AUTH"}}}""".Replace("AUTH", auth, StringComparison.Ordinal)) } };
        var legacy = new V1Secret { Type = "kubernetes.io/dockercfg", Data = new Dictionary<string, byte[]> { [".dockercfg"] = """{"registry.example":{"username":"user","password":"pass:word"}}"""u8.ToArray() } };
        foreach (var secret in (V1Secret[])[config, legacy])
        {
            var (pattern, credentials) = PullSecrets.Read(secret).Single();
            Assert.Equal(("registry.example", "user", "pass:word"), (pattern, credentials.Username, credentials.Password));
        }
    }
}
