using MlNetRms.Checkpoints;

namespace MlNetRms.Training;

/// <summary>What is in a file: a training, and what must be the same for it to continue. Of a training that was saved to be continued later nothing must.</summary>
internal sealed record SavedContent(IReadOnlyList<(string Name, string Value)> Conditions, TrainingState State)
{
    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public static SavedContent Read(CheckpointReader reader)
    {
        var conditions = new List<(string, string)>();
        for (int left = reader.ReadInt32(); left > 0; left--)
            conditions.Add((reader.ReadString(), reader.ReadString()));
        return new(conditions, TrainingState.Read(reader));
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(Conditions.Count);
        foreach ((string name, string value) in Conditions)
        {
            writer.Write(name);
            writer.Write(value);
        }
        State.Write(writer);
    }
}
