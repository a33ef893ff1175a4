using Microsoft.ML.Data;

namespace MlNetRms.Samples;

/// <summary>A line of the file.</summary>
internal sealed record House
{
    /// <summary>The first line of the file.</summary>
    public const string Header = "Area,Rooms,Year,Plot,Distance,District,Heating,Description,Price";

    /// <summary>Square metres; missing in some lines.</summary>
    [LoadColumn(0)]
    public float Area { get; set; }

    [LoadColumn(1)]
    public float Rooms { get; set; }

    /// <summary>Year of construction; missing in some lines.</summary>
    [LoadColumn(2)]
    public float Year { get; set; }

    /// <summary>Of the plot, in square metres.</summary>
    [LoadColumn(3)]
    public float Plot { get; set; }

    /// <summary>To the centre, in kilometres.</summary>
    [LoadColumn(4)]
    public float Distance { get; set; }

    [LoadColumn(5)]
    public string District { get; set; } = "";

    [LoadColumn(6)]
    public string Heating { get; set; } = "";

    /// <summary>What the advertisement says.</summary>
    [LoadColumn(7)]
    public string Description { get; set; } = "";

    /// <summary>Thousand euros.</summary>
    [LoadColumn(8)]
    public float Price { get; set; }
}
