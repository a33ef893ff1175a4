using System.Text.Json.Serialization;
using Microsoft.ML;

namespace MlNetRms;

public sealed partial class RmsPropRegressionTrainer
{
    public sealed partial class Options
    {
        /// <summary>
        /// The processes that train one model together, each on its own parts of the rows
        /// (<see cref="FitParts(IReadOnlyList{IDataView}, IReadOnlyList{IDataView}, RmsPropRegressionTransformer, System.Threading.CancellationToken)"/>);
        /// null, the default, for this process alone. All must have the same options, but for threads, memory, paths, and what is called back.
        /// </summary>
        /// <remarks>
        /// <para>
        /// Statistics of the columns, mini-batches, losses and decisions are those of all rows; each process gets the whole model.
        /// <see cref="BatchSize"/> counts the rows of all. <see cref="ValidationSet"/> is this process's part of the validation rows, and
        /// <see cref="MemoryLimitInBytes"/> is for the rows of this process.
        /// </para>
        /// <para>
        /// <see cref="EpochCompleted"/> and <see cref="Progress"/> are called in those processes that have set them: set them where
        /// <see cref="ICollective.Rank"/> is 0 to be told once. Progress counts the rows that this process reads, and, when it trains, those of all.
        /// One process that stops in its callback stops all; one that is cancelled or fails ends the training in all.
        /// </para>
        /// </remarks>
        [JsonIgnore]
        public ICollective? Collective { get; set; }
    }
}
