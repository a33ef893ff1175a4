using System.Numerics;

namespace MlNetRms.Tests.Oracles;

/// <summary>RMSProp in plain scalar code, written like the formula, in any floating-point type.</summary>
internal sealed class ScalarRmsProp<T>(int parameterCount, T alpha, T epsilon, EpsilonPlacement placement, bool biasCorrection, T momentum, bool centered)
    where T : IFloatingPointIeee754<T>
{
    private double _alphaPower = 1;

    public T[] MeanSquare { get; } = new T[parameterCount];

    public T[] MeanGradient { get; } = new T[parameterCount];

    public T[] Velocity { get; } = new T[parameterCount];

    /// <summary>ŝ of the last step, after and before centering.</summary>
    public T[] Variance { get; } = new T[parameterCount];

    public T[] MeanSquareHat { get; } = new T[parameterCount];

    public void Step(T[] parameters, T[] gradient, T learningRate)
    {
        _alphaPower *= double.CreateChecked(alpha);
        T correction = biasCorrection ? T.CreateChecked(1 / (1 - _alphaPower)) : T.One;
        for (int i = 0; i < parameters.Length; i++)
        {
            T g = gradient[i];
            MeanSquare[i] = alpha * MeanSquare[i] + (T.One - alpha) * g * g;
            T s = MeanSquare[i] * correction;
            MeanSquareHat[i] = s;
            if (centered)
            {
                // m is not corrected, because then ŝ would be 0 in the first step.
                MeanGradient[i] = alpha * MeanGradient[i] + (T.One - alpha) * g;
                s = T.Max(s - MeanGradient[i] * MeanGradient[i], T.Zero);
            }
            Variance[i] = s;
            Velocity[i] = momentum * Velocity[i] + g / Denominator(s);
            parameters[i] -= learningRate * Velocity[i];
        }
    }

    public T Denominator(T meanSquare) => placement == EpsilonPlacement.InsideSquareRoot
        ? T.Sqrt(meanSquare + epsilon)
        : T.Sqrt(meanSquare) + epsilon;
}
