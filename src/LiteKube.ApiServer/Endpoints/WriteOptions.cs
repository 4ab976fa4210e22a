using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using LiteKube.ApiServer.Admission;
using LiteKube.ApiServer.Registry;
using LiteKube.ApiServer.Registry.Ownership;

namespace LiteKube.ApiServer.Endpoints;

/// <summary>The query parameters of a write that say how its fields are owned (meta/v1's CreateOptions, UpdateOptions, PatchOptions).</summary>
internal static class WriteOptions
{
    private const int MaxManagerBytes = 128;

    /// <summary>The manager is the one that the client names, else the first part of its User-Agent.</summary>
    public static FieldTracking TrackingOf(ApiRequest request)
    {
        if (request.RawQuery.Length > 0 || IsApply(request))
        {
            Validate(request);
            if (request.Query.Get("fieldManager") is { Length: > 0 } manager) return new(manager);
        }
        return new(request.UserAgent is null ? FieldTracking.ManagerOf(request.User) : ManagerOf(request.UserAgent));
    }

    public static string OptionsKind(ApiRequest request) => request.Method switch { "POST" => "CreateOptions", "PATCH" => "PatchOptions", "DELETE" => "DeleteOptions", _ => "UpdateOptions" };

    /// <summary>The CreateOptions or UpdateOptions that a request's query comes down to.</summary>
    public static JsonObject Describe(ApiRequest request, AdmissionOperation operation)
    {
        var options = new JsonObject { ["kind"] = operation == AdmissionOperation.Create ? "CreateOptions" : "UpdateOptions", ["apiVersion"] = "meta.k8s.io/v1" };
        if (request.Query.All("dryRun") is { Count: > 0 } dryRun) options["dryRun"] = new JsonArray([.. dryRun.Select(d => (JsonNode)d)]);
        foreach (var field in (ReadOnlySpan<string>)["fieldManager", "fieldValidation"])
        {
            if (request.Query.Get(field) is { Length: > 0 } text) options[field] = text;
        }
        return options;
    }

    public static bool IsApply(ApiRequest request) => request.Method == "PATCH" && MediaTypes.Bare(request.ContentType) == MediaTypes.ApplyPatch;

    /// <summary>Up to the slash, without what cannot be printed.</summary>
    public static string ManagerOf(string userAgent)
    {
        var slash = userAgent.IndexOf('/', StringComparison.Ordinal);
        var head = slash < 0 ? userAgent : userAgent[..slash];
        if (head.Length <= MaxManagerBytes && Ascii.IsValid(head) && !head.Any(char.IsControl)) return head;
        var manager = new StringBuilder();
        var bytes = 0;
        foreach (var rune in head.EnumerateRunes())
        {
            if (!IsPrintable(rune)) continue;
            if ((bytes += rune.Utf8SequenceLength) > MaxManagerBytes) break;
            manager.Append(rune.ToString());
        }
        return manager.ToString();
    }

    /// <exception cref="ApiException">422: an option is not valid.</exception>
    public static void Validate(ApiRequest request)
    {
        var errors = new FieldErrors();
        var manager = request.Query.Get("fieldManager") ?? "";
        if (IsApply(request))
        {
            if (manager.Length == 0) errors.Required(FieldPath.Of("fieldManager"), "is required for apply patch");
        }
        else if (request.Method == "PATCH" && request.Query.Has("force"))
        {
            errors.Forbidden(FieldPath.Of("force"), "may not be specified for non-apply patch");
        }
        if (Encoding.UTF8.GetByteCount(manager) > MaxManagerBytes) errors.TooLong(FieldPath.Of("fieldManager"), MaxManagerBytes);
        var at = 0;
        foreach (var rune in manager.EnumerateRunes())
        {
            if (!IsPrintable(rune))
                errors.Invalid(FieldPath.Of("fieldManager"), manager, string.Create(CultureInfo.InvariantCulture, $"invalid character U+{rune.Value:X4} (at position {at})"));
            at += rune.Utf8SequenceLength;
        }
        if (errors.Count > 0) throw ApiException.Invalid(new("meta.k8s.io", "v1", OptionsKind(request)), "", errors);
    }

    /// <summary>Go's unicode.IsPrint: letters, marks, numbers, punctuation, symbols, and of the spaces the common one.</summary>
    private static bool IsPrintable(Rune rune) => rune.Value == ' ' || Rune.GetUnicodeCategory(rune) is not
        (UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.Surrogate or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned
        or UnicodeCategory.SpaceSeparator or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator);
}
