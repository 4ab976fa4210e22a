using System.Text;
using System.Text.Json.Nodes;
using LiteKube.Cel;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>The CEL expressions that choose devices (https://kubernetes.io/docs/concepts/scheduling-eviction/dynamic-resource-allocation/): whether they compile, and what they can cost.</summary>
internal static class DeviceSelectors
{
    private const int MaxSelectors = 32;
    private const int MaxExpressionBytes = 10 * 1024;
    private const ulong MaxCost = 1_000_000;

    private static readonly Lazy<CelEnvironment> Environment = new(() =>
        CelEnvironment.Kubernetes.With([new("device", DeviceTypes.Device)], DeviceTypes.Instance, [CelLibraries.Bindings]));

    /// <param name="old">What stood there before; expressions that are as they were are not judged again. Null: all are new.</param>
    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old, FieldPath field)
    {
        if (Checks.TooMany(errors, value, "selectors", field, MaxSelectors)) return;
        var isStored = old is not null && value["selectors"].SameAs(old["selectors"]);
        var index = 0;
        foreach (var selector in value.Items("selectors"))
        {
            var path = field.Index(index++);
            if (selector.Obj("cel") is not { } cel)
                errors.Required(path.Child("cel"), "");
            else if (!isStored)
                Expression(errors, cel.Str("expression"), path.Child("cel", "expression"));
        }
    }

    private static void Expression(FieldErrors errors, string expression, FieldPath field)
    {
        if (expression.Length == 0)
        {
            errors.Required(field, "");
            return;
        }
        if (Encoding.UTF8.GetByteCount(expression) > MaxExpressionBytes)
        {
            errors.TooLong(field, MaxExpressionBytes);
            return;
        }
        var compiled = Environment.Value.Compile(expression);
        if (compiled.Program is not { } program)
            errors.Invalid(field, expression, "compilation failed: " + compiled.IssueText);
        // An attribute, whose type is known only when it is read, may be a truth value.
        else if (program.OutputType.Kind is not (CelTypeKind.Bool or CelTypeKind.Dyn))
            errors.Invalid(field, expression, $"must evaluate to bool or the unknown type, not {program.OutputType}");
        else if (program.EstimateCost(DeviceTypes.Instance).Max > MaxCost)
            errors.Forbidden(field, "too complex, exceeds cost limit");
    }

    /// <summary>What expressions see of a device, and how large it can be.</summary>
    private sealed class DeviceTypes : ICelTypeProvider, ICelSizeEstimator
    {
        private const ulong MaxDomainLength = 63;
        private const ulong MaxIdLength = 32;
        private const ulong MaxDriverLength = 63;
        private const ulong MaxEntries = 32;
        private const ulong MaxAttributeLength = 64;

        public static readonly CelType Device = CelType.Struct("kubernetes.DRADevice");
        public static readonly DeviceTypes Instance = new();

        public CelType? FindType(string name) => name == Device.Name ? Device : null;

        public CelType? FindField(string typeName, string field) => typeName != Device.Name ? null : field switch
        {
            "driver" => CelType.String,
            "attributes" => CelType.Map(CelType.String, CelType.Map(CelType.String, CelType.Dyn)),
            "capacity" => CelType.Map(CelType.String, CelType.Map(CelType.String, CelType.Struct("kubernetes.Quantity"))),
            "allowMultipleAllocations" => CelType.Bool,
            _ => null,
        };

        public CelSizeEstimate? EstimateSize(IReadOnlyList<string> path, CelType type)
        {
            if (path.Count < 2 || path[0] != "device") return null;
            ulong? size = (path[1], path.Count) switch
            {
                ("driver", 2) => MaxDriverLength,
                ("allowMultipleAllocations", 2) => 1,
                ("attributes" or "capacity", 2) => MaxEntries,
                ("attributes" or "capacity", 3) => path[2] == "@keys" ? MaxDomainLength : path[2] is "@values" or "@items" ? MaxEntries : null,
                ("attributes", 4) => path[3] == "@keys" ? MaxIdLength : MaxAttributeLength,
                ("capacity", 4) => path[3] == "@keys" ? MaxIdLength : path[3] is "@values" or "@items" ? 0 : null,
                _ => null,
            };
            return size is { } max ? new(0, max) : null;
        }
    }
}
