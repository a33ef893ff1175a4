using MlNetRms.Examples;

namespace MlNetRms.Optimization;

/// <summary>
/// Where the weight of each column stands among the parameters. They are laid out as the stored rows are: weights of the dense
/// columns, bias, −1 against the label, zeros up to <see cref="ExampleStore.Stride"/>, then the weights of the sparse columns.
/// What is kept or returned is in the order of the columns, with the bias behind the last.
/// </summary>
internal sealed class ParameterLayout(ExampleStore examples)
{
    /// <summary>Number of columns.</summary>
    public int ColumnCount => examples.Slots.Length;

    /// <summary>Where a column's weight stands; the bias counts as the column after the last.</summary>
    public int Place(int column)
    {
        if (column == ColumnCount)
            return examples.BiasLane;
        int slot = examples.Slots[column];
        return slot >= 0 ? slot : examples.Stride + ~slot;
    }

    /// <summary>Parameters from weights and bias by column.</summary>
    public float[] Parameters(float[] byColumn)
    {
        float[] parameters = Arrange(byColumn);
        parameters[examples.LabelLane] = -1;
        return parameters;
    }

    /// <summary>Weights and bias from parameters.</summary>
    public LinearWeights Weights(double[] parameters)
    {
        double[] byColumn = ByColumn(parameters);
        return new(byColumn[..^1], byColumn[^1]);
    }

    /// <summary>The optimiser's state from that by column.</summary>
    public RmsPropState Arrange(RmsPropState state) => Map(state, Arrange);

    /// <summary>The way back.</summary>
    public RmsPropState ByColumn(RmsPropState state) => Map(state, ByColumn);

    /// <summary>From the order of the parameters to that of the columns.</summary>
    public T[] ByColumn<T>(T[] parameters)
    {
        var byColumn = new T[ColumnCount + 1];
        for (int column = 0; column < byColumn.Length; column++)
            byColumn[column] = parameters[Place(column)];
        return byColumn;
    }

    private float[] Arrange(float[] byColumn)
    {
        var parameters = new float[examples.Stride + examples.SparseCount];
        for (int column = 0; column < byColumn.Length; column++)
            parameters[Place(column)] = byColumn[column];
        return parameters;
    }

    private static RmsPropState Map(RmsPropState state, Func<float[], float[]> map) => state with
    {
        MeanSquare = map(state.MeanSquare),
        Velocity = map(state.Velocity),
        MeanGradient = state.MeanGradient is null ? null : map(state.MeanGradient),
    };
}
