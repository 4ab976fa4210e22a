using System.Text.Json.Nodes;
using LiteKube.Apis;
using LiteKube.ApiServer.Admission.Matching;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.Admission.Webhooks;

/// <summary>The objects of a request in the versions that webhooks ask for, each made once: conversion may be another webhook's work.</summary>
internal sealed class ShownObjects(AdmissionAttributes attributes)
{
    private readonly Dictionary<GroupVersionKind, JsonObject?> _objects = [];
    private readonly Dictionary<GroupVersionKind, JsonObject?> _oldObjects = [];

    /// <summary>Read-only; with their owners, which otherwise stand beside them.</summary>
    public async ValueTask<(JsonObject? Object, JsonObject? OldObject)> InAsync(MatchedVersion version, CancellationToken cancellationToken)
    {
        if (!_objects.TryGetValue(version.Kind, out var value))
            _objects[version.Kind] = value = WithOwners(await version.ShowAsync(attributes, attributes.Object, cancellationToken));
        if (!_oldObjects.TryGetValue(version.Kind, out var old))
            _oldObjects[version.Kind] = old = await version.ShowAsync(attributes, attributes.OldObject, cancellationToken);
        return (value, old);
    }

    /// <summary>The new object was changed.</summary>
    public void Forget() => _objects.Clear();

    private JsonObject? WithOwners(JsonObject? value)
    {
        if (value is null || attributes.Owners.IsEmpty) return value;
        var copy = (JsonObject)value.DeepClone();
        copy.Metadata()["managedFields"] = JsonNode.Parse(attributes.Owners.Encoded.Span);
        return copy;
    }
}
