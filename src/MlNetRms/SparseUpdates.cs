namespace MlNetRms;

/// <summary>How the weights of sparse features are updated. The result is the same but for rounding; the speed is not.</summary>
public enum SparseUpdates
{
    /// <summary>No feature is kept sparse.</summary>
    None,

    /// <summary>A step changes the weights its batch touches, and brings their state up to date first.</summary>
    TouchedWeights,

    /// <summary>A step changes every weight: momentum at a changing rate, a penalty, a bound or clipping acts on weights that no row of the batch touches.</summary>
    AllWeights,
}
