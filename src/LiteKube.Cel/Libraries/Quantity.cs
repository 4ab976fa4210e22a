using System.Globalization;
using System.Numerics;

namespace LiteKube.Cel.Libraries;

/// <summary>An amount of a resource, e.g. <c>1.5Gi</c>: a whole number times a power of ten, exact.</summary>
internal sealed class Quantity : CelObject
{
    public static readonly CelType QuantityType = CelType.Struct("kubernetes.Quantity");

    private const int Nano = -9;
    private const int MaxFastDigits = 18;
    private const int MaxDigits = 400;
    private const string FormatWrong = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
    private readonly BigInteger _unscaled;
    private readonly int _scale;

    // Kubernetes keeps what does not fit its fast form as a decimal of any size, which has no integer value for it.
    private readonly bool _large;

    private Quantity(BigInteger unscaled, int scale, bool large) => (_unscaled, _scale, _large) = (unscaled, scale, large);

    public override CelType Type => QuantityType;

    public int Sign => _unscaled.Sign;

    public static Quantity FromInt(long value) => new(value, 0, large: false);

    public override bool EqualTo(CelObject other) => other is Quantity quantity && CompareTo(quantity) == 0;

    public override string ToString() => _unscaled.ToString(CultureInfo.InvariantCulture) + (_scale == 0 ? "" : $"e{_scale}");

    private BigInteger AtScale(int scale) => _unscaled * BigInteger.Pow(10, _scale - scale);

    public int CompareTo(Quantity other)
    {
        var scale = Math.Min(_scale, other._scale);
        return AtScale(scale).CompareTo(other.AtScale(scale));
    }

    public Quantity Add(Quantity other, bool subtract)
    {
        var scale = Math.Min(_scale, other._scale);
        var right = other.AtScale(scale);
        var sum = AtScale(scale) + (subtract ? -right : right);
        return new(sum, scale, _large || other._large || BigInteger.Abs(sum) > long.MaxValue);
    }

    public bool TryInteger(out long value)
    {
        value = 0;
        if (_large || _scale < 0)
            return false;
        var whole = AtScale(0);
        if (whole > long.MaxValue || whole < long.MinValue)
            return false;
        value = (long)whole;
        return true;
    }

    public double ToDouble() => _scale >= 0 ? (double)AtScale(0) : (double)_unscaled / Math.Pow(10, -_scale);

    public static bool TryParse(string text, out Quantity quantity, out string error)
    {
        quantity = null!;
        error = "";
        if (text.Length == 0)
            error = "unable to parse quantity's suffix";
        if (text is "" || !Split(text, out var whole, out var fraction, out var suffix))
        {
            error = FormatWrong;
            return false;
        }
        var negative = text[0] == '-';
        if (!TrySuffix(suffix, out var binaryExponent, out var scale))
        {
            error = "unable to parse quantity's suffix";
            return false;
        }
        whole = whole.TrimStart('0');
        if (whole.Length > MaxDigits)
        {
            // Beyond the cap whatever the suffix: not worth the arithmetic.
            quantity = new(negative ? -long.MaxValue : long.MaxValue, 0, large: true);
            return true;
        }
        if (fraction.Length > MaxDigits)
            fraction = fraction[..MaxDigits] + (fraction.AsSpan(MaxDigits).ContainsAnyExcept('0') ? "1" : "");
        var digits = (whole + fraction).TrimStart('0');
        var unscaled = digits.Length == 0 ? BigInteger.Zero : BigInteger.Parse(digits, NumberStyles.None, CultureInfo.InvariantCulture);
        unscaled <<= binaryExponent;
        scale -= fraction.Length;
        var large = digits.Length > MaxFastDigits || scale < Nano || (binaryExponent > 0 && fraction.Length > 0) || unscaled > long.MaxValue;
        if (scale < Nano)
        {
            // More precise than a billionth is rounded away from zero, so that something asked for stays something.
            var divisor = BigInteger.Pow(10, Math.Min(Nano - scale, digits.Length + 10));
            unscaled = (unscaled + divisor - 1) / divisor;
            scale = Nano;
        }
        if (large && scale <= 0)
            (unscaled, scale) = Cap(unscaled, scale);
        quantity = new(negative ? -unscaled : unscaled, scale, large);
        return true;
    }

    /// <summary>No quantity of the slow form exceeds the largest 64-bit number.</summary>
    private static (BigInteger Unscaled, int Scale) Cap(BigInteger unscaled, int scale) =>
        unscaled > long.MaxValue * BigInteger.Pow(10, -scale) ? (long.MaxValue, 0) : (unscaled, scale);

    private static bool Split(string text, out string whole, out string fraction, out string suffix)
    {
        (whole, fraction, suffix) = ("", "", "");
        var i = text[0] is '+' or '-' ? 1 : 0;
        var start = i;
        while (i < text.Length && char.IsAsciiDigit(text[i]))
            i++;
        whole = text[start..i];
        if (i < text.Length && text[i] == '.')
        {
            start = ++i;
            while (i < text.Length && char.IsAsciiDigit(text[i]))
                i++;
            fraction = text[start..i];
        }
        suffix = text[i..];
        return whole.Length + fraction.Length > 0 && suffix.All(c => "eEinumkKMGTP+-0123456789".Contains(c, StringComparison.Ordinal));
    }

    private static bool TrySuffix(string suffix, out int binaryExponent, out int scale)
    {
        (binaryExponent, scale) = (0, 0);
        var index = Array.IndexOf(["Ki", "Mi", "Gi", "Ti", "Pi", "Ei"], suffix);
        if (index >= 0)
        {
            binaryExponent = 10 * (index + 1);
            return true;
        }
        index = Array.IndexOf(["n", "u", "m", "", "k", "M", "G", "T", "P", "E"], suffix);
        if (index >= 0)
        {
            scale = 3 * (index - 3);
            return true;
        }
        // An exponent beyond what a 64-bit number can hold would only cost memory.
        return suffix.Length > 1 && suffix[0] is 'e' or 'E' && int.TryParse(suffix.AsSpan(1), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out scale) && Math.Abs(scale) <= 300;
    }
}
