// Types in the library's rooms that break one rule each, or none.
#pragma warning disable IDE0130

namespace MlNetRms.Solver
{
    internal sealed class PlantedAbove : Exception
    {
        public static int Count => 0;
    }

    internal sealed class PlantedRule;

    internal sealed record BreaksAsGradientThatKnowsTheRule(PlantedRule Rule);

    internal sealed record KeepsAllBelow(Rows.KeepsRules Rows, LearningRateSchedule Schedule);
}

namespace MlNetRms.Rows
{
    internal sealed record KeepsRules(ICollective Collective, EpochReport Report, string[] Text);

    internal sealed class BreaksInABase : List<Solver.PlantedAbove>;

    internal interface BreaksInASignature
    {
        (int Place, Solver.PlantedAbove?[] Values) Pair { get; }
    }

    internal static class BreaksInABody
    {
        public static int Count => Solver.PlantedAbove.Count;
    }

    internal static class BreaksInALocal
    {
        public static string Text(Func<object> get)
        {
            var above = (Solver.PlantedAbove)get();
            return above.Message + above.StackTrace;
        }
    }

    internal static class BreaksInATypeArgument
    {
        public static int Count(object[] values) => values.OfType<Solver.PlantedAbove>().Count();
    }

    internal static class BreaksInAClosure
    {
        public static Func<int> Count(int offset) => () => offset + Solver.PlantedAbove.Count;
    }

    internal static class BreaksInAnIterator
    {
        public static IEnumerable<int> Counts()
        {
            yield return Solver.PlantedAbove.Count;
        }
    }

    internal sealed record BreaksAsItKnowsMlNet(List<DataViewSchema.Column?[]> Columns);

    internal sealed record BreaksAsItKnowsAnUpperPublicType(RmsPropRegressionTrainer Trainer);

    internal static class BreaksAsItKnowsOptions
    {
        public static float Alpha => RmsPropRegressionTrainer.Options.Textbook().Alpha;
    }
}

namespace MlNetRms.Kernels
{
    internal sealed record BreaksAsItKnowsMoreThanSystem(EpsilonPlacement Placement);

    internal sealed record BreaksAsItKnowsAnotherLibrary(List<MathNet.Numerics.Complex32> Values);
}
