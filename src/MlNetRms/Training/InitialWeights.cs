using MlNetRms.Data;
using MlNetRms.Kernels;
using MlNetRms.Settings;

namespace MlNetRms.Training;

internal static class InitialWeights
{
    /// <summary>Weights of all columns from N(0, σ²), one number a column wherever the column is stored, then a bias of 0.</summary>
    public static float[] Of(TrainedColumns columns, PlanSettings settings)
    {
        var weights = new float[columns.Count + 1];
        var random = new SeededRandom(settings.Seed, RandomStream.InitialWeights);
        for (int column = 0; settings.InitialWeightsStandardDeviation > 0 && column < columns.Count; column++)
            weights[column] = (float)(settings.InitialWeightsStandardDeviation * random.Gaussian(columns[column]));
        return weights;
    }
}
