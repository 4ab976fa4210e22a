using System.Text.Json.Nodes;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission;

/// <summary>Nothing is created in a namespace that does not exist or is going; the system's namespaces stay.</summary>
internal sealed class NamespaceLifecycle(IObjectReader objects) : AdmissionPlugin
{
    private static readonly string[] Immortal = ["default", "kube-system", "kube-public"];

    public override string Name => "NamespaceLifecycle";

    public override bool Handles(AdmissionOperation operation) => operation is AdmissionOperation.Create or AdmissionOperation.Update or AdmissionOperation.Delete;

    // Early, so that later plugins and the user hear of the missing namespace first.
    protected override void Mutate(AdmissionAttributes attributes)
    {
        var isNamespace = attributes.Resource.GroupResource == CoreResources.Namespaces;
        if (attributes.Operation == AdmissionOperation.Delete)
        {
            if (isNamespace && Immortal.Contains(attributes.Request.Name))
                throw Forbidden(attributes, "this namespace may not be deleted");
            return;
        }
        var ns = attributes.Request.Namespace;
        if (isNamespace || ns.Length == 0 || !attributes.Resource.Namespaced)
            return;
        var stored = objects.Get(CoreResources.Namespaces, "", ns) ?? throw ApiException.NotFound(CoreResources.Namespaces, ns);
        if (attributes.Operation != AdmissionOperation.Create || stored.Obj("status").Str("phase") != "Terminating")
            return;
        var refusal = Forbidden(attributes, $"unable to create new content in namespace {ns} because it is being terminated");
        // Controllers look for this cause to stop trying.
        refusal.Details!["causes"] = new JsonArray(new JsonObject { ["reason"] = "NamespaceTerminating", ["message"] = $"namespace {ns} is being terminated", ["field"] = "metadata.namespace" });
        throw refusal;
    }
}
