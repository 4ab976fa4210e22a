using CsCheck;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Tests.Values;

public class TimeTests
{
    [Theory]
    [InlineData("2024-05-01T10:20:30Z", "2024-05-01T10:20:30Z")]
    [InlineData("2024-05-01T10:20:30.999Z", "2024-05-01T10:20:30Z")]
    [InlineData("2024-05-01T10:20:30+02:00", "2024-05-01T08:20:30Z")]
    [InlineData("2023-12-31T23:30:00-01:00", "2024-01-01T00:30:00Z")]
    public void A_time_is_written_in_UTC_to_the_second(string text, string expected) =>
        Assert.Equal(expected, KubernetesTime.Format(KubernetesTime.Parse(text)));

    [Theory]
    [InlineData("2024-05-01", "parsing time \"2024-05-01\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"\" as \"T\"")]
    [InlineData("soon", "parsing time \"soon\" as \"2006-01-02T15:04:05Z07:00\": cannot parse \"soon\" as \"2006\"")]
    [InlineData("2024-13-01T10:20:30Z", "parsing time \"2024-13-01T10:20:30Z\": month out of range")]
    [InlineData("2024-02-30T10:20:30Z", "parsing time \"2024-02-30T10:20:30Z\": day out of range")]
    [InlineData("2024-05-01T10:20:30Zx", "parsing time \"2024-05-01T10:20:30Zx\": extra text: \"x\"")]
    public void What_is_no_time_is_refused_in_the_words_of_Go(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => KubernetesTime.Parse(text)).Message);

    [Fact]
    public void A_micro_time_has_six_digits()
    {
        Assert.Equal("2024-05-01T08:20:30.120000Z", KubernetesTime.FormatMicro(KubernetesTime.ParseMicro("2024-05-01T10:20:30.120000+02:00")));
        Assert.Equal(
            "parsing time \"2024-05-01T10:20:30Z\" as \"2006-01-02T15:04:05.000000Z07:00\": cannot parse \"Z\" as \".000000\"",
            Assert.Throws<FormatException>(() => KubernetesTime.ParseMicro("2024-05-01T10:20:30Z")).Message);
    }

    [Theory]
    [InlineData("1h0m0s", "1h0m0s")]
    [InlineData("90s", "1m30s")]
    [InlineData("1.5h", "1h30m0s")]
    [InlineData("100ms", "100ms")]
    [InlineData("-2m", "-2m0s")]
    [InlineData("0", "0s")]
    [InlineData("1s500ms", "1.5s")]
    [InlineData("1500us", "1.5ms")]
    public void A_duration_is_written_as_Go_writes_it(string text, string expected) =>
        Assert.Equal(expected, GoDuration.Format(GoDuration.Parse(text)));

    [Fact]
    public void A_duration_reads_back_as_itself() =>
        Gen.Long[-1_000_000_000_000_000, 1_000_000_000_000_000].Sample(ticks => GoDuration.Parse(GoDuration.Format(new TimeSpan(ticks))).Ticks == ticks);

    [Fact]
    public void A_percentage_is_of_the_total()
    {
        Assert.Equal(3, IntOrPercent.Scale("25%", 10, roundUp: true));
        Assert.Equal(2, IntOrPercent.Scale("25%", 10, roundUp: false));
        Assert.Equal(7, IntOrPercent.Scale(System.Text.Json.Nodes.JsonValue.Create(7), 10, roundUp: false));
        Assert.Throws<FormatException>(() => IntOrPercent.Scale("lots", 10, roundUp: true));
    }
}
