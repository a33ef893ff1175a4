namespace MlNetRms.Tests.Oracles;

/// <summary>
/// torch.optim.RMSprop, from the algorithm in its documentation (PyTorch 2.x), in double. Its defaults: α 0.99, ε 1e-8, no momentum,
/// not centered. Weight decay is added to the gradient.
/// </summary>
internal sealed class PyTorchRmsProp(int parameterCount, double lr, double alpha, double eps, double weightDecay, double momentum, bool centered)
{
    private readonly double[] _squareAverage = new double[parameterCount];
    private readonly double[] _gradientAverage = new double[parameterCount];
    private readonly double[] _buffer = new double[parameterCount];

    public void Step(double[] parameters, double[] gradient)
    {
        for (int i = 0; i < parameters.Length; i++)
        {
            double g = gradient[i] + weightDecay * parameters[i];
            _squareAverage[i] = alpha * _squareAverage[i] + (1 - alpha) * g * g;
            double average = _squareAverage[i];
            if (centered)
            {
                _gradientAverage[i] = alpha * _gradientAverage[i] + (1 - alpha) * g;
                average -= _gradientAverage[i] * _gradientAverage[i];
            }
            double change = g / (Math.Sqrt(average) + eps);
            if (momentum > 0)
                change = _buffer[i] = momentum * _buffer[i] + change;
            parameters[i] -= lr * change;
        }
    }
}
