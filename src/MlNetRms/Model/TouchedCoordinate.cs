namespace MlNetRms.Model;

/// <summary>What a touch of a weight needs besides the weight, side by side in memory: a random access costs one cache line.</summary>
internal struct TouchedCoordinate
{
    public float Gradient;
    public float MeanSquare;

    /// <summary>The complement of the last step once the coming step touches the weight: a flag that takes no room.</summary>
    private long _lastStep;

    public readonly bool IsTouched => _lastStep < 0;

    /// <summary>The last step that changed the weight; setting it clears <see cref="IsTouched"/>.</summary>
    public long LastStep
    {
        readonly get => _lastStep < 0 ? ~_lastStep : _lastStep;
        set => _lastStep = value;
    }

    public void Touch() => _lastStep = ~_lastStep;
}
