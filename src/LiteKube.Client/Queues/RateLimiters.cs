namespace LiteKube.Client.Queues;

/// <summary>How long a key that failed has to wait.</summary>
public interface IRateLimiter<in TKey>
{
    TimeSpan When(TKey key);
    void Forget(TKey key);
    int Requeues(TKey key);
}

public static class RateLimiters
{
    /// <summary>client-go's default for controllers: per key 5 ms doubling to 1000 s, over all keys 10 a second with bursts of 100; the longer of the two.</summary>
    public static IRateLimiter<TKey> Default<TKey>(TimeProvider timeProvider) where TKey : notnull =>
        new LongestOf<TKey>(new ExponentialBackoff<TKey>(TimeSpan.FromMilliseconds(5), TimeSpan.FromSeconds(1000)), new Bucket<TKey>(timeProvider, perSecond: 10, burst: 100));

    /// <summary>Only the key's own failures count.</summary>
    public static IRateLimiter<TKey> Exponential<TKey>(TimeSpan first, TimeSpan longest) where TKey : notnull => new ExponentialBackoff<TKey>(first, longest);

    private sealed class LongestOf<TKey>(params IRateLimiter<TKey>[] limiters) : IRateLimiter<TKey> where TKey : notnull
    {
        public TimeSpan When(TKey key)
        {
            var longest = TimeSpan.Zero;
            foreach (var limiter in limiters)
            {
                var delay = limiter.When(key);
                longest = delay > longest ? delay : longest;
            }
            return longest;
        }

        public void Forget(TKey key)
        {
            foreach (var limiter in limiters)
                limiter.Forget(key);
        }

        public int Requeues(TKey key) => limiters.Max(limiter => limiter.Requeues(key));
    }

    private sealed class ExponentialBackoff<TKey>(TimeSpan first, TimeSpan longest) : IRateLimiter<TKey> where TKey : notnull
    {
        private readonly Dictionary<TKey, int> _failures = [];
        private readonly Lock _lock = new();

        public TimeSpan When(TKey key)
        {
            lock (_lock)
            {
                var failures = _failures.GetValueOrDefault(key);
                _failures[key] = failures + 1;
                var delayMs = first.TotalMilliseconds * Math.Pow(2, failures);
                return delayMs >= longest.TotalMilliseconds ? longest : TimeSpan.FromMilliseconds(delayMs);
            }
        }

        public void Forget(TKey key)
        {
            lock (_lock)
                _failures.Remove(key);
        }

        public int Requeues(TKey key)
        {
            lock (_lock)
                return _failures.GetValueOrDefault(key);
        }
    }

    private sealed class Bucket<TKey>(TimeProvider timeProvider, double perSecond, int burst) : IRateLimiter<TKey>
    {
        private readonly TokenBucket _bucket = new(timeProvider, perSecond, burst);

        public TimeSpan When(TKey key) => _bucket.Reserve();
        public void Forget(TKey key) { }
        public int Requeues(TKey key) => 0;
    }
}

/// <summary>A token bucket that may be overdrawn: a reservation says how long to wait for its token.</summary>
internal sealed class TokenBucket(TimeProvider timeProvider, double perSecond, int burst)
{
    private readonly Lock _lock = new();
    private double _tokens = burst;
    private long _last = timeProvider.GetTimestamp();

    public TimeSpan Reserve()
    {
        lock (_lock)
        {
            Refill();
            _tokens -= 1;
            return _tokens >= 0 ? TimeSpan.Zero : TimeSpan.FromSeconds(-_tokens / perSecond);
        }
    }

    public bool TryTake()
    {
        lock (_lock)
        {
            Refill();
            if (_tokens < 1)
                return false;
            _tokens -= 1;
            return true;
        }
    }

    private void Refill()
    {
        var now = timeProvider.GetTimestamp();
        _tokens = Math.Min(burst, _tokens + timeProvider.GetElapsedTime(_last, now).TotalSeconds * perSecond);
        _last = now;
    }
}
