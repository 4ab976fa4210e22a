using static LiteKube.Cel.Libraries.Declare;

namespace LiteKube.Cel.Libraries;

/// <summary>Addresses and networks.</summary>
internal static class NetworkLibraries
{
    private static readonly CelType Ip = IpAddress.IpType;
    private static readonly CelType Cidr = CidrRange.CidrType;

    public static CelLibrary Addresses() => new("kubernetes.net.ip",
    [
        Function("ip", Global("string_to_ip", [CelType.String], Ip, args => Parse(args[0].AsString))),
        Function("isIP", Global("is_ip", [CelType.String], CelType.Bool, args => CelValue.Bool(IpAddress.TryParse(args[0].AsString, out _, out _)))),
        Function("ip.isCanonical", Global("ip_is_canonical", [CelType.String], CelType.Bool, args =>
            IpAddress.TryParse(args[0].AsString, out var address, out var error) ? CelValue.Bool(address.ToString() == args[0].AsString) : CelValue.Error(error))),
        Function("family", Member("ip_family", [Ip], CelType.Int, args => CelValue.Int(Of(args[0]).IsV4 ? 4 : 6))),
        Test("isUnspecified", "ip_is_unspecified", a => a.IsUnspecified),
        Test("isLoopback", "ip_is_loopback", a => a.IsLoopback),
        Test("isLinkLocalMulticast", "ip_is_link_local_multicast", a => a.IsLinkLocalMulticast),
        Test("isLinkLocalUnicast", "ip_is_link_local_unicast", a => a.IsLinkLocalUnicast),
        Test("isGlobalUnicast", "ip_is_global_unicast", a => a.IsGlobalUnicast),
        Function("string", Global("ip_to_string", [Ip], CelType.String, args => CelValue.String(Of(args[0]).ToString()))),
    ], types: [Ip]);

    public static CelLibrary Networks() => new("kubernetes.net.cidr",
    [
        Function("cidr", Global("string_to_cidr", [CelType.String], Cidr, args => ParseCidr(args[0].AsString))),
        Function("isCIDR", Global("is_cidr", [CelType.String], CelType.Bool, args => CelValue.Bool(CidrRange.TryParse(args[0].AsString, out _, out _)))),
        Function(
            "containsIP",
            Member("cidr_contains_ip_string", [Cidr, CelType.String], CelType.Bool, args => ContainsIp(args[0], Parse(args[1].AsString))),
            Member("cidr_contains_ip_ip", [Cidr, Ip], CelType.Bool, args => ContainsIp(args[0], args[1]))),
        Function(
            "containsCIDR",
            Member("cidr_contains_cidr_string", [Cidr, CelType.String], CelType.Bool, args => ContainsCidr(args[0], ParseCidr(args[1].AsString))),
            Member("cidr_contains_cidr", [Cidr, Cidr], CelType.Bool, args => ContainsCidr(args[0], args[1]))),
        Function("ip", Member("cidr_ip", [Cidr], Ip, args => CelValue.Object(Range(args[0]).Address))),
        Function("prefixLength", Member("cidr_prefix_length", [Cidr], CelType.Int, args => CelValue.Int(Range(args[0]).Bits))),
        Function("masked", Member("cidr_masked", [Cidr], Cidr, args => CelValue.Object(Range(args[0]).Masked()))),
        Function("string", Global("cidr_to_string", [Cidr], CelType.String, args => CelValue.String(Range(args[0]).ToString()))),
    ], types: [Cidr]);

    private static IpAddress Of(in CelValue value) => (IpAddress)value.AsObject;

    private static CidrRange Range(in CelValue value) => (CidrRange)value.AsObject;

    private static CelFunction Test(string name, string id, Func<IpAddress, bool> test) => Function(name, Member(id, [Ip], CelType.Bool, args => CelValue.Bool(test(Of(args[0])))));

    private static CelValue Parse(string text) => IpAddress.TryParse(text, out var address, out var error) ? CelValue.Object(address) : CelValue.Error(error);

    private static CelValue ParseCidr(string text) => CidrRange.TryParse(text, out var range, out var error) ? CelValue.Object(range) : CelValue.Error($"network address parse error during conversion from string: {error}");

    private static CelValue ContainsIp(in CelValue range, in CelValue address) => address.IsError ? address : CelValue.Bool(Range(range).Contains(Of(address)));

    private static CelValue ContainsCidr(in CelValue range, in CelValue other) => other.IsError ? other : CelValue.Bool(Range(range).Contains(Range(other)));
}
