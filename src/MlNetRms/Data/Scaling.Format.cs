using MlNetRms.Checkpoints;

namespace MlNetRms.Data;

internal sealed partial class Scaling
{
    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <exception cref="FormatException">The parts do not fit together.</exception>
    public Scaling(CheckpointReader reader)
    {
        Columns = TrainedColumns.Read(reader);
        IsOn = reader.ReadBoolean();
        Wideness = reader.ReadDouble();
        IsPareto = reader.ReadBoolean();
        CentersSparse = reader.ReadBoolean();
        LargestValue = reader.ReadDouble();
        ConstantColumnCount = reader.ReadInt32();
        HasNewUnits = reader.ReadBoolean();
        LabelCenter = reader.ReadDouble();
        LabelStandardDeviation = reader.ReadDouble();
        IsLabelConstant = reader.ReadBoolean();
        _labelMean = reader.ReadDouble();
        _labelVariance = reader.ReadDouble();
        _denseEnergy = reader.ReadDouble();
        _sparseEnergy = reader.ReadDouble();
        _isSparse = Array.ConvertAll(reader.ReadArray<byte>(Columns.Count), flag => flag != 0);
        _means = reader.ReadArray<double>(Columns.Count);
        _centers = reader.ReadArray<double>(Columns.Count);
        _scales = reader.ReadArray<double>(Columns.Count);
        _nonZeroShares = reader.ReadArray<double>(Columns.Count);
        StandardDeviations = reader.ReadArray<double>(Columns.Count);
    }

    public void Write(BinaryWriter writer)
    {
        Columns.Write(writer);
        writer.Write(IsOn);
        writer.Write(Wideness);
        writer.Write(IsPareto);
        writer.Write(CentersSparse);
        writer.Write(LargestValue);
        writer.Write(ConstantColumnCount);
        writer.Write(HasNewUnits);
        writer.Write(LabelCenter);
        writer.Write(LabelStandardDeviation);
        writer.Write(IsLabelConstant);
        writer.Write(_labelMean);
        writer.Write(_labelVariance);
        writer.Write(_denseEnergy);
        writer.Write(_sparseEnergy);
        writer.WriteArray<byte>(Array.ConvertAll(_isSparse, flag => (byte)(flag ? 1 : 0)));
        writer.WriteArray<double>(_means);
        writer.WriteArray<double>(_centers);
        writer.WriteArray<double>(_scales);
        writer.WriteArray<double>(_nonZeroShares);
        writer.WriteArray<double>(StandardDeviations);
    }
}
