using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using LiteKube.Apis.Codec;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Tables;

/// <summary>A column that a CRD declares (https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/#additional-printer-columns).</summary>
/// <param name="Type">integer, number, string, boolean, date.</param>
/// <param name="Path">Null when the declared text is no JSONPath: the column stays empty.</param>
public sealed record PrinterColumn(string Name, string Type, string Format, string Description, int Priority, PrinterPath? Path)
{
    public static PrinterColumn Age { get; } = new("Age", "date", "", "CreationTimestamp is a timestamp representing the server time when this object was created.", 0, PrinterPath.Parse(".metadata.creationTimestamp"));

    /// <summary>The cell of one object; null where there is nothing to show.</summary>
    public JsonNode? Cell(JsonObject value, DateTimeOffset now)
    {
        var found = Path?.Find(value).FirstOrDefault();
        if (found is null)
            return null;
        if (Type == "string")
            return Text(found);
        if (found is not JsonValue scalar)
            return null;
        return (Type, scalar.GetValueKind()) switch
        {
            ("integer", JsonValueKind.Number) when JsonNumbers.TryInteger(scalar, out var integer) => integer,
            ("integer", JsonValueKind.Number) when JsonNumbers.TryNumber(scalar, out var number) => (long)number,
            ("number", JsonValueKind.Number) when JsonNumbers.TryNumber(scalar, out var number) => number,
            ("boolean", JsonValueKind.True or JsonValueKind.False) => scalar.GetValueKind() == JsonValueKind.True,
            ("date", JsonValueKind.String) when scalar.TryGetValue(out string? text) => Since(text, now),
            _ => null,
        };
    }

    private static string Since(string text, DateTimeOffset now)
    {
        if (text.Length == 0)
            return "<unknown>";
        try
        {
            return Ages.Format(now - KubernetesTime.Parse(text));
        }
        catch (FormatException)
        {
            return "<invalid>";
        }
    }

    private static string Text(JsonNode value)
    {
        if (value is not JsonValue scalar)
            return Encoding.UTF8.GetString(ObjectWriter.Write(value));
        if (scalar.TryGetValue(out string? text))
            return text;
        if (JsonNumbers.TryInteger(scalar, out var integer))
            return integer.ToString(CultureInfo.InvariantCulture);
        return JsonNumbers.TryNumber(scalar, out var number) ? JsonNumbers.Print(number) : scalar.ToJsonString();
    }
}
