using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.MlNet;

/// <summary>The columns a training reads.</summary>
internal readonly record struct TrainingColumns(DataViewSchema.Column Features, DataViewSchema.Column Label, DataViewSchema.Column? Weight)
{
    /// <summary>Length of the feature vector.</summary>
    public int FeatureCount => ((VectorDataViewType)Features.Type).Size;

    /// <summary>A feature in words: its slot name where the column has names, and its number.</summary>
    public string NameOf(int slot)
    {
        string place = $"slot {slot} of column '{Features.Name}'";
        string name = SlotNames(Features).GetItemOrDefault(slot).ToString();
        return name.Length == 0 ? place : $"feature '{name}' ({place})";
    }

    /// <summary>Names of all features: slot names, or "Slot 3" where there is none.</summary>
    public static string[] FeatureNames(DataViewSchema.Column features)
    {
        VBuffer<ReadOnlyMemory<char>> names = SlotNames(features);
        return [.. names.DenseValues().Select((name, slot) => name.IsEmpty ? $"Slot {slot}" : name.ToString())];
    }

    private static VBuffer<ReadOnlyMemory<char>> SlotNames(DataViewSchema.Column features)
    {
        int length = ((VectorDataViewType)features.Type).Size;
        VBuffer<ReadOnlyMemory<char>> names = default;
        if (features.HasSlotNames())
            features.GetSlotNames(ref names);
        return names.Length == length ? names : new VBuffer<ReadOnlyMemory<char>>(length, 0, [], []);
    }
}
