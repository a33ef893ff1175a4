namespace MlNetRms.Jobs;

/// <summary>
/// Sums a batch over the shards of a job, with one exchange per step. The sums are exact and rounded once, so their bits do not depend on how
/// the shards are divided among processes.
/// </summary>
internal sealed class AllReduce(Job job, int gradientLength)
{
    /// <summary>Values that follow the sums of the gradient: rows, failed processes, numbers that do not fit the units, losses and weights.</summary>
    public const int TailLength = WeightOffset + ExactSums.UnitCount;
    private const int RowOffset = 0;
    private const int FailureOffset = 1;
    private const int UnfitOffset = 2;
    private const int LossOffset = 3;
    private const int WeightOffset = LossOffset + ExactSums.UnitCount;

    private readonly BatchSum _batch = new(gradientLength);
    private double[] _exchanged = [];

    // Expected to be enough. If not, the exchange is repeated with all units. The units change the cost, never the sum.
    private (int Lowest, int Highest) _units = ExactSums.UsualUnits;

    /// <summary>Sums a batch over all shards of the job.</summary>
    /// <param name="own">The sums of each of this process's shards.</param>
    /// <returns>The sums of all shards; valid until the next call.</returns>
    /// <exception cref="OperationCanceledException">Another process was cancelled.</exception>
    /// <exception cref="InvalidOperationException">Another process has failed.</exception>
    public BatchSum Reduce(ReadOnlySpan<BatchSum> own)
    {
        if (!TryReduce(own, _units))
        {
            bool areFinite = TryReduce(own, ExactSums.AllUnits);
            Widen();
            if (!areFinite)
                _batch.Gradient.AsSpan().Fill(float.NaN);
        }
        return _batch;
    }

    /// <summary>Joins the exchange of a step that this process cannot do, so that the others learn of the failure there.</summary>
    public void Leave()
    {
        if (!job.CanExchange)
            return;
        Span<double> exchanged = Cleared(_units);
        exchanged[^(TailLength - FailureOffset)] = 1;
        job.SumWithoutAgreement(exchanged);
    }

    /// <returns>Whether every number fits into the units.</returns>
    private bool TryReduce(ReadOnlySpan<BatchSum> own, (int Lowest, int Highest) units)
    {
        Span<double> exchanged = Cleared(units);
        Span<double> sums = exchanged[..^TailLength];
        Span<double> tail = exchanged[^TailLength..];
        Span<double> losses = tail.Slice(LossOffset, ExactSums.UnitCount);
        Span<double> weights = tail.Slice(WeightOffset, ExactSums.UnitCount);
        bool areFinite = true;
        foreach (BatchSum shard in own)
        {
            if (!shard.HasRows)
                continue;
            tail[RowOffset] += shard.RowCount;
            tail[UnfitOffset] += ExactSums.Add(shard.Gradient, units, sums);
            areFinite &= ExactSums.Add(shard.Losses.Loss, losses) & ExactSums.Add(shard.Losses.Weight, weights);
        }
        if (!areFinite)
            losses.Fill(double.NaN);
        job.SumWithoutAgreement(exchanged);
        if (tail[FailureOffset] > 0)
            job.Agree();
        ExactSums.ToFloats(sums, _batch.Gradient);
        _batch.RowCount = (long)tail[RowOffset];
        _batch.Losses = new LossSum(ExactSums.ToDouble(losses), ExactSums.ToDouble(weights));
        return tail[UnfitOffset] == 0;
    }

    private Span<double> Cleared((int Lowest, int Highest) units)
    {
        int length = (units.Highest - units.Lowest + 1) * gradientLength + TailLength;
        if (_exchanged.Length < length)
            _exchanged = new double[length];
        Span<double> exchanged = _exchanged.AsSpan(0, length);
        exchanged.Clear();
        return exchanged;
    }

    /// <summary>Adds the units that the last sums used to those of later steps.</summary>
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
