using System.Runtime.CompilerServices;
using MlNetRms.Objective;

namespace MlNetRms.Training;

/// <summary>Batches of rows that are all in one part, that of this process.</summary>
internal sealed class UndividedBatches(BatchOrder order, BatchGradient gradient) : IBatches
{
    private bool _isInFile;

    public int Count => order.BatchCount;

    public int NumberOfThreads => gradient.NumberOfThreads;

    public void Begin(int epoch)
    {
        order.Begin(epoch);
        _isInFile = gradient.IsInFile;
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public BatchSum Compute(int position)
    {
        if (_isInFile)
        {
            if (position % order.RunLength == 0)
                order.ExpectNextRun(position, gradient.Expect);
            gradient.Following = order.Batch(Math.Min(position + 1, order.BatchCount - 1));
        }
        return gradient.Compute(order.Batch(position));
    }

    public void Leave()
    {
    }

    public void Dispose() => gradient.Dispose();
}
