using System.Numerics;
using MlNetRms.Host;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Jobs;

/// <summary>
/// Sums floats without rounding, so that the sums do not depend on the order of the additions. Each float is split into multiples of fixed
/// units, which are 2⁴⁰ apart; one double per unit holds the sum of its multiples, exactly while it stays below 2⁵³ units. A float needs two
/// units at most, and two units are enough for floats of the usual sizes (Demmel and Nguyen 2013, without their cut).
/// </summary>
internal static class ExactSums
{
    /// <summary>Units that hold every float: 2⁻¹⁸² to 2⁹⁸.</summary>
    public static readonly (int Lowest, int Highest) AllUnits = (-4, 3);

    /// <summary>Units that hold floats below 2¹⁸ with bits down to 2⁻⁶²: every float of at least 2⁻³⁸, and many smaller ones.</summary>
    public static readonly (int Lowest, int Highest) UsualUnits = (-1, 0);

    /// <summary>Number of <see cref="AllUnits"/>.</summary>
    public const int UnitCount = 8;

    private const int BitsPerUnit = 40;
    private const int ExponentOfUnit0 = -22;

    /// <summary>Adds floats to sums.</summary>
    /// <param name="values">The floats.</param>
    /// <param name="units">The units to use.</param>
    /// <param name="sums">One sum per value for the highest unit, then one per value for the next unit, and so on.</param>
    /// <returns>How many floats do not fit (NaN, infinite, or with bits outside the units); their sums are meaningless.</returns>
    public static long Add(ReadOnlySpan<float> values, (int Lowest, int Highest) units, Span<double> sums)
    {
        long unfit = 0;
        double largest = Math.Min(float.MaxValue, Unit(units.Highest + 1));
        int wide = values.Length / Vector<float>.Count * Vector<float>.Count;
        Vector<long> unfitLanes = default;
        for (int i = 0; i < wide; i += Vector<float>.Count)
        {
            Vector.Widen(new Vector<float>(values[i..]), out Vector<double> low, out Vector<double> high);
            unfitLanes += AddVector(low, largest, units, sums[i..], values.Length) + AddVector(high, largest, units, sums[(i + Vector<double>.Count)..], values.Length);
        }
        unfit -= Vector.Sum(unfitLanes);
        for (int i = wide; i < values.Length; i++)
        {
            double rest = values[i];
            bool isSmall = Math.Abs(rest) <= largest;
            for (int unit = units.Highest, at = i; unit >= units.Lowest; unit--, at += values.Length)
            {
                double multiple = rest + Rounder(unit) - Rounder(unit);
                sums[at] += multiple;
                rest -= multiple;
            }
            unfit += isSmall && rest == 0 ? 0 : 1;
        }
        return unfit;
    }

    /// <summary>Adds a double to sums over all units. Its bits below the lowest unit are rounded, independently of the sums.</summary>
    /// <param name="value">The double.</param>
    /// <param name="sums">One per unit, the highest first.</param>
    /// <returns>Whether the units can hold it; if not, or if it is NaN, the sums are meaningless.</returns>
    public static bool Add(double value, Span<double> sums)
    {
        double rest = value;
        for (int i = 0; i < UnitCount; i++)
        {
            double rounder = Rounder(AllUnits.Highest - i);
            double multiple = rest + rounder - rounder;
            sums[i] += multiple;
            rest -= multiple;
        }
        return Math.Abs(value) <= Unit(AllUnits.Highest + 1);
    }

    /// <summary>The sum of the doubles that were added.</summary>
    public static double ToDouble(ReadOnlySpan<double> sums)
    {
        double sum = 0;
        foreach (double ofUnit in sums)
            sum += ofUnit;
        return sum;
    }

    /// <summary>The sums, rounded to float.</summary>
    /// <param name="sums">From <see cref="Add(ReadOnlySpan{float}, ValueTuple{int, int}, Span{double})"/>, or several of these added up.</param>
    /// <param name="values">Receives the rounded sums.</param>
    public static void ToFloats(ReadOnlySpan<double> sums, Span<float> values)
    {
        for (int i = 0; i < values.Length; i++)
        {
            // From the highest unit down. Unused units add 0.
            double sum = 0;
            for (int at = i; at < sums.Length; at += values.Length)
                sum += sums[at];
            values[i] = (float)sum;
        }
    }

    /// <summary>−1 in each lane whose float does not fit.</summary>
    private static Vector<long> AddVector(Vector<double> rest, double largest, (int Lowest, int Highest) units, Span<double> sums, int count)
    {
        Vector<long> fits = Vector.LessThanOrEqual(Vector.Abs(rest), new Vector<double>(largest));
        for (int unit = units.Highest, at = 0; unit >= units.Lowest; unit--, at += count)
        {
            var rounder = new Vector<double>(Rounder(unit));
            Vector<double> multiple = rest + rounder - rounder;
            (new Vector<double>(sums[at..]) + multiple).CopyTo(sums[at..]);
            rest -= multiple;
        }
        return ~(fits & Vector.Equals(rest, Vector<double>.Zero));
    }

    private static double Unit(int number) => Math.ScaleB(1, ExponentOfUnit0 + BitsPerUnit * number);

    /// <summary>Adding and subtracting it rounds to a multiple of the unit, because doubles of its size are one unit apart.</summary>
    private static double Rounder(int unit) => 1.5 * Math.ScaleB(1, 52 + ExponentOfUnit0 + BitsPerUnit * unit);
}
