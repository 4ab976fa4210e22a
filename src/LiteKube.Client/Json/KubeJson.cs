using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using k8s;
using k8s.Models;

namespace LiteKube.Client.Json;

/// <summary>
/// JSON of KubernetesClient.Aot's models, by its source-generated metadata. Its own entry points are not used: they
/// work on strings, write every time with microseconds and cannot write the raw JSON fields (ControllerRevision.data).
/// metadata.managedFields is not read.
/// </summary>
public static class KubeJson
{
    public static JsonSerializerOptions Options { get; } = CreateOptions();

    /// <exception cref="JsonException">The text is no JSON, or a field has another type than the model's.</exception>
    public static T Deserialize<T>(ReadOnlySpan<byte> json) where T : class =>
        JsonSerializer.Deserialize(json, TypeInfo<T>()) ?? throw new JsonException($"expected a {typeof(T).Name}, found null");

    public static T Deserialize<T>(ref Utf8JsonReader reader) where T : class =>
        JsonSerializer.Deserialize(ref reader, TypeInfo<T>()) ?? throw new JsonException($"expected a {typeof(T).Name}, found null");

    public static byte[] Serialize<T>(T value) where T : class => JsonSerializer.SerializeToUtf8Bytes(value, TypeInfo<T>());

    /// <summary>A deep copy, for changing an object that an informer shares.</summary>
    public static T Clone<T>(T value) where T : class
    {
        var buffer = new ArrayBufferWriter<byte>(2048);
        using (var writer = new Utf8JsonWriter(buffer))
            JsonSerializer.Serialize(writer, value, TypeInfo<T>());
        return Deserialize<T>(buffer.WrittenSpan);
    }

    /// <summary>Equal as JSON: how a controller finds out that nothing is left to write.</summary>
    public static bool AreEqual<T>(T? left, T? right) where T : class
    {
        if (ReferenceEquals(left, right))
            return true;
        return left is not null && right is not null && Serialize(left).AsSpan().SequenceEqual(Serialize(right));
    }

    public static JsonTypeInfo<T> TypeInfo<T>() where T : class => TypeInfoCache<T>.Value;

    private static class TypeInfoCache<T> where T : class
    {
        public static readonly JsonTypeInfo<T> Value = (JsonTypeInfo<T>)Options.GetTypeInfo(typeof(T));
    }

    private static JsonSerializerOptions CreateOptions()
    {
        var options = new JsonSerializerOptions
        {
            TypeInfoResolver = SourceGenerationContext.Default.WithAddedModifier(WriteMicroTimes).WithAddedModifier(LeaveOutOwners),
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        options.Converters.Add(new TimeConverter(withMicroseconds: false));
        options.Converters.Add(new RawJsonConverter());
        options.Converters.Add(new InternedStringConverter());
        options.Converters.Add(new CachedQuantityConverter());
        options.MakeReadOnly();
        return options;
    }

    // No component asks who owns which field, and what a write does not say of it the server keeps: not reading the list
    // spares every cached object its larger half.
    private static void LeaveOutOwners(JsonTypeInfo type)
    {
        if (type.Type != typeof(V1ObjectMeta))
            return;
        foreach (var property in type.Properties)
        {
            if (property.Name == "managedFields")
                property.CustomConverter = new SkippedManagedFields();
        }
    }

    // The models have one type for Time and MicroTime; the fields below are the API's only MicroTime ones.
    private static void WriteMicroTimes(JsonTypeInfo type)
    {
        if (type.Type != typeof(V1LeaseSpec) && type.Type != typeof(Corev1Event) && type.Type != typeof(Corev1EventSeries)
            && type.Type != typeof(Eventsv1Event) && type.Type != typeof(Eventsv1EventSeries)
            && type.Type != typeof(V1alpha2LeaseCandidateSpec) && type.Type != typeof(V1beta1LeaseCandidateSpec))
            return;
        foreach (var property in type.Properties)
        {
            if (property.Name is "acquireTime" or "renewTime" or "pingTime" or "eventTime" or "lastObservedTime")
                property.CustomConverter = property.PropertyType == typeof(DateTime?) ? new NullableMicroTimeConverter() : new TimeConverter(withMicroseconds: true);
        }
    }
}
