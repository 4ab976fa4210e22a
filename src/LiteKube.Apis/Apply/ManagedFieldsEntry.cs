using System.Text;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Apply;

/// <summary>Whose entry it is: of an applier there is one whatever versions it speaks, of an updater one a version.</summary>
/// <param name="ApiVersion">Empty for appliers.</param>
public readonly record struct ManagerKey(string Manager, bool IsApply, string ApiVersion, string Subresource) : IComparable<ManagerKey>
{
    public static ManagerKey Applier(string manager, string subresource) => new(Named(manager), true, "", subresource);

    public static ManagerKey Updater(string manager, string apiVersion, string subresource) => new(Named(manager), false, apiVersion, subresource);

    public int CompareTo(ManagerKey other)
    {
        var order = string.CompareOrdinal(Manager, other.Manager);
        if (order == 0) order = other.IsApply.CompareTo(IsApply);
        if (order == 0) order = string.CompareOrdinal(ApiVersion, other.ApiVersion);
        return order == 0 ? string.CompareOrdinal(Subresource, other.Subresource) : order;
    }

    /// <summary>As conflicts name it: <c>"kubectl" with subresource "status" using apps/v1</c>.</summary>
    public override string ToString()
    {
        var text = GoText.Quote(Manager);
        if (Subresource.Length > 0) text += " with subresource " + GoText.Quote(Subresource);
        return IsApply ? text : $"{text} using {ApiVersion}";
    }

    private static string Named(string manager) => manager.Length == 0 ? "unknown" : manager;
}

/// <summary>What one manager owns of an object. Immutable; the field set is parsed when it is first asked for.</summary>
public sealed class ManagedFieldsEntry
{
    private ReadOnlyMemory<byte> _encoded;
    private FieldSet? _fields;

    internal ManagedFieldsEntry(ManagerKey key, string apiVersion, string? time, ReadOnlyMemory<byte> encoded) =>
        (Key, ApiVersion, Time, _encoded) = (key, apiVersion, time, encoded);

    internal ManagedFieldsEntry(ManagerKey key, string apiVersion, string? time, FieldSet fields) =>
        (Key, ApiVersion, Time, _fields) = (key, apiVersion, time, fields);

    public ManagerKey Key { get; }

    /// <summary>The version whose fields the set names.</summary>
    public string ApiVersion { get; }

    /// <summary>RFC 3339, whole seconds; null: not known.</summary>
    public string? Time { get; }

    public FieldSet Fields => _fields ??= FieldSetCache.Decode(_encoded);

    internal ReadOnlySpan<byte> Encoded
    {
        get
        {
            if (_encoded.IsEmpty)
            {
                var encoded = FieldsV1.Encode(_fields!);
                FieldSetCache.Remember(encoded, _fields!);
                _encoded = encoded;
            }

            return _encoded.Span;
        }
    }

    internal ManagedFieldsEntry With(FieldSet fields) => ReferenceEquals(fields, Fields) ? this : new(Key, ApiVersion, Time, fields);

    internal ManagedFieldsEntry At(string? time) => time == Time ? this : new(Key, ApiVersion, time, _encoded) { _fields = _fields };

    /// <summary>The same but for the time.</summary>
    internal bool SaysTheSameAs(ManagedFieldsEntry other) =>
        Key == other.Key && ApiVersion == other.ApiVersion && (ReferenceEquals(this, other) || Encoded.SequenceEqual(other.Encoded));

    internal void Write(Utf8Buffer buffer)
    {
        buffer.Add((byte)'{');
        GoJsonWriter.WriteName(buffer, "manager", true);
        GoJsonWriter.WriteString(buffer, Key.Manager);
        buffer.Add(Key.IsApply ? ",\"operation\":\"Apply\""u8 : ",\"operation\":\"Update\""u8);
        WriteText(buffer, "apiVersion", ApiVersion);
        if (Time is not null) WriteText(buffer, "time", Time);
        buffer.Add(",\"fieldsType\":\"FieldsV1\",\"fieldsV1\":"u8);
        buffer.Add(Encoded);
        if (Key.Subresource.Length > 0) WriteText(buffer, "subresource", Key.Subresource);
        buffer.Add((byte)'}');
    }

    private static void WriteText(Utf8Buffer buffer, string name, string text)
    {
        GoJsonWriter.WriteName(buffer, name, false);
        GoJsonWriter.WriteString(buffer, text);
    }
}
