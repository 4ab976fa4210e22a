namespace LiteKube.Cel.Cost;

/// <summary>Estimates of calls by function name, as Kubernetes makes them for its own libraries and for strings.</summary>
internal static class CallCosts
{
    private const ulong MaxNameFormatRegexSize = 128;
    private const ulong MaxFormatSize = 64;

    // The shortest requirement of a selector is two characters; each one makes a struct and a list.
    private const double RequirementsPerCharacter = 0.5;
    private const double CostPerRequirement = RuntimeCost.ListCreation + RuntimeCost.StructCreation;

    public static CelCostEstimate Selector(CelSizeEstimate length) => CelCostEstimate.Fixed(RuntimeCost.ListCreation)
        .Add(length.Times(RuntimeCost.StringFactor))
        .Add(length.Times(RequirementsPerCharacter).Times(CostPerRequirement));

    public static CallEstimate? Estimate(CostEstimator e, string function, string overloadId, CostNode? target, IReadOnlyList<CostNode> args)
    {
        switch (function)
        {
            case "check":
                return CallEstimate.Fixed(RuntimeCost.AuthorizationCheck);
            case "serviceAccount" or "path" or "group" or "resource" or "subresource" or "namespace" or "name" or "allowed" or "reason" or "error" or "errored":
            case "masked" or "prefixLength" or "family" or "isUnspecified" or "isLoopback" or "isLinkLocalMulticast" or "isLinkLocalUnicast" or "isGlobalUnicast":
            case "sign" or "asInteger" or "isInteger" or "asApproximateFloat" or "isGreaterThan" or "isLessThan" or "compareTo" or "add" or "sub" or "major" or "minor" or "patch":
            case "getScheme" or "getHostname" or "getHost" or "getPort" or "getEscapedPath" or "getQuery" or "format.named":
                return CallEstimate.Fixed(1);
            case "fieldSelector" or "labelSelector" when args.Count == 1:
                return new(Selector(e.SizeOf(args[0])));
            case "isSorted" or "sum" or "max" or "min" or "indexOf" or "lastIndexOf" or "includes" when target is not null:
                return ListWalk(e, function, target);
            case "url" or "jsonpatch.escapeKey" when args.Count == 1:
                return Walk(e.SizeOf(args[0]), keepsSize: true);
            case "lowerAscii" or "upperAscii" or "substring" or "trim" when target is not null:
                return Walk(e.SizeOf(target), keepsSize: true);
            case "replace" when target is not null && args.Count >= 2:
                return Replace(e.SizeOf(target), e.SizeOf(args[0]), e.SizeOf(args[1]));
            case "split" when target is not null:
                return Split(e.SizeOf(target), args);
            case "join" when target is not null:
                return Join(e, target, args);
            case "find" or "findAll" when target is not null && args.Count >= 1:
                return Find(e.SizeOf(target), e.SizeOf(args[0]));
            case "ip" when overloadId == "cidr_ip":
                return CallEstimate.Fixed(1);
            case "cidr" or "isIP" or "isCIDR" or "ip" or "quantity" or "isQuantity" or "semver" or "isSemver" when args.Count >= 1:
                return Walk(e.SizeOf(args[0]), keepsSize: false);
            case "ip.isCanonical" when args.Count >= 1:
                return new(e.SizeOf(args[0]).Times(2 * RuntimeCost.StringFactor));
            case "containsIP" or "containsCIDR" when args.Count >= 1:
                return Contains(e, function, overloadId, args[0]);
            case "validate" when args.Count >= 1:
                return new(e.SizeOf(args[0]).Times(RuntimeCost.StringFactor).Times(MaxNameFormatRegexSize * RuntimeCost.RegexFactor));
            case Operators.Equal when args.Count == 2:
                return Equality(args[0], args[1]);
            default:
                return null;
        }
    }

    private static CallEstimate Walk(CelSizeEstimate size, bool keepsSize) => new(size.Times(RuntimeCost.StringFactor), keepsSize ? size : null);

    private static CallEstimate ListWalk(CostEstimator e, string function, CostNode target)
    {
        var perElement = CelCostEstimate.Fixed(1);
        if (e.ElementOf(target) is { } element)
        {
            if (element.Type.Kind is CelTypeKind.String or CelTypeKind.Bytes)
                perElement = perElement.Add(e.SizeOf(element).Times(RuntimeCost.StringFactor));
            return new(e.SizeOf(target).Times(perElement));
        }
        return new(function == "includes" ? e.SizeOf(target).Times(perElement) : e.SizeOf(target).Times(RuntimeCost.StringFactor));
    }

