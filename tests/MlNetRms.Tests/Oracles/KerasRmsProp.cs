namespace MlNetRms.Tests.Oracles;

/// <summary>
/// keras.optimizers.RMSprop, from its update_step (Keras 3), in double. Its defaults: ρ 0.9, ε 1e-7, no momentum, not centered. The
/// learning rate is inside the velocity and ε under the root.
/// </summary>
internal sealed class KerasRmsProp(int parameterCount, double learningRate, double rho, double epsilon, double momentum, bool centered)
{
    private readonly double[] _velocity = new double[parameterCount];
    private readonly double[] _averageGradient = new double[parameterCount];
    private readonly double[] _momentum = new double[parameterCount];

    public void Step(double[] parameters, double[] gradient)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            double g = gradient[i];
            _velocity[i] = rho * _velocity[i] + (1 - rho) * g * g;
            double denominator = _velocity[i] + epsilon;
            if (centered)
            {
                _averageGradient[i] = rho * _averageGradient[i] + (1 - rho) * g;
                denominator -= _averageGradient[i] * _averageGradient[i];
            }
            double increment = learningRate * g / Math.Sqrt(denominator);
            if (momentum > 0)
                increment = _momentum[i] = momentum * _momentum[i] + increment;
            parameters[i] -= increment;
        }
    }
}
