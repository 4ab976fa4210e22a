using k8s.Models;
using LiteKube.Client;
using LiteKube.Controllers.Common;

namespace LiteKube.Controllers.Tests.Common;

public sealed class RecentWritesTests : ControllerTest
{
    private static readonly ObjectKey Group = new("default", "web");

    private readonly RecentWrites<V1ConfigMap> _writes;

    public RecentWritesTests() => _writes = new RecentWrites<V1ConfigMap>(Informers.Get<V1ConfigMap>(), Time);

    [Fact]
    public async Task What_was_written_lies_over_the_informer_until_that_has_come_as_far()
    {
        var old = Kube.Seed(Map("one", "before"));
        await SeenAsync<V1ConfigMap>("default", "one", m => m?.Data["text"] == "before");
        // Ahead of what the server has: as a write whose event is still on its way.
        var written = Map("one", "after");
        (written.Metadata.Uid, written.Metadata.ResourceVersion) = (old.Metadata.Uid, (Kube.Revision + 1).ToString(System.Globalization.CultureInfo.InvariantCulture));
        _writes.Written(Group, written);
        Assert.Equal("after", Assert.Single(Read()).Data["text"]);

        Kube.Seed(Map("other", "x"));
        await SeenAsync<V1ConfigMap>("default", "other", m => m is not null);

        // Whatever it shows now is what is stored: the write was undone by someone, or never was.
        Assert.Equal("before", Read().Single(m => m.Metadata.Name == "one").Data["text"]);
    }

    [Fact]
    public async Task A_new_object_counts_before_the_informer_shows_it_and_a_deleted_one_no_more()
    {
        var there = Kube.Seed(Map("there", "x"));
        await SeenAsync<V1ConfigMap>("default", "there", m => m is not null);
        var made = Map("made", "y");
        (made.Metadata.Uid, made.Metadata.ResourceVersion) = ("uid-made", (Kube.Revision + 1).ToString(System.Globalization.CultureInfo.InvariantCulture));

        _writes.Written(Group, made);
        _writes.Deleted(Group, there);

        Assert.Equal(["made"], Read().Select(m => m.Metadata.Name));
    }

    private List<V1ConfigMap> Read() => _writes.Over(Group, informer => informer.List("default"));

    private static V1ConfigMap Map(string name, string text) => new()
    {
        ApiVersion = "v1",
        Kind = "ConfigMap",
        Metadata = new V1ObjectMeta { Name = name, NamespaceProperty = "default" },
        Data = new Dictionary<string, string> { ["text"] = text },
    };
}
