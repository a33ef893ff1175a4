namespace MlNetRms.Benchmarks.Micro;

/// <summary>The baseline: computes what the kernels compute, value by value.</summary>
internal static class ScalarKernels
{
    public static void Residuals(ReadOnlySpan<float> rows, ReadOnlySpan<float> parameters, Span<float> residuals)
    {
        for (int row = 0; row < residuals.Length; row++)
        {
            ReadOnlySpan<float> x = rows.Slice(row * parameters.Length, parameters.Length);
            float sum = 0;
            for (int i = 0; i < x.Length; i++)
                sum += x[i] * parameters[i];
            residuals[row] = sum;
        }
    }

    public static void AddGradient(ReadOnlySpan<float> rows, ReadOnlySpan<float> derivatives, Span<float> gradient)
    {
        for (int row = 0; row < derivatives.Length; row++)
        {
            ReadOnlySpan<float> x = rows.Slice(row * gradient.Length, gradient.Length);
            for (int i = 0; i < x.Length; i++)
                gradient[i] += derivatives[row] * x[i];
        }
    }

    public static void Step(Span<float> parameters, Span<float> meanSquare, Span<float> velocity, ReadOnlySpan<float> gradient,
        float learningRate, float alpha, float momentum, float epsilon, float correction)
    {
        for (int i = 0; i < gradient.Length; i++)
        {
            meanSquare[i] = alpha * meanSquare[i] + (1 - alpha) * gradient[i] * gradient[i];
            velocity[i] = momentum * velocity[i] + gradient[i] / (MathF.Sqrt(meanSquare[i] * correction) + epsilon);
            parameters[i] -= learningRate * velocity[i];
        }
    }

    public static void StepCentered(Span<float> parameters, Span<float> meanSquare, Span<float> meanGradient, Span<float> velocity,
        ReadOnlySpan<float> gradient, float learningRate, float alpha, float momentum, float epsilon, float correction)
    {
        for (int i = 0; i < gradient.Length; i++)
        {
            meanSquare[i] = alpha * meanSquare[i] + (1 - alpha) * gradient[i] * gradient[i];
            meanGradient[i] = alpha * meanGradient[i] + (1 - alpha) * gradient[i];
            float mean = meanGradient[i] * correction;
            float variance = MathF.Max(meanSquare[i] * correction - mean * mean, 0);
            velocity[i] = momentum * velocity[i] + gradient[i] / (MathF.Sqrt(variance) + epsilon);
            parameters[i] -= learningRate * velocity[i];
        }
    }

    /// <summary>The running mean and sum of squares of each column (West 1979), and the weight of its non-zero values.</summary>
    public static void Accumulate(ReadOnlySpan<float> rows, int weightColumn, double weightBefore, Span<double> mean, Span<double> squares,
        Span<double> nonZero)
    {
        double total = weightBefore;
        for (int row = 0; row < rows.Length; row += mean.Length)
        {
            ReadOnlySpan<float> x = rows.Slice(row, mean.Length);
            double weight = x[weightColumn];
            total += weight;
            double share = weight / total;
            for (int i = 0; i < x.Length; i++)
            {
                double delta = x[i] - mean[i];
                mean[i] += delta * share;
                squares[i] += weight * delta * (x[i] - mean[i]);
                nonZero[i] += x[i] != 0 ? weight : 0;
            }
        }
    }

    public static void Standardize(Span<float> values, ReadOnlySpan<double> centers, ReadOnlySpan<double> scales)
    {
        for (int i = 0; i < values.Length; i++)
            values[i] = (float)((values[i] - centers[i]) * scales[i]);
    }
}