    private static CallEstimate Replace(CelSizeEstimate text, CelSizeEstimate old, CelSizeEstimate with)
    {
        // The longest result: an empty pattern puts the replacement around each character.
        ulong maxCount = 0, maxKept = 0, minCount = 0, minKept = 0;
        if (old.Min == 0)
            (maxCount, maxKept) = (Saturating.Add(text.Max, 1), text.Max);
        else if (with.Max <= old.Min)
            maxKept = text.Max;
        else
            maxCount = Saturating.DivideUp(text.Max, old.Min);
        if (old.Max == 0)
            (minCount, minKept) = (Saturating.Add(text.Min, 1), text.Min);
        else if (old.Max <= with.Min)
            minKept = text.Min;
        else
            minCount = Saturating.DivideUp(text.Min, old.Max);
        var size = new CelSizeEstimate(minCount, maxCount).Multiply(with).Add(new(minKept, maxKept));
        return new(text.Times(2 * RuntimeCost.StringFactor), size);
    }

    private static CallEstimate Split(CelSizeEstimate text, IReadOnlyList<CostNode> args)
    {
        var max = args.Count > 1 && args[1].Expr is LiteralExpr { Value.Kind: CelKind.Int } limit ? unchecked((ulong)limit.Value.AsInt) : text.Max;
        return new(text.Times(2 * RuntimeCost.StringFactor), new(0, max));
    }

    private static CallEstimate Join(CostEstimator e, CostNode target, IReadOnlyList<CostNode> args)
    {
        var count = e.SizeOf(target);
        var size = e.ElementOf(target) is { } element ? count.Multiply(e.SizeOf(element)) : default;
        if (args.Count > 0)
        {
            var separators = new CelSizeEstimate(count.Min > 0 ? count.Min - 1 : 0, count.Max > 0 ? count.Max - 1 : 0);
            size = size.Add(e.SizeOf(args[0]).Multiply(separators));
        }
        return new(size.Times(RuntimeCost.StringFactor), size);
    }

    private static CallEstimate Find(CelSizeEstimate text, CelSizeEstimate pattern) => new(Matches(text, pattern), new(0, text.Max));

    /// <summary>A match walks the text once for each part of the pattern; one is added so that an empty text is not free.</summary>
    public static CelCostEstimate Matches(CelSizeEstimate text, CelSizeEstimate pattern) =>
        text.Add(CelSizeEstimate.Fixed(1)).Times(RuntimeCost.StringFactor).Multiply(pattern.Times(RuntimeCost.RegexFactor));

    private static CallEstimate Contains(CostEstimator e, string function, string overloadId, CostNode other)
    {
        // Addresses are 4 or 16 bytes.
        var address = new CelSizeEstimate(4, 16);
        var cost = address.Add(address).Times(RuntimeCost.StringFactor);
        if (function == "containsCIDR")
            cost = cost.Add(address.Times(RuntimeCost.StringFactor)).Add(CelCostEstimate.Fixed(1));
        if (overloadId is "cidr_contains_ip_string" or "cidr_contains_cidr_string")
            cost = cost.Add(e.SizeOf(other).Times(RuntimeCost.StringFactor));
        return new(cost);
    }

    private static CallEstimate? Equality(CostNode left, CostNode right)
    {
        if (!left.Type.Equals(right.Type))
            return null;
        return left.Type.Name switch
        {
            "net.IP" or "net.CIDR" or "kubernetes.Quantity" or "kubernetes.Semver" => CallEstimate.Fixed(1),
            "kubernetes.authorization.Authorizer" or "kubernetes.authorization.PathCheck" or "kubernetes.authorization.GroupCheck"
                or "kubernetes.authorization.ResourceCheck" or "kubernetes.authorization.Decision" => CallEstimate.Fixed(1),
            "kubernetes.NamedFormat" => new(new CelCostEstimate(1, MaxFormatSize).Times(RuntimeCost.StringFactor)),
            "kubernetes.URL" => new(new CelCostEstimate(1, right.Size?.Max ?? 1).Times(RuntimeCost.StringFactor)),
            _ => null,
        };
    }
}
