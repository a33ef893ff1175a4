using MlNetRms.Kernels;

namespace MlNetRms.Model;

/// <summary>Adds to an array that has one number for each place.</summary>
internal sealed class SparseGradient(Memory<float> gradient) : ISparseGradient
{
    public bool NeedsPreparation => false;

    public void Prepare(ReadOnlySpan<int> places)
    {
    }

    public void ForEachPart(Action<int> action) => action(0);

    public void Add(int part, ReadOnlySpan<int> places, ReadOnlySpan<float> values, float factor, float rowWeight) =>
        SparseKernels.AddScaled(places, values, factor, gradient.Span);
}
