using System.Runtime.CompilerServices;
using Microsoft.ML.Runtime;
using MlNetRms.Tests.Conventions;

// A library in miniature, in one file: its rooms are namespaces without folders.
#pragma warning disable IDE0130

namespace MlNetRms.Tests.Conventions
{
    /// <summary>What the rules must say about a type that is planted to break one.</summary>
    [AttributeUsage(AttributeTargets.Class | AttributeTargets.Struct | AttributeTargets.Interface | AttributeTargets.Delegate, AllowMultiple = true)]
    internal sealed class BreaksAttribute(string reason) : Attribute
    {
        public string Reason { get; } = reason;
    }
}

namespace MlNetRms.Tests.Conventions.Planted
{
    internal sealed record PublicTrainer(RmsPropRegressionTrainer.Options Options, IDataView View);

    internal sealed class PublicOptimizer;
}

namespace MlNetRms.Tests.Conventions.Planted.Settings
{
    internal static class AllowedOptions
    {
        public static float Of(RmsPropRegressionTrainer.Options options) => options.Alpha;
    }

    [Breaks("only the root, MlNet and RowReader know ML.NET")]
    internal sealed record View(IDataView Examples);
}

namespace MlNetRms.Tests.Conventions.Planted.Model
{
    internal class Weights : Exception
    {
        public static int Count => 0;
    }

    internal interface IWeights;

    internal sealed class LazyWeights;

    internal sealed class KnowsDataAndRules(Data.RowReader rows, Rules.UpdateRule rule)
    {
        public Data.RowReader Rows { get; } = rows;

        public Rules.UpdateRule Rule { get; } = rule;
    }

    [Breaks("Model knows nothing of Objective, Training")]
    internal sealed record Loss(Objective.Sum Sum);

    [Breaks("Model knows nothing of Objective, Training")]
    internal sealed record Loop(Training.Run Run);
}

namespace MlNetRms.Tests.Conventions.Planted.Rules
{
    internal sealed class UpdateRule;

    [Breaks("Rules knows nothing of Data, Model, Objective, Training")]
    internal sealed record Examples(Data.RowReader Reader);

    [Breaks("Rules knows nothing of Data, Model, Objective, Training")]
    internal sealed record Parameters(Model.Weights Weights);

    [Breaks("Rules knows nothing of Data, Model, Objective, Training")]
    internal sealed record Loss(Objective.Sum Sum);

    [Breaks("Rules knows nothing of Data, Model, Objective, Training")]
    internal sealed record Loop(Training.Run Run);
}

namespace MlNetRms.Tests.Conventions.Planted.Objective
{
    internal sealed class Sum;

    internal sealed record KnowsTheModel(Model.Weights Weights, Data.RowReader Reader);

    [Breaks("Objective knows nothing of Training")]
    internal sealed record Loop(Training.Run Run);

    [Breaks("Objective does not know which rule asks")]
    internal sealed record Rule(Rules.UpdateRule Update);

    [Breaks("Objective does not know which rule asks")]
    internal sealed record Touched(Model.LazyWeights Weights);
}

namespace MlNetRms.Tests.Conventions.Planted.Training
{
    internal sealed class Run;

    internal sealed record KnowsAllBelow(Data.RowReader Rows, Model.Weights Weights, Rules.UpdateRule Rule, Objective.Sum Sum);

    [Breaks("only the root and Settings know the options")]
    internal sealed class Options
    {
        public static double AlphaOf(RmsPropRegressionTrainer.Options options) => options.Alpha;
    }

    [Breaks("only the root and Settings know the options")]
    internal sealed class OptionsInABody
    {
        public static double Alpha => RmsPropRegressionTrainer.Options.Textbook().Alpha;
    }

    [Breaks("only the root, MlNet and RowReader know ML.NET")]
    internal sealed class Channel
    {
        public static void Warn(Func<object> channel) => ((IChannel)channel()).Warning(MessageSensitivity.None, "no");
    }
}

namespace MlNetRms.Tests.Conventions.Planted.Kernels
{
    internal sealed class KnowsSystem
    {
        public static float Sum(Span<float> values, Other other)
        {
            other.Values.CopyTo(values);
            return ((ReadOnlySpan<int>)[1, 2, 3, 4, 5])[values.Length];
        }
    }

    internal readonly ref struct Other(ReadOnlySpan<float> values)
    {
        public ReadOnlySpan<float> Values { get; } = values;
    }

