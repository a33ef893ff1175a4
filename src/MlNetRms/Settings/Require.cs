using System.Globalization;

namespace MlNetRms.Settings;

/// <summary>
/// Range checks, which NaN fails too. The message has the name and the range; the exception has the value and the caller's parameter, which has the
/// same name as the value unless another is given.
/// </summary>
internal static class Require
{
    public static void Positive(float value, string name, string? parameter = null)
    {
        if (!(value > 0 && float.IsFinite(value)))
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be a finite number greater than 0.");
    }

    /// <summary>Subnormal numbers have few digits, and their reciprocals are beyond the range of float.</summary>
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

    public static void AboveZero(TimeSpan value, string name, string? parameter = null)
    {
        if (value <= TimeSpan.Zero)
            throw new ArgumentOutOfRangeException(parameter ?? name, value, $"{name} must be greater than 0.");
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

    public static void Folder(string path, string name, string? parameter = null)
    {
        if (!Directory.Exists(path))
            throw new ArgumentException($"{name} '{path}' is no folder that exists.", parameter ?? name);
    }

    public static void Length(int actual, int expected, string name)
    {
        if (actual != expected)
            throw new ArgumentException($"{name} has length {actual}, but {expected} is needed.", name);
    }
}

/// <summary>Checks the value of an option.</summary>
/// <param name="value">The value.</param>
/// <param name="name">What the message calls it.</param>
/// <param name="parameter">What the caller's parameter is called.</param>
internal delegate void RangeCheck(object? value, string name, string parameter);

/// <summary>The ranges of options, by name. Null passes every check except <see cref="Set"/> and <see cref="Column"/>.</summary>
internal static class Is
{
    public static RangeCheck Anything { get; } = (_, _, _) => { };

    public static RangeCheck Set { get; } = Require.NotNull;

    public static RangeCheck Column { get; } = (value, name, parameter) => Require.ColumnName((string?)value, name, parameter);

    public static RangeCheck ColumnOrNull { get; } = UnlessNull<string>(Require.ColumnName);

    public static RangeCheck Positive { get; } = UnlessNull<float>(Require.Positive);

    public static RangeCheck NonNegative { get; } = UnlessNull<float>(Require.NonNegative);

    public static RangeCheck InUnitInterval { get; } = UnlessNull<float>(Require.InUnitInterval);

    public static RangeCheck InClosedUnitInterval { get; } = UnlessNull<float>(Require.InClosedUnitInterval);

    public static RangeCheck AtLeastOne { get; } =
        UnlessNull<object>((value, name, parameter) => Require.AtLeastOne(Convert.ToInt64(value, CultureInfo.InvariantCulture), name, parameter));

    public static RangeCheck AboveZero { get; } = UnlessNull<TimeSpan>(Require.AboveZero);

    public static RangeCheck Folder { get; } = UnlessNull<string>(Require.Folder);

    public static RangeCheck Defined<T>()
        where T : struct, Enum => UnlessNull<T>(Require.Defined);

    private static RangeCheck UnlessNull<T>(Action<T, string, string> check) => (value, name, parameter) =>
    {
        if (value is not null)
            check((T)value, name, parameter);
    };
}
