namespace LiteKube.Apis.Values;

/// <summary>A resource quantity (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/): exact arithmetic, canonical text.</summary>
public readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    public static Quantity Zero => default;

    /// <exception cref="FormatException">In Kubernetes' words.</exception>
    public static Quantity Parse(string text) => throw new NotImplementedException();
    public static bool TryParse(string? text, out Quantity value) => throw new NotImplementedException();
    public static Quantity FromLong(long value) => throw new NotImplementedException();
    public static Quantity FromMilli(long milli) => throw new NotImplementedException();

    /// <summary>Rounded up, as Kubernetes does.</summary>
    public long ToLong() => throw new NotImplementedException();

    /// <summary>Thousandths, rounded up.</summary>
    public long ToMilli() => throw new NotImplementedException();

    public static Quantity operator +(Quantity a, Quantity b) => throw new NotImplementedException();
    public static Quantity operator -(Quantity a, Quantity b) => throw new NotImplementedException();
    public int CompareTo(Quantity other) => throw new NotImplementedException();
    public bool Equals(Quantity other) => CompareTo(other) == 0;
    public override bool Equals(object? obj) => obj is Quantity q && Equals(q);
    public override int GetHashCode() => throw new NotImplementedException();

    /// <summary>The canonical form: "1500m" for "1.5", "1Gi" for "1024Mi".</summary>
    public override string ToString() => throw new NotImplementedException();
}
