using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Solver;

namespace MlNetRms.Settings;

/// <summary>
/// Range checks that NaN cannot slip through; each message holds the name and the range, the exception the value and the caller's parameter, which
/// has that name unless another is given.
/// </summary>
internal static class Require
{
    public static void Positive(float value, string name, string? parameter = null)
    {
        if (!(value > 0 && float.IsFinite(value)))
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be a finite number greater than 0.");
    }

    /// <summary>Numbers between 0 and the least normal one have few digits, and their reciprocals are beyond float.</summary>
    public static void Normal(float value, string name, string? parameter = null)
    {
        if (!(value > 0 && float.IsNormal(value)))
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be a finite number, 1.18e-38 or greater.");
    }

    public static void NonNegative(float value, string name, string? parameter = null)
    {
        if (!(value >= 0 && float.IsFinite(value)))
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be a finite number, 0 or greater.");
    }

    public static void InUnitInterval(float value, string name, string? parameter = null)
    {
        if (!(value >= 0 && value < 1))
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be in [0, 1).");
    }

    public static void InClosedUnitInterval(float value, string name, string? parameter = null)
    {
        if (!(value >= 0 && value <= 1))
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be in [0, 1].");
    }

    public static void AtLeastOne(long value, string name, string? parameter = null)
    {
        if (value < 1)
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be at least 1.");
    }

    public static void Defined<T>(T value, string name, string? parameter = null) where T : struct, Enum
    {
        if (!Enum.IsDefined(value))
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be one of {string.Join(", ", Enum.GetNames<T>())}.");
    }

    public static void NotNull(object? value, string name, string? parameter = null)
    {
        if (value is null)
            throw new ArgumentNullException(parameter ?? name, $"{name} must not be null.");
    }

    public static void ColumnName(string? value, string name, string? parameter = null)
    {
        NotNull(value, name, parameter);
        if (string.IsNullOrWhiteSpace(value))
            throw new ArgumentException($"{name} must name a column, but is '{value}'.", parameter ?? name);
    }

    public static void Length(int actual, int expected, string name)
    {
        if (actual != expected)
            throw new ArgumentException($"{name} has length {actual}, but {expected} is needed.", name);
    }
}
