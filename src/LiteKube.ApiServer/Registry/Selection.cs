using LiteKube.Apis.Selectors;
using LiteKube.Storage;

namespace LiteKube.ApiServer.Registry;

/// <summary>The label and field selector of a list, watch or collection delete, checked against what the kind offers.</summary>
internal sealed class Selection
{
    private readonly ServedResource _resource;
    private readonly LabelSelector? _labels;
    private readonly FieldSelector? _fields;

    private Selection(ServedResource resource, LabelSelector? labels, FieldSelector? fields)
    {
        (_resource, _labels, _fields) = (resource, labels, fields);
    }

    public bool IsEverything => _labels is null && _fields is null;

    /// <summary>Fields of the objects are compared, not labels alone.</summary>
    public bool HasFields => _fields is not null;

    /// <summary>metadata.name, where the selector demands one.</summary>
    public string? Name => _fields?.RequiredValue("metadata.name");

    /// <summary>metadata.namespace, where the selector demands one.</summary>
    public string? Namespace => _fields?.RequiredValue("metadata.namespace");

    public static Selection Parse(ServedResource resource, string? labelSelector, string? fieldSelector)
    {
        LabelSelector? labels = null;
        FieldSelector? fields = null;
        try
        {
            if (!string.IsNullOrEmpty(labelSelector)) labels = LabelSelector.Parse(labelSelector);
            if (!string.IsNullOrEmpty(fieldSelector)) fields = FieldSelector.Parse(fieldSelector);
        }
        catch (FormatException exception)
        {
            throw ApiException.BadRequest(exception.Message);
        }
        if (labels is { IsEverything: true }) labels = null;
        if (fields is { IsEverything: true }) fields = null;
        foreach (var (field, _, _) in fields?.Requirements ?? [])
        {
            if (field is not ("metadata.name" or "metadata.namespace") && !resource.Fields.SelectableFields.Contains(field))
                throw ApiException.BadRequest(NotSupported(resource, field));
        }
        return new Selection(resource, labels, fields);
    }

    /// <summary>Each kind that has selectable fields of its own says it in its own words.</summary>
    private static string NotSupported(ServedResource resource, string field) => resource.GroupResource switch
    {
        { Group: "batch", Resource: "jobs" } => $"field label \"{field}\" not supported for batchv1.Job",
        { Group: "resource.k8s.io", Resource: "resourceslices" } => $"field label not supported for {resource.ApiVersion}, Kind={resource.Info.Kind}: {field}",
        _ when resource.Custom is null && resource.Fields.SelectableFields.Count == 0 => $"\"{field}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"",
        _ => $"field label not supported: {field}",
    };

    public bool Matches(StoredValue value)
    {
        if (_labels is not null && !_labels.Matches(ObjectView.Of(value).Labels)) return false;
        return _fields is null || MatchesFields(value);
    }

    private bool MatchesFields(StoredValue value)
    {
        foreach (var (field, wanted, isEqual) in _fields!.Requirements)
        {
            var found = field switch
            {
                "metadata.name" => _resource.NameOf(value.Key),
                "metadata.namespace" => _resource.NamespaceOf(value.Key),
                _ => ObjectView.Of(value).Field(_resource, field),
            };
            if (string.Equals(found, wanted, StringComparison.Ordinal) != isEqual) return false;
        }
        return true;
    }
}
