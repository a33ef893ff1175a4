using System.Runtime.CompilerServices;
using MlNetRms.Data;
using MlNetRms.Kernels;
using MlNetRms.Model;

namespace MlNetRms.Objective;

/// <summary>Some rows of a batch: the sum of their gradients, losses and weights.</summary>
internal sealed class GradientBlock
{
    /// <summary>A store of this size stays in the second-level cache, where hints cost more than they bring.</summary>
    private const long LargestCachedBytes = 1 << 20;

    private readonly RowStore _rows;
    private readonly Parameters _parameters;
    private readonly RowLosses _losses;
    private readonly ISparseGradient? _sparse;
    private readonly CancellationToken _cancellation;
    private readonly bool _prefetch;
    private readonly float[] _derivatives;
    private readonly float[] _rowWeights;
    private readonly Action<int> _addPart;
    private long _sparseFirst;
    private int _sparseCount;

    public GradientBlock(RowStore rows, Parameters parameters, StandardizedLoss loss, CancellationToken cancellation)
    {
        _rows = rows;
        _parameters = parameters;
        _losses = new RowLosses(rows, loss);
        Sum = new BatchSum(parameters.GradientLength);
        _sparse = parameters.SparseGradient(Sum.Gradient);
        _derivatives = new float[_sparse is null ? 0 : _losses.MostRows];
        _rowWeights = new float[_derivatives.Length];
        _addPart = AddPart;
        _cancellation = cancellation;
        _prefetch = rows.RowCount * rows.Layout.Stride * sizeof(float) > LargestCachedBytes;
    }

    public BatchSum Sum { get; }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public void Compute(long first, int count)
    {
        Span<float> gradient = Sum.Gradient;
        gradient.Clear();
        _losses.Reset();
        for (int done = 0; done < count;)
        {
            _cancellation.ThrowIfCancellationRequested();
            long row = first + done;
            if (row >= _rows.RowCount)
                row -= _rows.RowCount;
            int wanted = (int)Math.Min(Math.Min(count - done, _losses.MostRows), _rows.RowCount - row);
            ReadOnlySpan<float> lanes = _rows.DenseRows(row, wanted);
            if (_sparse is { NeedsPreparation: true })
                Prepare(row, lanes.Length / _rows.Layout.Stride, _sparse);
            ReadOnlySpan<float> derivatives = _losses.Derivatives(row, lanes, _parameters.Values);
            LinearKernels.AddGradient(lanes, derivatives, gradient[.._rows.Layout.Stride], _prefetch);
            if (_sparse is not null)
                AddSparse(row, lanes, derivatives, _sparse);
            done += derivatives.Length;
        }
        _parameters.Layout.ClearConstants(gradient);
        Sum.Losses = _losses.Sum;
        Sum.RowCount = count;
    }

    private void Prepare(long first, int count, ISparseGradient sparse)
    {
        for (int i = 0; i < count; i++)
        {
            _rows.SparseRow(first + i, out ReadOnlySpan<int> places, out _);
            sparse.Prepare(places);
        }
    }

    private void AddSparse(long first, ReadOnlySpan<float> lanes, ReadOnlySpan<float> derivatives, ISparseGradient sparse)
    {
        int stride = _rows.Layout.Stride;
        (_sparseFirst, _sparseCount) = (first, derivatives.Length);
        derivatives.CopyTo(_derivatives);
        for (int i = 0; i < derivatives.Length; i++)
            _rowWeights[i] = _rows.Weight(lanes.Slice(i * stride, stride));
        sparse.ForEachPart(_addPart);
    }

    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void AddPart(int part)
    {
        for (int i = 0; i < _sparseCount; i++)
        {
            _rows.SparseRow(_sparseFirst + i, out ReadOnlySpan<int> places, out ReadOnlySpan<float> values);
            _sparse!.Add(part, places, values, _derivatives[i], _rowWeights[i]);
        }
    }
}
