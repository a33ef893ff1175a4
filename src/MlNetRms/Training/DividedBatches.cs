using MlNetRms.Data;
using MlNetRms.Objective;
using MlNetRms.Settings;

namespace MlNetRms.Training;

/// <summary>
/// Batches that take their share of each part of the job, so that they do not depend on how the parts are divided among processes.
/// </summary>
internal sealed class DividedBatches : IBatches
{
    private readonly BatchOrder[] _orders;
    private readonly RowRun[] _runs;
    private readonly PartsGradient _gradient;
    private readonly SeveralParts _job;

    /// <param name="rows">The rows.</param>
    /// <param name="plan">Their batches.</param>
    /// <param name="runLength">See <see cref="BatchOrder"/>.</param>
    /// <param name="settings">Whether the order is random, and its seed.</param>
    /// <param name="gradient">Of this process's parts; this object disposes of it.</param>
    /// <param name="job">Adds up over all parts.</param>
    public DividedBatches(RowSet rows, TrainingPlan plan, int runLength, PlanSettings settings, PartsGradient gradient, SeveralParts job)
    {
        _gradient = gradient;
        _job = job;
        _orders = new BatchOrder[rows.Parts.Count];
        _runs = new RowRun[_orders.Length];
        // Where a part's rows do not divide evenly some of its runs are longer by a row: the batches after those that the parts before made longer.
        long longBefore = rows.RowCounts.Take(rows.FirstPart).Sum(count => count % plan.StepsPerEpoch);
        for (int part = 0; part < _orders.Length; part++)
        {
            long count = rows.Parts[part].RowCount;
            var share = new PartOfBatches(rows.FirstPart + part, count, plan.StepsPerEpoch, (int)(longBefore % plan.StepsPerEpoch));
            _orders[part] = new BatchOrder(share, runLength, settings.Shuffle, settings.Seed);
            longBefore += count % plan.StepsPerEpoch;
        }
    }

    public int Count => _orders[0].BatchCount;

    public int NumberOfThreads => _gradient.NumberOfThreads;

    public void Begin(int epoch)
    {
        foreach (BatchOrder order in _orders)
            order.Begin(epoch);
    }

    public BatchSum Compute(int position)
    {
        bool beginsRun = _gradient.IsInFile && position % _orders[0].RunLength == 0;
        for (int part = 0; part < _runs.Length; part++)
        {
            if (beginsRun)
                _orders[part].ExpectNextRun(position, _gradient.Part(part).ExpectInRing);
            _runs[part] = _orders[part].Batch(position);
        }
        return _job.Reduce(_gradient.Compute(_runs));
    }

    public void Leave() => _job.Leave();

    public void Dispose() => _gradient.Dispose();
}
