using k8s.Models;

namespace LiteKube.Client.Tests;

public sealed class KindInfoTests
{
    [Fact]
    public void A_kind_has_its_path_also_where_the_model_names_no_resource()
    {
        Assert.Equal("/api/v1/namespaces/n/pods/a", KindOf<V1Pod>.Info.Path("n", "a"));
        Assert.Equal("/api/v1/nodes/a", KindOf<V1Node>.Info.Path(null, "a"));
        Assert.Equal("/apis/resource.k8s.io/v1/namespaces/n/resourceclaims/a", KindOf<Resourcev1ResourceClaim>.Info.Path("n", "a"));
    }
}
