using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using MlNetRms.Kernels;
using MlNetRms.Rules;

namespace MlNetRms.Model;

/// <summary>Some weights and what belongs to them, side by side.</summary>
internal sealed class GatheredWeights
{
    /// <summary>Long enough for what was gathered to have left the store buffer when vectors of it are loaded.</summary>
    public const int Length = 64;

    public float[] Weights { get; } = new float[Length];

    public float[] MeanSquares { get; } = new float[Length];

    public float[] Velocities { get; } = new float[Length];

    public float[] MeanGradients { get; } = new float[Length];

    public float[] Gradients { get; } = new float[Length];

    public float[] Decays { get; } = new float[Length];

    [MethodImpl(MethodImplOptions.AggressiveInlining | MethodImplOptions.AggressiveOptimization)]
    public void Step(in StepCoefficients step)
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
    }

    private static Span<RealVector> Vectors(float[] numbers) => MemoryMarshal.Cast<float, RealVector>(numbers.AsSpan());
}
