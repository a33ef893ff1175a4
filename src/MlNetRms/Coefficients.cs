using System.Collections;
using System.Globalization;
using System.Text;
using Microsoft.ML.Trainers;

namespace MlNetRms;

/// <summary>The weights of a linear model by name, in the order of the features, and its bias.</summary>
public sealed class CoefficientTable : IReadOnlyList<Coefficient>
{
    /// <summary>The most names that a message lists.</summary>
    private const int MostNames = 20;

    private readonly Coefficient[] _coefficients;

    /// <summary>The gap if it is above the tolerance, so that the weights are not those that the standard errors are of.</summary>
    private readonly OptimalityGap? _gap;

    internal CoefficientTable(string[] names, LinearModelParameters model, double[]? standardDeviations, double?[]? standardErrors = null,
        double? biasStandardError = null, OptimalityGap? gap = null)
    {
        _gap = gap;
        Bias = model.Bias;
        BiasStandardError = biasStandardError;
        _coefficients = [.. model.Weights.Select((weight, i) => new Coefficient
        {
            Name = names[i],
            Weight = weight,
            WeightPerStandardDeviation = weight * standardDeviations?[i],
            StandardError = standardErrors?[i],
        })];
    }

    /// <summary>The prediction if all features are 0.</summary>
    public float Bias { get; }

    /// <summary>
    /// Standard error of <see cref="Bias"/>, in its units. It is null where <see cref="Coefficient.StandardError"/> is null for all features, and if
    /// the features add up to a constant, as all levels of a category do, since the bias is then not determined.
    /// </summary>
    public double? BiasStandardError { get; }

    /// <inheritdoc/>
    public int Count => _coefficients.Length;

    /// <inheritdoc/>
    public Coefficient this[int index] => _coefficients[index];

    /// <summary>The weight of a feature.</summary>
    /// <param name="name">The feature's name; if several features have it, the first is returned.</param>
    /// <exception cref="ArgumentNullException"><paramref name="name"/> is null.</exception>
    /// <exception cref="KeyNotFoundException">No feature has that name.</exception>
    public Coefficient this[string name]
    {
        get
        {
            ArgumentNullException.ThrowIfNull(name);
            return _coefficients.FirstOrDefault(coefficient => coefficient.Name == name) ?? throw new KeyNotFoundException(
                $"There is no feature '{name}'. The features are " +
                string.Join(", ", _coefficients.Take(MostNames).Select(coefficient => $"'{coefficient.Name}'")) +
                (Count > MostNames ? $" and {Count - MostNames} more." : "."));
        }
    }

    /// <inheritdoc/>
    public IEnumerator<Coefficient> GetEnumerator() => ((IEnumerable<Coefficient>)_coefficients).GetEnumerator();

    /// <inheritdoc/>
    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();

    /// <summary>
    /// A readable table, one line per feature, invariant culture. Where training did not come near enough to the optimum, a last line says that
    /// standard errors are of other weights.
    /// </summary>
    /// <returns>The lines.</returns>
    public override string ToString()
    {
        bool known = _coefficients.Any(coefficient => coefficient.WeightPerStandardDeviation is not null);
        bool withErrors = BiasStandardError is not null || _coefficients.Any(coefficient => coefficient.StandardError is not null);
        int width = _coefficients.Select(coefficient => coefficient.Name.Length).Append("feature".Length).Max();
        var table = new StringBuilder();
        AddLine("feature", "weight", "per std. dev.", "std. error", "t");
        foreach (Coefficient coefficient in _coefficients)
            AddLine(coefficient.Name, Format(coefficient.Weight), Format(coefficient.WeightPerStandardDeviation), Format(coefficient.StandardError),
                coefficient.TValue?.ToString("f2", CultureInfo.InvariantCulture) ?? "");
        AddLine("(bias)", Format(Bias), "", Format(BiasStandardError),
            BiasStandardError > 0 ? (Bias / BiasStandardError)?.ToString("f2", CultureInfo.InvariantCulture) ?? "" : "");
        if (withErrors && _gap is not null)
            table.AppendLine("Standard errors are those of least squares; these weights are " + _gap + ".");
        return table.ToString();

        void AddLine(string name, string weight, string perStandardDeviation, string standardError, string t)
        {
            string line = $"{name.PadRight(width)}  {weight,13}" + (known ? $"  {perStandardDeviation,13}" : "") +
                (withErrors ? $"  {standardError,13}  {t,9}" : "");
            table.AppendLine(line.TrimEnd());
        }
    }

    private static string Format(double? value) => value?.ToString("g6", CultureInfo.InvariantCulture) ?? "";
}

/// <summary>One weight of a linear model.</summary>
public sealed record Coefficient
{
    internal Coefficient()
    {
    }

    /// <summary>Slot name of the feature, or "Slot 3" if it has none.</summary>
    public required string Name { get; init; }

    /// <summary>Change of the prediction per unit of the feature.</summary>
    public required float Weight { get; init; }

    /// <summary>
    /// Change of the prediction per standard deviation of the feature over the training rows, in label units; null if the training rows are
    /// not known, as for a loaded model.
    /// </summary>
    public required double? WeightPerStandardDeviation { get; init; }

    /// <summary>
    /// Standard error of <see cref="Weight"/>, in its units, by the formula of least squares. It is null for a loaded model, for a loss other
    /// than the squared one, with a penalty or bound, with sparse features, and for data so large that the covariance was estimated from a sample.
    /// A single feature has one for any number of rows. A constant feature has none, nor has one that others determine: only the sum of such
    /// weights is known (<see cref="TrainingReport.DroppedDirections"/>).
    /// </summary>
    /// <remarks>It assumes independent rows, equal noise variance in all rows, and that the features were not chosen by looking at the
    /// labels.</remarks>
    public double? StandardError { get; init; }

    /// <summary><see cref="Weight"/> divided by <see cref="StandardError"/>; null if that is null or 0.</summary>
    public double? TValue => StandardError > 0 ? Weight / StandardError : null;

    /// <summary>Name, weight and, if known, standard error; invariant culture.</summary>
    /// <returns>For example "Area: 12.5 ± 0.3".</returns>
    public override string ToString() =>
        FormattableString.Invariant($"{Name}: {Weight:g6}") + (StandardError is { } error ? FormattableString.Invariant($" ± {error:g3}") : "");
}
