using System.Globalization;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Tests.Values;

public sealed class CronScheduleTests
{
    [Theory]
    [InlineData("* * * * *", "2026-01-01T12:00:00Z", "2026-01-01T12:01:00Z")]
    [InlineData("* * * * *", "2026-01-01T12:00:59Z", "2026-01-01T12:01:00Z")]
    [InlineData("*/15 * * * ?", "2026-01-01T12:45:00Z", "2026-01-01T13:00:00Z")]
    [InlineData("5/20 * * * *", "2026-01-01T12:25:00Z", "2026-01-01T12:45:00Z")]
    [InlineData("30 6-16/4 * * 1-5", "2026-01-02T14:30:00Z", "2026-01-05T06:30:00Z")]
    [InlineData("0 0 29 2 *", "2026-01-01T00:00:00Z", "2028-02-29T00:00:00Z")]
    [InlineData("0 0 1 1 *", "2026-01-01T00:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("0 0 * JAN,mar Sun", "2026-01-25T00:00:00Z", "2026-03-01T00:00:00Z")]
    [InlineData("@hourly", "2026-01-01T12:00:00Z", "2026-01-01T13:00:00Z")]
    [InlineData("@weekly", "2026-01-01T12:00:00Z", "2026-01-04T00:00:00Z")]
    [InlineData("@yearly", "2026-01-01T12:00:00Z", "2027-01-01T00:00:00Z")]
    [InlineData("@every 90s", "2026-01-01T12:00:07Z", "2026-01-01T12:01:37Z")]
    [InlineData("@every 10ms", "2026-01-01T12:00:07Z", "2026-01-01T12:00:08Z")]
    // Of two restricted day fields one is enough; a star, also one in steps of one, leaves the matter to the other.
    [InlineData("0 0 13 * 5", "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")]
    [InlineData("0 0 13 * */1", "2026-01-01T00:00:00Z", "2026-01-13T00:00:00Z")]
    [InlineData("0 0 */2 * 1", "2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z")]
    [InlineData("TZ=Europe/Berlin 0 8 * * *", "2026-01-01T12:00:00Z", "2026-01-02T07:00:00Z")]
    public void The_next_time_is_found(string schedule, string from, string expected) =>
        Assert.Equal(Time(expected), CronSchedule.Parse(schedule, TimeZoneInfo.Utc).Next(Time(from)));

    [Theory]
    // Summer time begins on 29 March 2026 at 02:00 in Berlin: the hour from two to three does not exist.
    [InlineData("30 2 * * *", "2026-03-28T12:00:00Z", "2026-03-30T00:30:00Z")]
    [InlineData("0 3 * * *", "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z")]
    // It ends on 25 October at 03:00: the hour from two to three comes twice.
    [InlineData("30 2 * * *", "2026-10-24T12:00:00Z", "2026-10-25T00:30:00Z")]
    [InlineData("30 2 * * *", "2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z")]
    [InlineData("0 0 * * *", "2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")]
    public void Summer_time_is_kept(string schedule, string from, string expected) =>
        Assert.Equal(Time(expected), CronSchedule.Parse(schedule, TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin")).Next(Time(from)));

    [Fact]
    public void A_day_that_never_comes_has_no_next_time() => Assert.Null(CronSchedule.Parse("0 0 31 2 *", TimeZoneInfo.Utc).Next(Time("2026-01-01T00:00:00Z")));

    [Fact]
    public void A_schedule_gives_each_time_that_its_fields_name()
    {
        var schedule = CronSchedule.Parse("7,40 */5 1-10 * 2", TimeZoneInfo.Utc);
        var expected = new List<DateTimeOffset>();
        for (var time = Time("2026-01-01T00:00:00Z"); time < Time("2026-04-01T00:00:00Z"); time = time.AddMinutes(1))
        {
            if (time.Minute is 7 or 40 && time.Hour % 5 == 0 && (time.Day <= 10 || time.DayOfWeek == DayOfWeek.Tuesday))
                expected.Add(time);
        }
        var actual = new List<DateTimeOffset>();
        for (var next = schedule.Next(Time("2025-12-31T23:59:59Z")); next < Time("2026-04-01T00:00:00Z"); next = schedule.Next(next.Value))
            actual.Add(next.Value);
        Assert.Equal(expected, actual);
    }

    [Theory]
    [InlineData("", "empty spec string")]
    [InlineData("* * * *", "expected exactly 5 fields, found 4: [* * * *]")]
    [InlineData("60 * * * *", "end of range (60) above maximum (59): 60")]
    [InlineData("* * 0 * *", "beginning of range (0) below minimum (1): 0")]
    [InlineData("* * * * 7", "end of range (7) above maximum (6): 7")]
    [InlineData("9-5 * * * *", "beginning of range (9) beyond end of range (5): 9-5")]
    [InlineData("*/0 * * * *", "step of range should be a positive number: */0")]
    [InlineData("1-2-3 * * * *", "too many hyphens: 1-2-3")]
    [InlineData("*/2/3 * * * *", "too many slashes: */2/3")]
    [InlineData("x * * * *", "failed to parse int from x: strconv.Atoi: parsing \"x\": invalid syntax")]
    [InlineData("* * * foo *", "failed to parse int from foo: strconv.Atoi: parsing \"foo\": invalid syntax")]
    [InlineData("99999999999999999999 * * * *", "failed to parse int from 99999999999999999999: strconv.Atoi: parsing \"99999999999999999999\": value out of range")]
    [InlineData("@fortnightly", "unrecognized descriptor: @fortnightly")]
    [InlineData("@every soon", "failed to parse duration @every soon: time: invalid duration \"soon\"")]
    [InlineData("TZ=Nowhere/City * * * * *", "provided bad location Nowhere/City: unknown time zone Nowhere/City")]
    public void What_is_no_schedule_is_refused_in_the_words_of_robfig_cron(string schedule, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => CronSchedule.Parse(schedule, TimeZoneInfo.Utc)).Message);

    private static DateTimeOffset Time(string text) => DateTimeOffset.Parse(text, CultureInfo.InvariantCulture);
}
