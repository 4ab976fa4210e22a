using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>quantity() and arithmetic with quantities.</summary>
internal static class QuantityLibrary
{
    private static readonly CelType Q = Quantity.QuantityType;

    public static CelLibrary Create() => new("kubernetes.quantity",
    [
        Function("quantity", Global("string_to_quantity", [CelType.String], Q, args => Quantity.TryParse(args[0].AsString, out var quantity, out var error) ? CelValue.Object(quantity) : CelValue.Error(error))),
        Function("isQuantity", Global("is_quantity_string", [CelType.String], CelType.Bool, args => CelValue.Bool(Quantity.TryParse(args[0].AsString, out _, out _)))),
        // Kubernetes declares sign() as a function of one argument, not of a receiver.
        Function("sign", Global("quantity_sign", [Q], CelType.Int, args => CelValue.Int(Of(args[0]).Sign))),
        Function("isGreaterThan", Member("quantity_is_greater_than", [Q, Q], CelType.Bool, args => CelValue.Bool(Of(args[0]).CompareTo(Of(args[1])) > 0))),
        Function("isLessThan", Member("quantity_is_less_than", [Q, Q], CelType.Bool, args => CelValue.Bool(Of(args[0]).CompareTo(Of(args[1])) < 0))),
        Function("compareTo", Member("quantity_compare_to", [Q, Q], CelType.Int, args => CelValue.Int(Of(args[0]).CompareTo(Of(args[1]))))),
        Function("asApproximateFloat", Member("quantity_get_float", [Q], CelType.Double, args => CelValue.Double(Of(args[0]).ToDouble()))),
        Function("asInteger", Member("quantity_get_int", [Q], CelType.Int, args => Of(args[0]).TryInteger(out var value) ? CelValue.Int(value) : CelValue.Error("cannot convert value to integer"))),
        Function("isInteger", Member("quantity_is_integer", [Q], CelType.Bool, args => CelValue.Bool(Of(args[0]).TryInteger(out _)))),
        Function(
            "add",
            Member("quantity_add", [Q, Q], Q, args => CelValue.Object(Of(args[0]).Add(Of(args[1]), subtract: false))),
            Member("quantity_add_int", [Q, CelType.Int], Q, args => CelValue.Object(Of(args[0]).Add(Quantity.FromInt(args[1].AsInt), subtract: false)))),
        Function(
            "sub",
            Member("quantity_sub", [Q, Q], Q, args => CelValue.Object(Of(args[0]).Add(Of(args[1]), subtract: true))),
            Member("quantity_sub_int", [Q, CelType.Int], Q, args => CelValue.Object(Of(args[0]).Add(Quantity.FromInt(args[1].AsInt), subtract: true)))),
    ], types: [Q]);

    private static Quantity Of(in CelValue value) => (Quantity)value.AsObject;
}
