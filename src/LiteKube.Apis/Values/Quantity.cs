using System.Globalization;
using System.Numerics;

namespace LiteKube.Apis.Values;

/// <summary>A resource quantity (https://kubernetes.io/docs/reference/kubernetes-api/common-definitions/quantity/): exact arithmetic, canonical text.</summary>
/// <remarks>
/// Held in units of 10^-9, the finest that Kubernetes keeps, with the suffix family it was written in. Up to 10^29;
/// larger ones are refused where Kubernetes would carry them along. The text is always the canonical one; Kubernetes
/// keeps some other spellings ("28.125k") in fields that are no resource lists.
/// </remarks>
public readonly struct Quantity : IEquatable<Quantity>, IComparable<Quantity>
{
    private const string WrongFormat = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    private const string WrongNumber = "unable to parse numeric part of quantity";
    private const string WrongSuffix = "unable to parse quantity's suffix";
    private const long NanosPerUnit = 1_000_000_000;
    private const long NanosPerMilli = 1_000_000;
    private const int MaxTextLength = 512;
    private static readonly Int128 MaxBinaryNanos = (Int128)long.MaxValue * NanosPerUnit;

    private readonly Int128 _nanos;
    private readonly Family _family;

    private Quantity(Int128 nanos, Family family)
    {
        _nanos = nanos;
        _family = family;
    }

    private enum Family : byte
    {
        DecimalSI,
        BinarySI,
        DecimalExponent,
    }

    public static Quantity Zero => default;

    public bool IsZero => _nanos == 0;

    /// <summary>-1, 0 or 1.</summary>
    public int Sign => Int128.Sign(_nanos);

    /// <exception cref="FormatException">In Kubernetes' words.</exception>
    public static Quantity Parse(string text) => TryParse(text, out var value, out var error) ? value : throw new FormatException(error);

    public static bool TryParse(string? text, out Quantity value) => TryParse(text, out value, out _);

    public static Quantity FromLong(long value) => new((Int128)value * NanosPerUnit, Family.DecimalSI);

    public static Quantity FromMilli(long milli) => new((Int128)milli * NanosPerMilli, Family.DecimalSI);

    /// <summary>A number of bytes, printed with binary suffixes (Ki, Mi, ...).</summary>
    public static Quantity FromBytes(long bytes) => new((Int128)bytes * NanosPerUnit, Family.BinarySI);

    /// <summary>Rounded up (away from zero), as Kubernetes does; the nearest long when it does not fit.</summary>
    public long ToLong() => Saturate(DivideUp(_nanos, NanosPerUnit));

    /// <summary>Thousandths, rounded up; the nearest long when they do not fit.</summary>
    public long ToMilli() => Saturate(DivideUp(_nanos, NanosPerMilli));

    public double ToDouble() => (double)_nanos / NanosPerUnit;

    /// <summary>The same quantity, rounded up to thousandths: the finest that resource lists keep.</summary>
    public Quantity RoundUpToMilli() => new(DivideUp(_nanos, NanosPerMilli) * NanosPerMilli, _family);

    public static Quantity operator +(Quantity a, Quantity b) => new(a._nanos + b._nanos, a.IsZero ? b._family : a._family);
    public static Quantity operator -(Quantity a, Quantity b) => new(a._nanos - b._nanos, a.IsZero ? b._family : a._family);
    public static Quantity operator -(Quantity a) => new(-a._nanos, a._family);
    public static bool operator ==(Quantity a, Quantity b) => a.Equals(b);
    public static bool operator !=(Quantity a, Quantity b) => !a.Equals(b);
    public static bool operator <(Quantity a, Quantity b) => a._nanos < b._nanos;
    public static bool operator >(Quantity a, Quantity b) => a._nanos > b._nanos;
    public static bool operator <=(Quantity a, Quantity b) => a._nanos <= b._nanos;
    public static bool operator >=(Quantity a, Quantity b) => a._nanos >= b._nanos;
    public int CompareTo(Quantity other) => _nanos.CompareTo(other._nanos);
    public bool Equals(Quantity other) => CompareTo(other) == 0;
    public override bool Equals(object? obj) => obj is Quantity q && Equals(q);
    public override int GetHashCode() => _nanos.GetHashCode();

    /// <summary>The canonical form: "1500m" for "1.5", "1Gi" for "1024Mi".</summary>
    public override string ToString()
    {
        if (IsZero)
            return "0";
        // A fraction, or less than 1Ki, is shown in decimals: it has no exact binary form.
        var isSmall = Int128.Abs(_nanos) < 1024 * (Int128)NanosPerUnit;
        return _family == Family.BinarySI && !isSmall && _nanos % NanosPerUnit == 0 ? Binary() : Decimal();
    }

    private string Binary()
    {
        var (value, power) = (_nanos / NanosPerUnit, 0);
        while (power < 6 && value % 1024 == 0)
            (value, power) = (value / 1024, power + 1);
        return value.ToString(CultureInfo.InvariantCulture) + (power == 0 ? "" : "KMGTPE"[power - 1] + "i");
    }

    private string Decimal()
    {
        var (value, exponent) = (_nanos, -9);
        // A suffix exists up to E; an exponent goes on.
        while ((exponent < 18 || _family == Family.DecimalExponent) && value % 1000 == 0)
            (value, exponent) = (value / 1000, exponent + 3);
        var number = value.ToString(CultureInfo.InvariantCulture);
        if (exponent == 0)
            return number;
        if (_family == Family.DecimalExponent)
            return string.Create(CultureInfo.InvariantCulture, $"{number}e{exponent}");
        return number + "num kMGTPE"[(exponent + 9) / 3];
    }

    private static bool TryParse(string? text, out Quantity value, out string error)
    {
        value = default;
        error = WrongFormat;
        if (string.IsNullOrEmpty(text) || text.Length > MaxTextLength)
            return false;

        var rest = text.AsSpan();
        var isNegative = rest[0] == '-';
        if (rest[0] is '-' or '+')
            rest = rest[1..];
        var whole = TakeDigits(ref rest);
        var fraction = default(ReadOnlySpan<char>);
        var hasPoint = rest.StartsWith(".");
        if (hasPoint)
        {
            rest = rest[1..];
            fraction = TakeDigits(ref rest);
        }

        if (!HasSuffixForm(rest))
            return false;
        if (!TryReadSuffix(rest, out var family, out var exponent))
        {
            error = WrongSuffix;
            return false;
        }

        error = WrongNumber;
        // Kubernetes takes a lone sign, point or suffix for zero ("-", ".", "Ki").
        if (!TryScale(string.Concat(whole, fraction), fraction.Length, family, exponent, out var nanos))
            return false;
        if (family == Family.BinarySI && nanos < NanosPerUnit)
            family = Family.DecimalSI;
        value = new(isNegative ? -nanos : nanos, family);
        return true;
    }

    private static ReadOnlySpan<char> TakeDigits(scoped ref ReadOnlySpan<char> rest)
    {
        var length = rest.IndexOfAnyExceptInRange('0', '9');
        var digits = length < 0 ? rest : rest[..length];
        rest = rest[digits.Length..];
        return digits;
    }

    // Letters of suffixes, a sign, digits.
    private static bool HasSuffixForm(ReadOnlySpan<char> suffix)
    {
        var letters = suffix.IndexOfAnyExcept("eEinumkKMGTP");
        if (letters < 0)
            return true;
        suffix = suffix[letters..];
        if (suffix[0] is '-' or '+')
            suffix = suffix[1..];
        return suffix.IndexOfAnyExceptInRange('0', '9') < 0;
    }

    private static bool TryReadSuffix(ReadOnlySpan<char> suffix, out Family family, out int exponent)
    {
        (family, exponent) = (Family.DecimalSI, 0);
        switch (suffix)
        {
            case "":
                return true;
            case [var letter] when "num kMGTPE".Contains(letter, StringComparison.Ordinal) && letter != ' ':
                exponent = "num kMGTPE".IndexOf(letter, StringComparison.Ordinal) * 3 - 9;
                return true;
            case [var letter, 'i'] when "KMGTPE".Contains(letter, StringComparison.Ordinal):
                (family, exponent) = (Family.BinarySI, ("KMGTPE".IndexOf(letter, StringComparison.Ordinal) + 1) * 10);
                return true;
            case ['e' or 'E', .. var digits]:
                family = Family.DecimalExponent;
                return int.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out exponent);
            default:
                return false;
        }
    }

    private static bool TryScale(string digits, int fractionDigits, Family family, int exponent, out Int128 nanos)
    {
        nanos = 0;
        var mantissa = digits.Length == 0 ? BigInteger.Zero : BigInteger.Parse(digits, CultureInfo.InvariantCulture);
        if (mantissa.IsZero)
            return true;
        if (family == Family.BinarySI)
            mantissa <<= exponent;
        var shift = 9 - fractionDigits + (family == Family.BinarySI ? 0L : exponent);
        if (shift > 64)
            return false;
        if (shift < -MaxTextLength - 64)
            mantissa = BigInteger.One;
        else if (shift >= 0)
            mantissa *= BigInteger.Pow(10, (int)shift);
        else
            mantissa = BigInteger.DivRem(mantissa, BigInteger.Pow(10, (int)-shift), out var remainder) + (remainder.IsZero ? 0 : 1);
        if (family == Family.BinarySI && mantissa > (BigInteger)MaxBinaryNanos)
            mantissa = (BigInteger)MaxBinaryNanos;
        if (mantissa > (BigInteger)Int128.MaxValue / 2)
            return false;
        nanos = (Int128)mantissa;
        return true;
    }

    private static Int128 DivideUp(Int128 value, long divisor)
    {
        var (quotient, remainder) = Int128.DivRem(value, divisor);
        return quotient + Int128.Sign(remainder);
    }

    private static long Saturate(Int128 value) => value > long.MaxValue ? long.MaxValue : value < long.MinValue ? long.MinValue : (long)value;
}