    [Breaks("Kernels, Threading and Checkpoints know System and themselves only")]
    internal sealed record Settings(MlNetRms.EpsilonPlacement Placement);

    [Breaks("Kernels, Threading and Checkpoints know System and themselves only")]
    internal sealed record Threads(Threading.Team Team);

    [Breaks("Kernels, Threading and Checkpoints know System and themselves only")]
    [Breaks("only the root, MlNet and RowReader know ML.NET")]
    internal sealed record View(IDataView Examples);
}

namespace MlNetRms.Tests.Conventions.Planted.Threading
{
    internal sealed class Team
    {
        public static Thread Start(Action work) => new(() => work());
    }

    [Breaks("Kernels, Threading and Checkpoints know System and themselves only")]
    internal sealed record Random(Kernels.KnowsSystem Kernel);

    [Breaks("Kernels, Threading and Checkpoints know System and themselves only")]
    internal sealed record Root(PublicOptimizer Optimizer);
}

namespace MlNetRms.Tests.Conventions.Planted.Checkpoints
{
    internal sealed record Saved(System.IO.Stream File);

    [Breaks("Kernels, Threading and Checkpoints know System and themselves only")]
    internal sealed record State(PublicOptimizer Optimizer);
}

namespace MlNetRms.Tests.Conventions.Planted.MlNet
{
    internal static class KnowsMlNet
    {
        [UnsafeAccessor(UnsafeAccessorKind.Method, Name = "get_Host")]
        public static extern IHost Host(IHost of);
    }

    [Breaks("only the root and Settings know the options")]
    internal sealed record Options(RmsPropRegressionTrainer.Options Value);
}

namespace MlNetRms.Tests.Conventions.Planted.Data
{
    internal sealed class RowReader
    {
        public IDataView? View { get; set; }

        public Func<int> Count() => () => View!.Schema.Count;

        internal sealed record Nested(IDataView View);
    }

    internal sealed record KnowsTheReader(RowReader Reader);

    [Breaks("only the root, MlNet and RowReader know ML.NET")]
    internal sealed record Schema(List<DataViewSchema.Column?[]> Columns);

    [Breaks("only MlNet knows what is not public")]
    internal static class Accessor
    {
        [UnsafeAccessor(UnsafeAccessorKind.Field, Name = "_items")]
        public static extern ref int[] Items(List<int> list);
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed record Rule(Rules.UpdateRule Update);

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed record Loss(Objective.Sum Sum);

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed record Loop(Training.Run Run);

    // One for each place in which a type can be mentioned.

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsBaseType : Model.Weights;

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsInterface : Model.IWeights;

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsArgumentOfABase : List<Model.Weights>;

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal interface IAsConstraint<T> where T : IEnumerable<Model.Weights>;

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsConstraintOfAMethod
    {
        public static int Count<T>() where T : Model.IWeights => 0;
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsField
    {
        public Model.Weights[][] Weights = [];
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal interface IAsProperty
    {
        (int Place, Model.Weights Weights) Pair { get; }
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal interface IAsEvent
    {
        event Action<Model.Weights> Changed;
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal interface IAsResult
    {
        ref Model.Weights Weights();
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal interface IAsParameter
    {
        void Set(in Model.Weights weights);
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsParameterOfAConstructor
    {
        public AsParameterOfAConstructor(IReadOnlyDictionary<string, Model.Weights> weights) => Count = weights.Count;

        public int Count { get; }
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal delegate void AsDelegate(Model.Weights weights);

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsLocal
    {
        public static string Text(Func<object> get)
        {
            var weights = (Model.Weights)get();
            return weights.Message + weights.StackTrace;
        }
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsStaticCall
    {
        public static int Count => Model.Weights.Count;
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsTypeArgumentOfACall
    {
        public static int Count(object[] values) => values.OfType<Model.Weights>().Count();
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsTypeOf
    {
        public static Type Type => typeof(Model.Weights);
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsCaught
    {
        public static bool Throws(Action action)
        {
            try
            {
                action();
                return false;
            }
            catch (Model.Weights)
            {
                return true;
            }
        }
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsClosure
    {
        public static Func<int> Count(int offset) => () => offset + Model.Weights.Count;
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsIterator
    {
        public static IEnumerable<int> Counts()
        {
            yield return Model.Weights.Count;
        }
    }

    [Breaks("Data knows nothing of Model, Rules, Objective, Training")]
    internal sealed class AsNested
    {
        internal readonly record struct Inner(Model.Weights Weights);
    }
}
