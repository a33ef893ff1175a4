namespace MlNetRms.Model;

/// <summary>Coordinates u in which the weights w of the dense columns are stepped: w = M·u, and so g_u = Mᵀ·g_w. Immutable.</summary>
internal interface IWeightTransform
{
    /// <summary>Mean squared length of a row's dense part in these coordinates.</summary>
    /// <param name="denseEnergy">That in the columns.</param>
    double Energy(double denseEnergy);

    /// <summary>w = M·u.</summary>
    void ToWeights(ReadOnlySpan<float> coordinates, Span<float> weights);

    /// <summary>g_u = Mᵀ·g_w.</summary>
    void ToCoordinateGradient(ReadOnlySpan<float> gradient, Span<float> coordinateGradient);

    /// <summary>w = M·u in double, in place.</summary>
    void ToWeights(Span<double> coordinates);

    /// <summary>u = M⁺·w, in place: the coordinates of the part of w that makes a difference.</summary>
    void ToCoordinates(Span<float> weights);

    /// <summary>Writes what it takes to make the same coordinates.</summary>
    void Write(BinaryWriter writer);
}
