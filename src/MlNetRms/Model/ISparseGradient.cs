namespace MlNetRms.Model;

/// <summary>Takes the gradient of the weights of sparse columns, row by row.</summary>
internal interface ISparseGradient
{
    /// <summary>Whether <see cref="Prepare"/> must be called for a row before its prediction is computed.</summary>
    bool NeedsPreparation { get; }

    /// <summary>Brings the weights at these places up to date.</summary>
    void Prepare(ReadOnlySpan<int> places);

    /// <summary>Calls an action for each part of the places, on several threads if there are several parts.</summary>
    void ForEachPart(Action<int> action);

    /// <summary>Adds factor · valueₖ to the gradient of the weight at placeₖ, and the row's share of a penalty, for the places of one part.</summary>
    void Add(int part, ReadOnlySpan<int> places, ReadOnlySpan<float> values, float factor, float rowWeight);
}
