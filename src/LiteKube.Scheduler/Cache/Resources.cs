using System.Runtime.CompilerServices;
using k8s.Models;
using LiteKube.Apis.Values;

namespace LiteKube.Scheduler.Cache;

/// <summary>Amounts of resources: cpu in thousandths of a core, memory and ephemeral storage in bytes, everything else in whole units.</summary>
public sealed class Resources
{
    public const string Cpu = "cpu";
    public const string Memory = "memory";
    public const string EphemeralStorage = "ephemeral-storage";
    public const string Pods = "pods";
    private static readonly ConditionalWeakTable<ResourceQuantity, StrongBox<Quantity>> Parsed = [];

    public long MilliCpu { get; set; }
    public long MemoryBytes { get; set; }
    public long EphemeralStorageBytes { get; set; }

    /// <summary>Only meaningful for a node's allocatable.</summary>
    public long PodCount { get; set; }

    /// <summary>Extended resources and huge pages by name; null when there are none, as for most pods.</summary>
    public Dictionary<string, long>? Others { get; private set; }

    public bool IsEmpty => MilliCpu == 0 && MemoryBytes == 0 && EphemeralStorageBytes == 0 && (Others is null || Others.Count == 0);

    public static Resources From(IDictionary<string, ResourceQuantity>? amounts)
    {
        var result = new Resources();
        if (amounts is null)
            return result;
        foreach (var (name, quantity) in amounts)
            result.Set(name, Amount(name, quantity));
        return result;
    }

    public static long Amount(string name, ResourceQuantity quantity)
    {
        // The model's own conversions go through big fractions, and decoding shares equal quantities: parsed once each.
        var value = Parsed.GetValue(quantity, static known => new StrongBox<Quantity>(Quantity.Parse(known.ToString()))).Value;
        return name == Cpu ? value.ToMilli() : value.ToLong();
    }

    public long Get(string name) => name switch
    {
        Cpu => MilliCpu,
        Memory => MemoryBytes,
        EphemeralStorage => EphemeralStorageBytes,
        Pods => PodCount,
        _ => Others?.GetValueOrDefault(name) ?? 0,
    };

    public void Set(string name, long value)
    {
        switch (name)
        {
            case Cpu:
                MilliCpu = value;
                break;
            case Memory:
                MemoryBytes = value;
                break;
            case EphemeralStorage:
                EphemeralStorageBytes = value;
                break;
            case Pods:
                PodCount = value;
                break;
            default:
                (Others ??= new(StringComparer.Ordinal))[name] = value;
                break;
        }
    }

    public void Add(Resources other, int sign = 1)
    {
        MilliCpu += sign * other.MilliCpu;
        MemoryBytes += sign * other.MemoryBytes;
        EphemeralStorageBytes += sign * other.EphemeralStorageBytes;
        if (other.Others is null)
            return;
        foreach (var (name, value) in other.Others)
            Set(name, Get(name) + sign * value);
    }

    /// <summary>Raises each amount to at least the other's.</summary>
    public void Max(Resources other)
    {
        MilliCpu = Math.Max(MilliCpu, other.MilliCpu);
        MemoryBytes = Math.Max(MemoryBytes, other.MemoryBytes);
        EphemeralStorageBytes = Math.Max(EphemeralStorageBytes, other.EphemeralStorageBytes);
        if (other.Others is null)
            return;
        foreach (var (name, value) in other.Others)
            Set(name, Math.Max(Get(name), value));
    }

    public Resources Copy()
    {
        var copy = new Resources { MilliCpu = MilliCpu, MemoryBytes = MemoryBytes, EphemeralStorageBytes = EphemeralStorageBytes, PodCount = PodCount };
        if (Others is not null)
            copy.Others = new(Others, StringComparer.Ordinal);
        return copy;
    }
}
