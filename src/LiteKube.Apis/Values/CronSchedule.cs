using System.Globalization;
using LiteKube.Apis.Codec;

namespace LiteKube.Apis.Values;

/// <summary>
/// When a CronJob is due (https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#schedule-syntax): five fields
/// in a time zone, "@hourly" and its like, or "@every 1h30m". Times that a change to summer time leaves out are left out,
/// as the library that Kubernetes uses (robfig/cron v3) has it.
/// </summary>
public sealed class CronSchedule
{
    private const ulong Star = 1UL << 63;
    private const int YearsAhead = 5;
    private static readonly Field Minutes = new(0, 59, []);
    private static readonly Field Hours = new(0, 23, []);
    private static readonly Field DaysOfMonth = new(1, 31, []);
    private static readonly Field Months = new(1, 12, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]);
    private static readonly Field DaysOfWeek = new(0, 6, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]);

    private readonly TimeZoneInfo _zone;
    private readonly TimeSpan _every;
    private readonly ulong _minutes;
    private readonly ulong _hours;
    private readonly ulong _daysOfMonth;
    private readonly ulong _months;
    private readonly ulong _daysOfWeek;

    private CronSchedule(string[] fields, TimeZoneInfo zone)
    {
        _zone = zone;
        (_minutes, _hours, _daysOfMonth, _months, _daysOfWeek) =
            (Minutes.Read(fields[0]), Hours.Read(fields[1]), DaysOfMonth.Read(fields[2]), Months.Read(fields[3]), DaysOfWeek.Read(fields[4]));
    }

    private CronSchedule(TimeSpan every) => (_zone, _every) = (TimeZoneInfo.Utc, every);

    /// <param name="text">A prefix "TZ=Europe/Berlin " or "CRON_TZ=..." goes before <paramref name="zone"/>; new CronJobs may not have one.</param>
    /// <exception cref="FormatException">In the words of robfig/cron.</exception>
    public static CronSchedule Parse(string text, TimeZoneInfo zone)
    {
        if (text.Length == 0)
            throw new FormatException("empty spec string");
        if (text.StartsWith("TZ=", StringComparison.Ordinal) || text.StartsWith("CRON_TZ=", StringComparison.Ordinal))
        {
            var end = text.IndexOf(' ', StringComparison.Ordinal);
            var name = text[(text.IndexOf('=', StringComparison.Ordinal) + 1)..(end < 0 ? text.Length : end)];
            zone = TimeZoneInfo.TryFindSystemTimeZoneById(name, out var found) ? found : throw new FormatException($"provided bad location {name}: unknown time zone {name}");
            text = end < 0 ? "" : text[end..].Trim();
        }
        if (text.StartsWith('@'))
            return Descriptor(text, zone);
        var fields = text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return fields.Length == 5 ? new CronSchedule(fields, zone) : throw new FormatException($"expected exactly 5 fields, found {fields.Length}: [{string.Join(' ', fields)}]");
    }

    /// <summary>The first time after <paramref name="time"/>, in UTC; null when the next five years have none (31 February).</summary>
    public DateTimeOffset? Next(DateTimeOffset time)
    {
        var second = new DateTimeOffset(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
        return _every > TimeSpan.Zero ? second + _every : Search(second.AddSeconds(1));
    }

    private static CronSchedule Descriptor(string text, TimeZoneInfo zone)
    {
        const string Every = "@every ";
        if (text.StartsWith(Every, StringComparison.Ordinal))
        {
            try
            {
                var every = GoDuration.Parse(text[Every.Length..]);
                return new CronSchedule(TimeSpan.FromSeconds(Math.Max(1, Math.Floor(every.TotalSeconds))));
            }
            catch (FormatException e)
            {
                throw new FormatException($"failed to parse duration {text}: {e.Message}", e);
            }
        }
        var fields = text switch
        {
            "@yearly" or "@annually" => "0 0 1 1 *",
            "@monthly" => "0 0 1 * *",
            "@weekly" => "0 0 * * 0",
            "@daily" or "@midnight" => "0 0 * * *",
            "@hourly" => "0 * * * *",
            _ => throw new FormatException($"unrecognized descriptor: {text}"),
        };
        return new CronSchedule(fields.Split(' '), zone);
    }

    /// <summary>Goes on by whole months, days, hours and minutes until each field matches, starting over whenever a larger unit turns.</summary>
    private DateTimeOffset? Search(DateTimeOffset from)
    {
        var time = TimeZoneInfo.ConvertTime(from, _zone);
        var lastYear = time.Year + YearsAhead;
        while (time.Year <= lastYear)
        {
            if (!Has(_months, time.Month))
            {
                time = At(new DateTime(time.Year, time.Month, 1).AddMonths(1));
            }
            else if (!MatchesDay(time))
            {
                time = At(time.DateTime.Date.AddDays(1));
            }
            else if (!Has(_hours, time.Hour))
            {
                time = Move(time, TimeSpan.FromHours(1) - new TimeSpan(0, time.Minute, time.Second));
            }
            else if (time.Second != 0)
            {
                time = Move(time, TimeSpan.FromSeconds(60 - time.Second));
            }
            else if (!Has(_minutes, time.Minute))
            {
                time = Move(time, TimeSpan.FromMinutes(1));
            }
            else
            {
                return time.ToUniversalTime();
            }
        }
        return null;
    }

    private DateTimeOffset Move(DateTimeOffset time, TimeSpan by) => TimeZoneInfo.ConvertTime(time.ToUniversalTime() + by, _zone);

    /// <summary>A local time; one that does not exist is moved on by the hour that is left out.</summary>
    private DateTimeOffset At(DateTime local)
    {
        var offset = _zone.IsInvalidTime(local) ? _zone.GetUtcOffset(local.AddHours(-2))
            : _zone.IsAmbiguousTime(local) ? _zone.GetAmbiguousTimeOffsets(local).Max()
            : _zone.GetUtcOffset(local);
        return TimeZoneInfo.ConvertTime(new DateTimeOffset(DateTime.SpecifyKind(local, DateTimeKind.Unspecified), offset), _zone);
    }

    /// <summary>Of two restricted day fields one is enough; a star leaves the matter to the other.</summary>
    private bool MatchesDay(DateTimeOffset time)
    {
        var (month, week) = (Has(_daysOfMonth, time.Day), Has(_daysOfWeek, (int)time.DayOfWeek));
        return (_daysOfMonth & Star) != 0 || (_daysOfWeek & Star) != 0 ? month && week : month || week;
    }

    private static bool Has(ulong bits, int value) => (bits & (1UL << value)) != 0;

    private sealed record Field(int Min, int Max, string[] Names)
    {
        public ulong Read(string text)
        {
            ulong bits = 0;
            foreach (var range in text.Split(',', StringSplitOptions.RemoveEmptyEntries))
                bits |= ReadRange(range);
            return bits;
        }

        private ulong ReadRange(string text)
        {
            var parts = text.Split('/');
            var ends = parts[0].Split('-');
            var (start, end, step, star) = (Min, Max, 1, Star);
            if (ends[0] is not ("*" or "?"))
            {
                start = Number(ends[0]);
                end = ends.Length switch { 1 => start, 2 => Number(ends[1]), _ => throw new FormatException($"too many hyphens: {text}") };
                star = 0;
            }
            if (parts.Length > 2)
                throw new FormatException($"too many slashes: {text}");
            if (parts.Length == 2)
            {
                step = Integer(parts[1]);
                // "5/15" goes on from 5.
                if (ends.Length == 1)
                    end = Max;
                if (step > 1)
                    star = 0;
            }
            if (start < Min)
                throw new FormatException($"beginning of range ({start}) below minimum ({Min}): {text}");
            if (end > Max)
                throw new FormatException($"end of range ({end}) above maximum ({Max}): {text}");
            if (start > end)
                throw new FormatException($"beginning of range ({start}) beyond end of range ({end}): {text}");
            if (step == 0)
                throw new FormatException($"step of range should be a positive number: {text}");
            for (var i = start; i <= end; i += Math.Min(step, Max + 1))
                star |= 1UL << i;
            return star;
        }

        private int Number(string text)
        {
            var name = Array.IndexOf(Names, text.ToLowerInvariant());
            return name >= 0 ? name + Min : Integer(text);
        }

        private static int Integer(string text)
        {
            if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            {
                var cause = text.Length > 0 && text.TrimStart('+', '-').All(char.IsAsciiDigit) && text.Any(char.IsAsciiDigit) ? "value out of range" : "invalid syntax";
                throw new FormatException($"failed to parse int from {text}: strconv.Atoi: parsing {GoText.Quote(text)}: {cause}");
            }
            return number < 0 ? throw new FormatException($"negative number ({number}) not allowed: {text}") : (int)Math.Min(number, int.MaxValue);
        }
    }
}
