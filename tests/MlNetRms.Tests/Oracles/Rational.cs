using System.Globalization;
using System.Numerics;

namespace MlNetRms.Tests.Oracles;

/// <summary>An exact fraction in lowest terms.</summary>
internal readonly struct Rational
{
    private readonly BigInteger _numerator;
    private readonly BigInteger _denominator;

    private Rational(BigInteger numerator, BigInteger denominator)
    {
        var divisor = BigInteger.GreatestCommonDivisor(numerator, denominator);
        if (denominator.Sign < 0)
            divisor = -divisor;
        (_numerator, _denominator) = (numerator / divisor, denominator / divisor);
    }

    public static Rational Zero { get; } = new(0, 1);

    public static Rational One { get; } = new(1, 1);

    public bool IsZero => _numerator.IsZero;

    /// <summary>The decimal number that is written, without an exponent.</summary>
    public static Rational Parse(string text)
    {
        int point = text.IndexOf('.', StringComparison.Ordinal);
        int digits = point < 0 ? 0 : text.Length - point - 1;
        return new(BigInteger.Parse(text.Replace(".", "", StringComparison.Ordinal), CultureInfo.InvariantCulture), BigInteger.Pow(10, digits));
    }

    /// <summary>The exact value of a finite number.</summary>
    public static Rational From(double value)
    {
        if (value == 0)
            return Zero;
        int exponent = Math.ILogB(value) - 52;
        var mantissa = new BigInteger(Math.ScaleB(value, -exponent));
        return exponent < 0 ? new(mantissa, BigInteger.One << -exponent) : new(mantissa << exponent, 1);
    }

    public static Rational operator +(Rational x, Rational y) =>
        new(x._numerator * y._denominator + y._numerator * x._denominator, x._denominator * y._denominator);

    public static Rational operator -(Rational x, Rational y) =>
        new(x._numerator * y._denominator - y._numerator * x._denominator, x._denominator * y._denominator);

    public static Rational operator *(Rational x, Rational y) => new(x._numerator * y._numerator, x._denominator * y._denominator);

    public static Rational operator /(Rational x, Rational y) => new(x._numerator * y._denominator, x._denominator * y._numerator);

    /// <summary>To within a few units in the last place.</summary>
    public double ToDouble()
    {
        if (IsZero)
            return 0;
        // A quotient of 64 bits or more.
        int shift = (int)(_denominator.GetBitLength() - BigInteger.Abs(_numerator).GetBitLength()) + 64;
        BigInteger quotient = shift >= 0 ? (_numerator << shift) / _denominator : _numerator / (_denominator << -shift);
        return Math.ScaleB((double)quotient, -shift);
    }
}
