using System.Security.Cryptography;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>
/// Numbers 0..size-1, each held once. Free choice is made from above the static band first, so that what users name
/// themselves (low addresses and ports) is seldom taken already (KEP-3070, KEP-3668).
/// </summary>
internal sealed class NumberAllocator(int size, int staticBand)
{
    private readonly Lock _lock = new();
    private readonly bool[] _used = new bool[size];

    public bool TryTake(int number)
    {
        lock (_lock)
        {
            if (_used[number])
                return false;
            _used[number] = true;
            return true;
        }
    }

    /// <summary>Null when every number is held.</summary>
    public int? TakeAny()
    {
        lock (_lock)
            return TakeFrom(staticBand, size) ?? TakeFrom(0, staticBand);
    }

    public void Release(int number)
    {
        lock (_lock)
            _used[number] = false;
    }

    private int? TakeFrom(int first, int end)
    {
        if (first >= end)
            return null;
        var start = RandomNumberGenerator.GetInt32(first, end);
        for (var i = 0; i < end - first; i++)
        {
            var number = first + ((start - first + i) % (end - first));
            if (_used[number])
                continue;
            _used[number] = true;
            return number;
        }
        return null;
    }
}
