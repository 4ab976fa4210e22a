using CsCheck;
using LiteKube.Apis.Values;

namespace LiteKube.Apis.Tests.Values;

public class QuantityTests
{
    [Theory]
    [InlineData("0", "0")]
    [InlineData("-", "0")]
    [InlineData("1.5", "1500m")]
    [InlineData("1024Mi", "1Gi")]
    [InlineData("1000m", "1")]
    [InlineData("0.5Gi", "512Mi")]
    [InlineData("0.1Gi", "107374182400m")]
    [InlineData("100000", "100k")]
    [InlineData("123456", "123456")]
    [InlineData("1e3", "1e3")]
    [InlineData("12e6", "12e6")]
    [InlineData("1E", "1E")]
    [InlineData("1Ei", "1Ei")]
    [InlineData("0.0000000001", "1n")]
    [InlineData("-1.5", "-1500m")]
    [InlineData("+250M", "250M")]
    [InlineData("512", "512")]
    [InlineData("1000Ki", "1000Ki")]
    [InlineData("0.5Ki", "512")]
    [InlineData("1023Ki", "1023Ki")]
    [InlineData("9223372036854775807Ki", "9223372036854775807")]
    [InlineData("643714950991Ei", "9223372036854775807")]
    [InlineData("4.2", "4200m")]
    [InlineData("100u", "100u")]
    [InlineData(".5", "500m")]
    [InlineData("5.", "5")]
    [InlineData("10e-3", "10e-3")]
    [InlineData("1e4", "10e3")]
    public void A_quantity_is_written_in_its_canonical_form(string text, string canonical) =>
        Assert.Equal(canonical, Quantity.Parse(text).ToString());

    [Theory]
    [InlineData("", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("1x", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("1.2.3", "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'")]
    [InlineData("1ki", "unable to parse quantity's suffix")]
    [InlineData("1mi", "unable to parse quantity's suffix")]
    [InlineData("1e99999999999", "unable to parse quantity's suffix")]
    [InlineData("1e300", "unable to parse numeric part of quantity")]
    public void What_is_no_quantity_is_refused_in_the_words_of_Kubernetes(string text, string message) =>
        Assert.Equal(message, Assert.Throws<FormatException>(() => Quantity.Parse(text)).Message);

    [Fact]
    public void A_fraction_counts_as_the_next_whole_number()
    {
        Assert.Equal(1, Quantity.Parse("1m").ToLong());
        Assert.Equal(-1, Quantity.Parse("-1m").ToLong());
        Assert.Equal(1, Quantity.Parse("1n").ToMilli());
        Assert.Equal("1m", Quantity.Parse("1n").RoundUpToMilli().ToString());
        Assert.Equal(long.MaxValue, Quantity.Parse("10E").ToLong());
    }

    [Fact]
    public void A_sum_keeps_the_suffixes_of_its_first_term_unless_that_is_zero()
    {
        Assert.Equal("1536Mi", (Quantity.Parse("1Gi") + Quantity.Parse("512Mi")).ToString());
        Assert.Equal("1Gi", (Quantity.Zero + Quantity.Parse("1Gi")).ToString());
        Assert.Equal("900m", (Quantity.Parse("1") - Quantity.Parse("100m")).ToString());
    }

    [Fact]
    public void The_canonical_form_reads_back_as_the_same_quantity() =>
        Gen.Select(Gen.Long, Gen.OneOf("", "n", "u", "m", "k", "M", "G", "Ki", "Mi", "Gi", "e3", "e-3", "E2"), Gen.Int[0, 6])
            .Sample((number, suffix, decimals) =>
            {
                var digits = number.ToString("0000000", System.Globalization.CultureInfo.InvariantCulture);
                var text = decimals == 0 ? digits + suffix : $"{digits[..^decimals]}.{digits[^decimals..]}{suffix}";
                var quantity = Quantity.Parse(text);
                var canonical = quantity.ToString();
                // As in Kubernetes, a binary quantity that is no whole number of Ki has no suffix, and is a decimal one when read again.
                var settled = Quantity.Parse(canonical).ToString();
                return Quantity.Parse(canonical) == quantity && Quantity.Parse(settled) == quantity && Quantity.Parse(settled).ToString() == settled
                    && (settled == canonical || suffix.EndsWith('i'));
            });

    [Fact]
    public void Order_and_sums_are_those_of_the_numbers() =>
        Gen.Select(Gen.Long[-1_000_000_000_000, 1_000_000_000_000], Gen.Long[-1_000_000_000_000, 1_000_000_000_000]).Sample((a, b) =>
            Quantity.FromMilli(a).CompareTo(Quantity.FromMilli(b)) == a.CompareTo(b)
            && (Quantity.FromMilli(a) + Quantity.FromMilli(b)).ToMilli() == a + b
            && (Quantity.FromMilli(a) - Quantity.FromMilli(b)).ToMilli() == a - b);
}
