using System.Globalization;
using System.Text.Json.Nodes;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>CronJobs and their schedules.</summary>
internal static class CronJobValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");
    private static readonly string[] Shorthands = ["@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"];
    private static readonly (string Name, int Min, int Max, string[] Names)[] Fields =
    [
        ("minute", 0, 59, []), ("hour", 0, 23, []), ("day of month", 1, 31, []),
        ("month", 1, 12, ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"]),
        ("day of week", 0, 6, ["sun", "mon", "tue", "wed", "thu", "fri", "sat"]),
    ];

    public static void Validate(FieldErrors errors, JsonObject value, JsonObject? old)
    {
        // Jobs get eleven characters more than their CronJob and must stay within a label.
        if (old is null && value.MetaName().Length > 52)
            errors.Invalid(FieldPath.Of("metadata").Child("name"), value.MetaName(), "must be no more than 52 characters");
        var spec = value.Obj("spec") ?? [];
        var schedule = spec.Str("schedule");
        if (schedule.Length == 0)
            errors.Required(Spec.Child("schedule"), "");
        // What an older server took may stay.
        else if (schedule.Contains("TZ", StringComparison.Ordinal) && old?.Obj("spec").Str("schedule") != schedule)
            errors.Invalid(Spec.Child("schedule"), schedule, "cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
        else if (!schedule.Contains("TZ", StringComparison.Ordinal) && CheckSchedule(schedule) is { } complaint)
            errors.Invalid(Spec.Child("schedule"), schedule, complaint);
        Checks.NonNegative(errors, spec, Spec, "startingDeadlineSeconds");
        if (old is null || old.Obj("spec").StrOrNull("timeZone") != spec.StrOrNull("timeZone"))
            TimeZone(errors, spec);
        Checks.OneOf(errors, spec, Spec, "concurrencyPolicy", isRequired: true, "Allow", "Forbid", "Replace");
        var (job, path) = (spec.Obj("jobTemplate", "spec") ?? [], Spec.Child("jobTemplate", "spec"));
        JobValidation.Spec(errors, job, path);
        if (job.Has("selector"))
            errors.Invalid(path.Child("selector"), job["selector"], "`selector` will be auto-generated");
        if (job.Bool("manualSelector"))
            errors.NotSupported(path.Child("manualSelector"), true, "nil", "false");
        Checks.NonNegative(errors, spec, Spec, "successfulJobsHistoryLimit", "failedJobsHistoryLimit");
    }

    /// <summary>Null when the schedule is a good one.</summary>
    public static string? CheckSchedule(string schedule)
    {
        if (schedule.StartsWith('@'))
        {
            if (Shorthands.Contains(schedule) || schedule.StartsWith("@every ", StringComparison.Ordinal))
                return null;
            return $"unrecognized descriptor: {schedule}";
        }
        var parts = schedule.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries);
        if (parts.Length != Fields.Length)
            return $"expected exactly 5 fields, found {parts.Length}: [{string.Join(' ', parts)}]";
        for (var i = 0; i < parts.Length; i++)
        {
            foreach (var range in parts[i].Split(','))
            {
                if (CheckRange(range, Fields[i]) is { } complaint)
                    return complaint;
            }
        }
        return null;
    }

    private static string? CheckRange(string text, (string Name, int Min, int Max, string[] Names) field)
    {
        var steps = text.Split('/');
        if (steps.Length > 2)
            return $"too many slashes: {text}";
        var ends = steps[0].Split('-');
        if (ends.Length > 2)
            return $"too many hyphens: {text}";
        int start, end;
        if (steps[0] is "*" or "?")
        {
            (start, end) = (field.Min, field.Max);
        }
        else
        {
            if (!TryNumber(ends[0], field.Names, out start))
                return $"failed to parse int from {ends[0]}: strconv.Atoi: parsing \"{ends[0]}\": invalid syntax";
            end = start;
            if (ends.Length == 2 && !TryNumber(ends[1], field.Names, out end))
                return $"failed to parse int from {ends[1]}: strconv.Atoi: parsing \"{ends[1]}\": invalid syntax";
        }
        if (steps.Length == 2 && (!int.TryParse(steps[1], NumberStyles.None, CultureInfo.InvariantCulture, out var step) || step == 0))
            return $"step of range should be a positive number: {text}";
        if (start < field.Min)
            return $"beginning of range ({start}) below minimum ({field.Min}): {text}";
        if (end > field.Max)
            return $"end of range ({end}) above maximum ({field.Max}): {text}";
        return start > end ? $"beginning of range ({start}) beyond end of range ({end}): {text}" : null;
    }

    private static bool TryNumber(string text, string[] names, out int number)
    {
        var index = Array.IndexOf(names, text.ToLowerInvariant());
        number = names.Length == 12 ? index + 1 : index;
        return index >= 0 || int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out number);
    }

    private static void TimeZone(FieldErrors errors, JsonObject spec)
    {
        if (spec.StrOrNull("timeZone") is not { } zone)
            return;
        var path = Spec.Child("timeZone");
        if (zone.Length == 0)
            errors.Invalid(path, zone, "timeZone must be nil or non-empty string");
        else if (string.Equals(zone, "Local", StringComparison.OrdinalIgnoreCase))
            errors.Invalid(path, zone, "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones");
        else if (!TimeZoneInfo.TryFindSystemTimeZoneById(zone, out _))
            errors.Invalid(path, zone, $"unknown time zone {zone}");
    }
}
