using System.Text.Json.Nodes;
using LiteKube.Apis.Values;

namespace LiteKube.ApiServer.Registry.Strategies;

/// <summary>CronJobs and their schedules.</summary>
internal static class CronJobValidation
{
    private static readonly FieldPath Spec = FieldPath.Of("spec");

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

    private static string? CheckSchedule(string schedule)
    {
        try
        {
            CronSchedule.Parse(schedule, TimeZoneInfo.Utc);
            return null;
        }
        catch (FormatException e)
        {
            return e.Message;
        }
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
