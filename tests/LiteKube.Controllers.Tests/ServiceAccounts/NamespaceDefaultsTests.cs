using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.ServiceAccounts;
using Microsoft.Extensions.Logging.Abstractions;

namespace LiteKube.Controllers.Tests.ServiceAccounts;

public sealed class NamespaceDefaultsTests : ControllerTest
{
    [Fact]
    public async Task Each_active_namespace_gets_its_account_and_certificate_and_gets_them_back()
    {
        Kube.Seed(Build.Namespace("going", "Terminating"));
        Kube.Seed(Build.Namespace("a"));
        await StartAsync(new ServiceAccountController(Kube.Client, Informers, Time).CreateRunner(NullLoggerFactory.Instance));
        await StartAsync(new RootCertificatePublisher(Kube.Client, Informers, "PEM", Time).CreateRunner(NullLoggerFactory.Instance));
        await Kube.WaitForAsync<V1ServiceAccount>("a", "default", v => v is not null, "the account");
        await Kube.WaitForAsync<V1ConfigMap>("a", "kube-root-ca.crt", IsPublished, "the certificate");

        await SeenAsync<V1ServiceAccount>("a", "default", v => v is not null);
        await Kube.Client.DeleteAsync<V1ServiceAccount>("a", "default", new DeleteOptions(), default);
        await Kube.WaitForAsync<V1ServiceAccount>("a", "default", v => v is not null, "the account after its deletion");
        var map = Kube.Find<V1ConfigMap>("a", "kube-root-ca.crt")!;
        map.Data = new Dictionary<string, string> { ["ca.crt"] = "forged" };
        await Kube.Client.UpdateAsync(map, default);
        await Kube.WaitForAsync<V1ConfigMap>("a", "kube-root-ca.crt", IsPublished, "the certificate after a change");
        await SeenAsync<V1ConfigMap>("a", "kube-root-ca.crt", IsPublished);
        await Kube.Client.DeleteAsync<V1ConfigMap>("a", "kube-root-ca.crt", new DeleteOptions(), default);
        await Kube.WaitForAsync<V1ConfigMap>("a", "kube-root-ca.crt", IsPublished, "the certificate after its deletion");

        await Kube.Client.CreateAsync(Build.Namespace("b"), default);
        await Kube.WaitForAsync<V1ServiceAccount>("b", "default", v => v is not null, "the new namespace's account");
        Assert.Empty(Kube.All<V1ServiceAccount>("going"));
    }

    private static bool IsPublished(V1ConfigMap? map) => map?.Data["ca.crt"] == "PEM";
}
