using MlNetRms.Host;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;


namespace MlNetRms.Jobs;

/// <summary>
/// Adds up over the parts of a job. The sums are exact and rounded once, so that the bits are the same however the parts are divided among
/// processes; one exchange a step.
/// </summary>
internal sealed class AllReduce(Job job, int gradientLength)
{
    /// <summary>Behind the sums of the gradient: rows, processes that have failed, numbers that do not fit the units, losses and weights.</summary>
    public const int PlaceCount = WeightPlace + ExactSums.UnitCount;
    private const int RowPlace = 0;
    private const int FailurePlace = 1;
    private const int UnfitPlace = 2;
    private const int LossPlace = 3;
    private const int WeightPlace = LossPlace + ExactSums.UnitCount;

    private readonly BatchSum _batch = new(gradientLength);
    private double[] _exchanged = [];

    // What is expected to be enough. Where it is not, the exchange is repeated with all units: they change the cost, never the sum.
    private (int Lowest, int Highest) _units = ExactSums.UsualUnits;

    /// <summary>The sums of a batch.</summary>
    /// <param name="parts">Those of this process's parts.</param>
    /// <returns>Those of all parts of the job; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Another process was cancelled.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed.</exception>
    public BatchSum Reduce(ReadOnlySpan<BatchSum> parts)
    {
        if (!TryReduce(parts, _units))
        {
            bool areFinite = TryReduce(parts, ExactSums.AllUnits);
            Widen();
            if (!areFinite)
                _batch.Gradient.AsSpan().Fill(float.NaN);
        }
        return _batch;
    }

    /// <summary>Takes part in the exchange of a step that this process cannot do, so that the others learn of it there.</summary>
    public void Leave()
    {
        if (job.HasEnded)
            return;
        Span<double> exchanged = Cleared(_units);
        exchanged[^(PlaceCount - FailurePlace)] = 1;
        job.SumWithoutAgreement(exchanged);
    }

    /// <returns>Whether every number fits into the units.</returns>
    private bool TryReduce(ReadOnlySpan<BatchSum> parts, (int Lowest, int Highest) units)
    {
        Span<double> exchanged = Cleared(units);
        Span<double> sums = exchanged[..^PlaceCount];
        Span<double> places = exchanged[^PlaceCount..];
        Span<double> losses = places.Slice(LossPlace, ExactSums.UnitCount);
        Span<double> weights = places.Slice(WeightPlace, ExactSums.UnitCount);
        bool areFinite = true;
        foreach (BatchSum part in parts)
        {
            places[RowPlace] += part.RowCount;
            places[UnfitPlace] += ExactSums.Add(part.Gradient, units, sums);
            areFinite &= ExactSums.Add(part.Losses.Loss, losses) & ExactSums.Add(part.Losses.Weight, weights);
        }
        if (!areFinite)
            losses.Fill(double.NaN);
        job.SumWithoutAgreement(exchanged);
        if (places[FailurePlace] > 0)
            job.Agree();
        ExactSums.ToFloats(sums, _batch.Gradient);
        _batch.RowCount = (long)places[RowPlace];
        _batch.Losses = new LossSum(ExactSums.ToDouble(losses), ExactSums.ToDouble(weights));
        return places[UnfitPlace] == 0;
    }

    private Span<double> Cleared((int Lowest, int Highest) units)
    {
        int length = (units.Highest - units.Lowest + 1) * gradientLength + PlaceCount;
        if (_exchanged.Length < length)
            _exchanged = new double[length];
        Span<double> exchanged = _exchanged.AsSpan(0, length);
        exchanged.Clear();
        return exchanged;
    }

    /// <summary>From now on also those units of which the sums made use.</summary>
    private void Widen()
    {
        (int lowest, int highest) = ExactSums.AllUnits;
        for (int unit = highest; unit >= lowest; unit--)
        {
            if (_exchanged.AsSpan((highest - unit) * gradientLength, gradientLength).ContainsAnyExcept(0))
                _units = (Math.Min(_units.Lowest, unit), Math.Max(_units.Highest, unit));
        }
    }
}
