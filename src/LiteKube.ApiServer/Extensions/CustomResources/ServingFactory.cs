using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.Apis.Schema;
using LiteKube.Apis.Schema.Structural;
using LiteKube.Apis.Tables;
using LiteKube.ApiServer.Extensions.Webhooks;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Extensions.CustomResources;

/// <summary>Makes a CRD's versions into resources like all others.</summary>
internal sealed class ServingFactory(IWebhookCaller webhooks)
{
    private static readonly string[] Verbs = ["delete", "deletecollection", "get", "list", "patch", "create", "update", "watch"];
    private static readonly string[] TerminatingVerbs = ["delete", "deletecollection", "get", "list", "watch"];
    private static readonly string[] SubresourceVerbs = ["get", "patch", "update"];
    private static readonly GroupVersionKind ScaleKind = new("autoscaling", "v1", "Scale");

    /// <param name="life">Of the serving that this one continues; null: watches start anew.</param>
    public Serving Create(Definition definition, CancellationTokenSource? life)
    {
        life ??= new CancellationTokenSource();
        var schemas = definition.Versions.ToDictionary(v => v.Name, v => v.Schema, StringComparer.Ordinal);
        IObjectConverter converter = definition.Conversion is { } conversion && conversion.Str("strategy") == "Webhook" && conversion.Obj("webhook") is { } webhook
            ? new WebhookConverter(webhook, webhooks)
            : new NoneConverter();
        var storage = definition.StorageVersion!;
        var served = new List<ServedResource>();
        ServedResource? stored = null;
        foreach (var version in definition.Versions.Where(v => v.IsServed || v.IsStorage))
        {
            var info = Describe(definition, version, storage);
            var codec = new CustomCodec(info, storage.Name, schemas, converter, ScalePaths.Of(version), Warnings(definition, version), life.Token);
            var resource = new ServedResource(info, new CustomResourceStrategy(info, version, definition.IsTerminating), codec);
            if (version.IsServed) served.Add(resource);
            if (version.IsStorage) stored = resource;
        }
        var versions = new CustomVersions(served, schemas, converter);
        foreach (var resource in served) (resource.Versions, resource.Siblings) = (versions, served);
        return new Serving(definition, served, stored!, life);
    }

    private static ResourceInfo Describe(Definition definition, DefinitionVersion version, DefinitionVersion storage)
    {
        var names = definition.AcceptedNames;
        var kind = new GroupVersionKind(definition.Group, version.Name, names.Kind);
        var subresources = new List<SubresourceInfo>();
        if (version.HasStatus) subresources.Add(new("status", kind, SubresourceVerbs));
        if (version.Scale is not null) subresources.Add(new("scale", ScaleKind, SubresourceVerbs));
        return new ResourceInfo
        {
            Resource = new(definition.Group, version.Name, names.Plural),
            StorageResource = new(definition.Group, storage.Name, names.Plural),
            Kind = names.Kind,
            ListKind = names.ListKind,
            Singular = names.Singular,
            Namespaced = definition.IsNamespaced,
            Verbs = Verbs,
            DiscoveredVerbs = definition.IsTrue(DefinitionConditions.Terminating) ? TerminatingVerbs : Verbs,
            Schema = StructuralTypes.Resource($"{string.Join('.', definition.Group.Split('.').Reverse())}.{version.Name}.{names.Kind}", version.Schema),
            ShortNames = names.ShortNames,
            Categories = names.Categories,
            Subresources = subresources,
            HasStatus = version.HasStatus,
            Columns = Columns(version),
            SelectableFields = [.. version.SelectableFields],
        };
    }

    private static List<PrinterColumn> Columns(DefinitionVersion version)
    {
        var columns = version.Value.Items("additionalPrinterColumns").Select(Column).ToList();
        return columns.Count > 0 ? columns : [PrinterColumn.Age];
    }

    private static PrinterColumn Column(JsonObject column)
    {
        var jsonPath = column.Str("jsonPath");
        PrinterPath? path;
        try
        {
            path = PrinterPath.Parse(jsonPath);
        }
        catch (FormatException)
        {
            // Kubernetes accepts any text that starts with a dot; the column stays empty then.
            path = null;
        }
        var description = column.Str("description") is { Length: > 0 } text ? text : $"Custom resource definition column (in JSONPath format): {jsonPath}";
        return new(column.Str("name"), column.Str("type"), column.Str("format"), description, (int)column.Long("priority"), path);
    }

    private static List<string> Warnings(Definition definition, DefinitionVersion version)
    {
        if (!version.IsDeprecated) return [];
        if (version.Value.StrOrNull("deprecationWarning") is { } text) return [text];
        var better = definition.Versions.Where(v => v.IsServed && !v.IsDeprecated && VersionPriority.PreferredFirst.Compare(v.Name, version.Name) < 0)
            .Select(v => v.Name).Order(VersionPriority.PreferredFirst).FirstOrDefault();
        var warning = $"{definition.Group}/{version.Name} {definition.Names.Kind} is deprecated";
        return [better is null ? warning : $"{warning}; use {definition.Group}/{better} {definition.Names.Kind}"];
    }
}
