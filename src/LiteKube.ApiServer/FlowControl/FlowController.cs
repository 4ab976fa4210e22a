using System.Text.Json.Nodes;
using LiteKube.ApiServer.Authentication;
using LiteKube.ApiServer.Registry;

namespace LiteKube.ApiServer.FlowControl;

/// <summary>
/// The configuration in force: which FlowSchema a request falls under, and the priority levels with their seats
/// (https://kubernetes.io/docs/concepts/cluster-administration/flow-control/). Requests read it without a lock.
/// </summary>
internal sealed class FlowController
{
    private readonly int _seats;
    private readonly TimeProvider _time;
    private readonly Lock _lock = new();
    private readonly Dictionary<(string Level, string Schema), FlowSeries> _series = [];
    private Dictionary<string, PriorityLevel> _levels = new(StringComparer.Ordinal);
    private volatile FlowTarget[] _targets = [];
    private volatile IReadOnlyList<PriorityLevel> _active = [];

    /// <param name="seats">Requests that the server answers at a time, exempt ones aside.</param>
    public FlowController(int seats, TimeProvider time)
    {
        (_seats, _time) = (seats, time);
        Digest([], []);
    }

    /// <summary>In order of matching.</summary>
    public IReadOnlyList<FlowTarget> Targets => _targets;

    public IReadOnlyList<PriorityLevel> Levels => _active;

    /// <summary>The fraction of its target that each level got at the last adjustment.</summary>
    public double FairFraction { get; private set; }

    public bool HasLevel(string name)
    {
        lock (_lock) return _levels.ContainsKey(name);
    }

    public FlowTarget Classify(UserInfo user, RequestInfo info)
    {
        var targets = _targets;
        foreach (var target in targets)
        {
            if (target.Schema.Matches(user, info)) return target;
        }
        // catch-all matches whoever is or is not authenticated; a user in neither group falls to it as well.
        return targets[^1];
    }

    /// <summary>The counts at every level; they go on counting.</summary>
    public IReadOnlyList<(string Level, string Schema, FlowSeries Series)> Series()
    {
        lock (_lock) return [.. _series.Select(s => (s.Key.Level, s.Key.Schema, s.Value))];
    }

    /// <summary>Puts the objects into force. Schemas that lead nowhere are left out; what every server must have is imagined where it is missing.</summary>
    public void Digest(IReadOnlyList<JsonObject> schemas, IReadOnlyList<JsonObject> levels)
    {
        lock (_lock)
        {
            var specs = new Dictionary<string, PriorityLevelSpec>(StringComparer.Ordinal);
            foreach (var value in levels.Concat(BootstrapConfiguration.MandatoryLevels))
            {
                if (PriorityLevelSpec.TryRead(value) is { } spec) specs.TryAdd(spec.Name, spec);
            }
            var next = new Dictionary<string, PriorityLevel>(StringComparer.Ordinal);
            foreach (var name in specs.Keys) next[name] = _levels.GetValueOrDefault(name) ?? new PriorityLevel(name, _time);
            ShareSeats(next, specs);
            _levels = next;
            _targets = Bind(schemas, specs);
            _active = [.. next.Values.OrderBy(l => l.Name, StringComparer.Ordinal)];
            AdjustLimits();
        }
    }

    /// <summary>Levels lend what they do not use to those that could use more; upstream does it every ten seconds.</summary>
    public void Rebalance()
    {
        lock (_lock) AdjustLimits();
    }

    private FlowTarget[] Bind(IReadOnlyList<JsonObject> values, Dictionary<string, PriorityLevelSpec> specs)
    {
        var schemas = values.Select(FlowSchema.From).Where(s => specs.ContainsKey(s.LevelName))
            .OrderBy(s => s.Precedence).ThenBy(s => s.Name, StringComparer.Ordinal).ToList();
        var mandatory = BootstrapConfiguration.MandatorySchemas;
        if (!schemas.Exists(s => s.Name == FlowSchema.Exempt)) schemas.Insert(0, FlowSchema.From(mandatory.First(s => s.MetaName() == FlowSchema.Exempt)));
        // Whatever shares its precedence with catch-all goes before it, so that it is the last one.
        var last = schemas.Find(s => s.Name == FlowSchema.CatchAll) ?? FlowSchema.From(mandatory.First(s => s.MetaName() == FlowSchema.CatchAll));
        schemas.Remove(last);
        schemas.Add(last);
        var targets = schemas.Select(s => new FlowTarget(s, specs[s.LevelName], _levels[s.LevelName], SeriesOf(s.LevelName, s.Name))).ToArray();
        var bound = targets.Select(t => t.Series).ToHashSet();
        foreach (var (key, series) in _series.Where(s => !bound.Contains(s.Value) && s.Value.IsIdle).ToList()) _series.Remove(key);
        return targets;
    }

    private FlowSeries SeriesOf(string level, string schema)
    {
        if (!_series.TryGetValue((level, schema), out var series)) _series[(level, schema)] = series = new FlowSeries();
        return series;
    }

    private void ShareSeats(Dictionary<string, PriorityLevel> levels, Dictionary<string, PriorityLevelSpec> specs)
    {
        double shares = specs.Values.Sum(s => (long)s.Shares);
        foreach (var (name, spec) in specs)
        {
            // Rounded up: the sum may be a little more than the server's.
            var nominal = (int)Math.Ceiling(_seats * (spec.Shares / shares));
            var lendable = (int)Math.Round(nominal * spec.LendablePercent / 100.0, MidpointRounding.AwayFromZero);
            var borrowing = spec.BorrowingLimitPercent is { } percent ? (int)Math.Min(int.MaxValue / 2, Math.Round(nominal * (percent / 100.0), MidpointRounding.AwayFromZero)) : _seats;
            levels[name].Configure(spec, nominal, nominal - lendable, nominal + borrowing);
        }
    }

    private void AdjustLimits()
    {
        var total = _levels.Values.Sum(l => l.Nominal);
        var remaining = total;
        var limited = new List<(PriorityLevel Level, SeatClaim Claim)>();
        foreach (var level in _levels.Values)
        {
            var (highest, smoothed) = level.CloseDemandPeriod();
            if (level.IsExempt)
            {
                var used = Math.Max(level.Lower, highest);
                level.SetLimit(used);
                remaining -= used;
                continue;
            }
            // It keeps what it used up to its nominal seats, and never lends what it may not.
            var least = Math.Max(level.Lower, Math.Min(level.Nominal, highest));
            limited.Add((level, new SeatClaim(Math.Max(least, smoothed), least, level.Upper)));
        }
        var lower = limited.Sum(l => l.Level.Lower);
        var wanted = limited.Sum(l => (int)l.Claim.Lower);
        FairFraction = 0;
        if (remaining <= wanted)
        {
            // Exempt requests took so much that not even these can be had: what is above the lower bounds is cut evenly.
            var fraction = remaining <= lower ? 0 : (double)(remaining - lower) / (wanted - lower);
            foreach (var (level, claim) in limited) level.SetLimit(level.Lower + (int)Math.Round((claim.Lower - level.Lower) * fraction, MidpointRounding.AwayFromZero));
            return;
        }
        if (SeatAllocation.Compute(total, limited.ConvertAll(l => l.Claim).ToArray(), out var fair) is not { } shares) return;
        FairFraction = fair;
        for (var i = 0; i < shares.Length; i++) limited[i].Level.SetLimit((int)Math.Round(shares[i], MidpointRounding.AwayFromZero));
    }
}
