using LiteKube.ApiServer.Extensions.CustomResources;

namespace LiteKube.ApiServer.Tests.Extensions.CustomResources;

public class VersionPriorityTests
{
    [Fact]
    public void Stable_versions_come_before_betas_and_these_before_alphas() => Assert.Equal(
        ["v10", "v2", "v1", "v11beta2", "v10beta3", "v3beta1", "v12alpha1", "v11alpha2", "foo1", "foo10"],
        ((string[])["foo10", "v11alpha2", "v1", "v3beta1", "v10", "foo1", "v11beta2", "v12alpha1", "v2", "v10beta3"]).Order(VersionPriority.PreferredFirst));
}
