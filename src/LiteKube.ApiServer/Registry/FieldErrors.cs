using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;

namespace LiteKube.ApiServer.Registry;

/// <summary>A place in an object, built on the way down and printed only for an error: <c>spec.containers[0].name</c>, <c>data[key]</c>.</summary>
public sealed class FieldPath
{
    private const int IsName = -1;
    private const int IsKey = -2;

    private readonly FieldPath? _parent;
    private readonly string _name;
    private readonly int _index;

    private FieldPath(FieldPath? parent, string name, int index) => (_parent, _name, _index) = (parent, name, index);

    public static FieldPath Of(string name) => new(null, name, IsName);

    /// <summary>No place in particular, as Go prints a path that is nil.</summary>
    public static FieldPath Nil { get; } = new(null, "<nil>", IsName);
    public FieldPath Child(string name) => new(this, name, IsName);
    public FieldPath Child(string name, string next) => Child(name).Child(next);
    public FieldPath Child(string name, string next, string last) => Child(name).Child(next).Child(last);
    public FieldPath Index(int index) => new(this, "", index);
    public FieldPath Key(string key) => new(this, key, IsKey);

    public override string ToString() => _parent is null && _index == IsName ? _name : AppendTo(new StringBuilder()).ToString();

    private StringBuilder AppendTo(StringBuilder text)
    {
        _parent?.AppendTo(text);
        return _index switch
        {
            IsName => _parent is null ? text.Append(_name) : text.Append('.').Append(_name),
            IsKey => text.Append('[').Append(_name).Append(']'),
            _ => text.Append('[').Append(CultureInfo.InvariantCulture, $"{_index}").Append(']'),
        };
    }
}

/// <summary>Validation findings in Kubernetes' words (apimachinery's field.ErrorList): they become details.causes and the message.</summary>
public sealed class FieldErrors
{
    private readonly List<(string Reason, string Field, string Body)> _errors = [];

    public int Count => _errors.Count;

    public void Required(FieldPath field, string detail) => Add("FieldValueRequired", field, Join("Required value", detail));
    public void Invalid(FieldPath field, JsonNode? value, string detail) => Add("FieldValueInvalid", field, Join($"Invalid value: {GoText.Print(value)}", detail));

    /// <summary>As <see cref="Invalid"/> where the value is too large, or not single, to be shown.</summary>
    public void InvalidOmitted(FieldPath field, string detail) => Add("FieldValueInvalid", field, Join("Invalid value", detail));
    public void DuplicateOmitted(FieldPath field) => Add("FieldValueDuplicate", field, "Duplicate value");
    public void Internal(FieldPath field, string detail) => Add("InternalError", field, Join("Internal error", detail));
    public void Forbidden(FieldPath field, string detail) => Add("FieldValueForbidden", field, Join("Forbidden", detail));
    public void Duplicate(FieldPath field, JsonNode? value, string detail = "") => Add("FieldValueDuplicate", field, Join($"Duplicate value: {GoText.Print(value)}", detail));
    public void NotFound(FieldPath field, JsonNode? value, string detail = "") => Add("FieldValueNotFound", field, Join($"Not found: {GoText.Print(value)}", detail));
    public void TooLong(FieldPath field, int maxLength) => Add("FieldValueTooLong", field, $"Too long: may not be more than {maxLength} bytes");
    public void TooMany(FieldPath field, int actual, int max) => Add("FieldValueTooMany", field, $"Too many: {actual}: must have at most {max} item{(max == 1 ? "" : "s")}");
    public void TypeInvalid(FieldPath field, JsonNode? value, string detail) => Add("FieldValueTypeInvalid", field, Join($"Invalid value: {GoText.Print(value)}", detail));

    /// <param name="supported">The values in the order in which Kubernetes names them.</param>
    public void NotSupported(FieldPath field, JsonNode? value, params IEnumerable<string> supported) =>
        Add("FieldValueNotSupported", field, $"Unsupported value: {GoText.Print(value)}: supported values: {string.Join(", ", supported.Select(GoText.Quote))}");

    /// <summary>As <see cref="NotSupported"/>, with the values in the order in which a CRD's author gave them.</summary>
    public void Unsupported(FieldPath field, JsonNode? value, IEnumerable<string> supported) => NotSupported(field, value, supported);

    /// <summary>Whether one of the findings has one of these reasons (FieldValueRequired, ...).</summary>
    public bool HasAny(params ReadOnlySpan<string> reasons)
    {
        foreach (var (reason, _, _) in _errors)
        {
            if (reasons.Contains(reason)) return true;
        }
        return false;
    }

    public void AddRange(FieldErrors others) => _errors.AddRange(others._errors);

    public JsonArray ToCauses()
    {
        var causes = new JsonArray();
        foreach (var (reason, field, body) in _errors)
            causes.Add((JsonNode)new JsonObject { ["reason"] = reason, ["message"] = body, ["field"] = field });
        return causes;
    }

    /// <summary>One error as "field: body", several as "[a, b]", as Kubernetes joins them.</summary>
    public override string ToString()
    {
        var texts = _errors.Select(e => $"{e.Field}: {e.Body}").Distinct().ToList();
        return texts.Count == 1 ? texts[0] : $"[{string.Join(", ", texts)}]";
    }

    private void Add(string reason, FieldPath field, string body) => _errors.Add((reason, field.ToString(), body));

    private static string Join(string head, string detail) => detail.Length == 0 ? head : $"{head}: {detail}";
}

/// <summary>Values as Go prints them in errors: strings by %q, everything else as encoding/json does.</summary>
internal static class GoText
{
    public static string Print(JsonNode? value) => value switch
    {
        null => "null",
        JsonValue when value.GetValueKind() == JsonValueKind.String => Quote(value.GetValue<string>()),
        _ => Encoding.UTF8.GetString(ObjectWriter.Write(value)),
    };

    public static string Quote(string text) => GoValues.Quote(text);
}
