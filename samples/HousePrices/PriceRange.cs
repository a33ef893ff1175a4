using Microsoft.ML;
using Microsoft.ML.Data;

namespace MlNetRms.Samples;

/// <summary>A house's price, and the quantiles that three models give for it, in thousand euros.</summary>
internal readonly record struct PricedHouse(float Price, float Low, float Median, float High);

/// <summary>The 5 %, 50 % and 95 % quantiles of the price, each a linear model of its own.</summary>
internal sealed class PriceRange
{
    private PriceRange(PricedHouse[] houses) => Houses = [.. houses.OrderBy(house => house.Median)];

    /// <summary>The test houses, the cheapest by their median first.</summary>
    public PricedHouse[] Houses { get; }

    public double Coverage => Houses.Average(house => house.Price >= house.Low && house.Price <= house.High ? 1.0 : 0);

    public double MeanWidth => Width(Houses);

    public double WidthOfSmall => Width(Houses.Take(Houses.Length / 5));

    public double WidthOfLarge => Width(Houses.TakeLast(Houses.Length / 5));

    public static PriceRange Fit(MLContext ml, IDataView train, IDataView test)
    {
        float[] low = Quantile(0.05f);
        float[] median = Quantile(0.5f);
        float[] high = Quantile(0.95f);
        return new PriceRange([.. test.GetColumn<float>(HouseFeatures.Label)
            .Select((price, i) => new PricedHouse(price, low[i], median[i], high[i]))]);

        float[] Quantile(float quantile)
        {
            var options = new RmsPropRegressionTrainer.Options { LabelColumnName = HouseFeatures.Label, LossFunction = new QuantileLoss(quantile) };
            return [.. ml.Regression.Trainers.RmsProp(options).Fit(train).Transform(test).GetColumn<float>("Score")];
        }
    }

    private static double Width(IEnumerable<PricedHouse> houses) => houses.Average(house => house.High - house.Low);
}
