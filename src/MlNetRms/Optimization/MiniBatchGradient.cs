using System.Runtime.CompilerServices;
using MlNetRms.Examples;
using MlNetRms.Kernels;
using MlNetRms.Losses;

namespace MlNetRms.Optimization;

/// <summary>
/// The function that training minimises, as the optimiser sees it: the mean loss of a mini-batch and its gradient.
/// </summary>
/// <remarks>
/// <para>
/// For the order of the parameters see <see cref="ParameterLayout"/>; a <see cref="SparseRmsProp"/> may keep those of the sparse
/// columns. The gradient is 0 wherever there is no parameter.
/// </para>
/// <para>
/// A large batch is cut into blocks of rows that several threads can take. Their gradients are added in the order of the
/// rows, and the cut depends on the data alone, so the bits are the same for any number of threads.
/// </para>
/// </remarks>
internal sealed class MiniBatchGradient : IDisposable
{
    /// <summary>The benchmark <c>limit</c> shows that threads pay from about so many values a batch on.</summary>
    private const long ValuesForThreads = 25_000;

    /// <summary>Blocks have at least so many rows, and there are not more than so many blocks: each has a gradient of its own to add.</summary>
    private const int FewestRowsPerBlock = 32;
    private const int MostBlocks = 64;

    private readonly ExampleStore _examples;
    private readonly float[] _parameters;
    private readonly SparseRmsProp? _sparse;
    private readonly CancellationToken _cancellation;
    private readonly int _rowsPerBlock;
    private readonly RowBlock[] _blocks;
    private readonly WorkerTeam _team;
    private long _first;
    private int _count;

    /// <param name="examples">The rows.</param>
    /// <param name="parameters">Where the gradient is taken; the caller changes them between two calls.</param>
    /// <param name="sparse">Keeps the weights of the sparse columns, or null if they stand among the parameters.</param>
    /// <param name="loss">Null for half the squared residual.</param>
    /// <param name="batchSize">Largest batch to come.</param>
    /// <param name="options">Number of threads, and what cancels.</param>
    public MiniBatchGradient(ExampleStore examples, float[] parameters, SparseRmsProp? sparse, StandardizedLoss? loss, int batchSize,
        RmsPropRegressionTrainer.Options options)
    {
        _examples = examples;
        _parameters = parameters;
        _sparse = sparse;
        _cancellation = options.CancellationToken;
        // The sparse gradient is one for all rows: threads would need one each.
        bool inBlocks = (long)batchSize * examples.Stride >= ValuesForThreads && examples.SparseCount == 0;
        _rowsPerBlock = inBlocks ? Math.Max(FewestRowsPerBlock, (batchSize + MostBlocks - 1) / MostBlocks) : batchSize;
        _blocks = new RowBlock[(batchSize + _rowsPerBlock - 1) / _rowsPerBlock];
        for (int i = 0; i < _blocks.Length; i++)
            _blocks[i] = new RowBlock(this, loss);
        _team = new WorkerTeam(options.NumberOfThreads ?? Environment.ProcessorCount, _blocks.Length, ComputeBlock);
        Gradient = _blocks[0].Gradient;
    }

    /// <summary>Mean gradient over the batch; as long as the parameters.</summary>
    public float[] Gradient { get; }

    public int NumberOfThreads => _team.ThreadCount;

    /// <summary>Sets <see cref="Gradient"/> to the mean gradient over <paramref name="count"/> rows from <paramref name="first"/> on.</summary>
    /// <returns>Sum of the weighted losses, and sum of the weights.</returns>
    /// <exception cref="OperationCanceledException">Cancelled.</exception>
    public (double Loss, double Weight) Compute(long first, int count)
    {
        _first = first;
        _count = count;
        _team.Run();

        (double loss, double weight) = (_blocks[0].Loss, _blocks[0].Weight);
        foreach (RowBlock block in _blocks.AsSpan(1))
        {
            loss += block.Loss;
            weight += block.Weight;
            LinearKernels.AddScaled(Gradient, 1, block.Gradient);
        }
        LinearKernels.Scale(Gradient, (float)(1 / weight));
        // The lanes of label and example weight are no parameters.
        Gradient.AsSpan((_examples.BiasLane + 1).._examples.Stride).Clear();
        return (loss, weight);
    }

    /// <summary>The mean gradient over all rows, a batch at a time.</summary>
    public double[] ComputeAll(int batchSize)
    {
        var sum = new double[_parameters.Length];
        double total = 0;
        for (long first = 0; first < _examples.RowCount; first += batchSize)
        {
            (_, double weight) = Compute(first, (int)Math.Min(batchSize, _examples.RowCount - first));
            for (int i = 0; i < sum.Length; i++)
                sum[i] += weight * Gradient[i];
            total += weight;
        }
        return Array.ConvertAll(sum, value => value / total);
    }

    public void Dispose() => _team.Dispose();

    private void ComputeBlock(int block)
    {
        int start = block * _rowsPerBlock;
        _blocks[block].Compute(_first + start, Math.Clamp(_count - start, 0, _rowsPerBlock));
    }

    /// <summary>Some rows of a batch: the sum of their gradients, losses and weights.</summary>
    private sealed class RowBlock(MiniBatchGradient batch, StandardizedLoss? loss)
    {
        /// <summary>A store of this size stays in the second-level cache, where hints cost more than they bring.</summary>
        private const long LargestCachedBytes = 1 << 20;

        private readonly ExampleStore _examples = batch._examples;
        private readonly RowLoss _rows = new(batch._examples, loss);
        private readonly bool _prefetch = batch._examples.RowCount * batch._examples.Stride * sizeof(float) > LargestCachedBytes;

        public float[] Gradient { get; } = new float[batch._parameters.Length];

        public double Loss => _rows.Loss;

        public double Weight => _rows.Weight;

        [MethodImpl(MethodImplOptions.AggressiveOptimization)]
        public void Compute(long first, int count)
        {
            int stride = _examples.Stride;
            Span<float> gradient = Gradient;
            gradient.Clear();
            _rows.Reset();
            for (int done = 0; done < count;)
            {
                batch._cancellation.ThrowIfCancellationRequested();
                long row = first + done;
                if (row >= _examples.RowCount)
                    row -= _examples.RowCount;
                int wanted = (int)Math.Min(count - done, _examples.RowCount - row);
                ReadOnlySpan<float> derivatives = _rows.Take(row, wanted, batch._parameters, batch._sparse, out ReadOnlySpan<float> rows);
                LinearKernels.AddGradient(rows, derivatives, gradient[..stride], _prefetch);
                if (_examples.SparseCount > 0)
                    AddSparseGradient(row, derivatives, gradient[stride..]);
                done += derivatives.Length;
            }
        }

        private void AddSparseGradient(long firstRow, ReadOnlySpan<float> derivatives, Span<float> sparseGradient)
        {
            for (int i = 0; i < derivatives.Length; i++)
            {
                _examples.SparseRow(firstRow + i, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
                if (batch._sparse is { } sparse)
                    sparse.AddGradient(places, values, derivatives[i]);
                else
                    SparseKernels.AddScaled(places, values, derivatives[i], sparseGradient);
            }
        }
    }
}
