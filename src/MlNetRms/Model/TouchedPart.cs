using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;
using MlNetRms.Rules;

namespace MlNetRms.Model;

/// <summary>A range of places that one thread updates: those that the batch touches, and room to gather what belongs to some of them.</summary>
/// <param name="begin">The first place.</param>
/// <param name="end">The place behind the last.</param>
internal sealed class TouchedPart(int begin, int end)
{
    /// <summary>Long enough for what was gathered to have left the store buffer when vectors of it are loaded.</summary>
    public const int Length = 64;

    private readonly int[] _touched = new int[end - begin];
    private int _touchedCount;

    /// <summary>The places touched since the last step.</summary>
    public ReadOnlySpan<int> Touched => _touched.AsSpan(0, _touchedCount);

    /// <summary>Whether all that was stepped has been finite.</summary>
    public bool IsFinite { get; set; } = true;

    public float[] Weights { get; } = new float[Length];

    public float[] MeanSquares { get; } = new float[Length];

    public float[] Velocities { get; } = new float[Length];

    public float[] MeanGradients { get; } = new float[Length];

    public float[] Gradients { get; } = new float[Length];

    public float[] Decays { get; } = new float[Length];

    /// <summary>Which of the ascending places of a row are in this part.</summary>
    public Range Of(ReadOnlySpan<int> places) => FirstNotBelow(places, begin)..FirstNotBelow(places, end);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Touch(int place) => _touched[_touchedCount++] = place;

    public void Clear() => _touchedCount = 0;

    /// <summary>Steps the first of the gathered weights.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public void Step(in StepCoefficients step, int count)
    {
        var formula = new RmsPropFormula<RealVector>(step);
        Span<RealVector> weights = Vectors(Weights);
        Span<RealVector> meanSquares = Vectors(MeanSquares);
        Span<RealVector> velocities = Vectors(Velocities);
        Span<RealVector> meanGradients = Vectors(MeanGradients);
        Span<RealVector> gradients = Vectors(Gradients);
        Span<RealVector> decays = Vectors(Decays);
        for (int i = 0; i < weights.Length; i++)
            formula.Step(ref weights[i], ref meanSquares[i], ref velocities[i], ref meanGradients[i], gradients[i], decays[i]);
        IsFinite &= MomentKernels.AllFinite(Weights.AsSpan(0, count)) && MomentKernels.AllFinite(MeanSquares.AsSpan(0, count));
    }

    private static int FirstNotBelow(ReadOnlySpan<int> places, int bound)
    {
        if (places.IsEmpty || bound <= places[0])
            return 0;
        if (bound > places[^1])
            return places.Length;
        int found = places.BinarySearch(bound);
        return found < 0 ? ~found : found;
    }

    private static Span<RealVector> Vectors(float[] numbers) => MemoryMarshal.Cast<float, RealVector>(numbers.AsSpan());
}
