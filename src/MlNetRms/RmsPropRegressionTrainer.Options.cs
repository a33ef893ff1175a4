using System.Text.Json.Serialization;
using Microsoft.ML;
using Microsoft.ML.SearchSpace;
using Microsoft.ML.Trainers;
using MlNetRms.Host;
using MlNetRms.Settings;

namespace MlNetRms;

public sealed partial class RmsPropRegressionTrainer
{
    /// <summary>
    /// Every setting of <see cref="RmsPropRegressionTrainer"/>. The defaults come near the least-squares optimum from raw
    /// features; most users change none of them.
    /// </summary>
    /// <remarks>
    /// The trainer checks and copies the options when it is built; later changes have no effect on it. The search attributes give ranges worth
    /// searching, inside those that are allowed; any combination of them is valid. ML.NET's search makes parameters of the plain values alone: set
    /// the others where it asks for the trainer. JSON holds the plain values, the losses of this package, ML.NET's squared loss, and the schedules
    /// that have a name here; writing another loss or schedule throws a <see cref="NotSupportedException"/>. Validation rows, callbacks and tokens
    /// are left out.
    /// </remarks>
    /// <example>
    /// <code>
    /// using Microsoft.ML;
    /// using MlNetRms;
    ///
    /// var ml = new MLContext(seed: 1);
    /// var rows = Enumerable.Range(0, 500).Select(i =&gt; new House
    /// {
    ///     Size = new float[] { 40 + i % 90, i % 7 },
    ///     Price = 1000 * (i % 90) + 50 * (i % 11),
    /// });
    /// var options = new RmsPropRegressionTrainer.Options
    /// {
    ///     LabelColumnName = "Price",
    ///     FeatureColumnName = "Size",
    ///     LossFunction = new HuberLoss(delta: 100),
    ///     ValidationFraction = 0.1f,
    ///     EarlyStopping = new EarlyStopping { Patience = 20 },
    ///     EpochCompleted = epoch =&gt; Console.WriteLine(epoch.Report),
    /// };
    /// var model = ml.Regression.Trainers.RmsProp(options).Fit(ml.Data.LoadFromEnumerable(rows));
    /// Console.WriteLine(model.Training);
    ///
    /// class House
    /// {
    ///     [Microsoft.ML.Data.VectorType(2)]
    ///     public float[] Size { get; set; } = [];
    ///
    ///     public float Price { get; set; }
    /// }
    /// </code>
    /// </example>
    public sealed class Options
    {
        /// <summary>Name of the label column, a <see cref="float"/>. Default "Label".</summary>
        public string LabelColumnName { get; set; } = "Label";

        /// <summary>Name of the feature column, a vector of <see cref="float"/> of known size. Default "Features".</summary>
        public string FeatureColumnName { get; set; } = "Features";

        /// <summary>
        /// Name of the column of example weights, a <see cref="float"/> above 0; null for none. Default null.
        /// A row of weight 2 counts as two rows in every mean: gradients, losses, and the standardisation.
        /// </summary>
        public string? ExampleWeightColumnName { get; set; }

        /// <summary>
        /// η, the learning rate before the schedule: about how far a weight moves in one step, in standard deviations while
        /// <see cref="Standardize"/> is on. Default 0.03; finite, greater than 0. With a schedule that falls, anything from 0.003 to 0.1 works, and
        /// so does up to 0.3 except with kinked losses or <see cref="Centered"/>. Lower it if training diverges.
        /// </summary>
        [Range(1e-3f, 0.3f, 0.03f, logBase: true)]
        public float LearningRate { get; set; } = 0.03f;

        /// <summary>
        /// How the learning rate changes from step to step. Default <see cref="MlNetRms.LearningRateSchedule.CosineThenConstant"/>; if
        /// <see cref="NumberOfEpochs"/> is null too, the rate is constant from the first averaged step on. At a constant rate the error ends one to a
        /// few percent above the optimum.
        /// </summary>
        [JsonConverter(typeof(ScheduleJsonConverter))]
        public LearningRateSchedule LearningRateSchedule { get; set; } = LearningRateSchedule.Default;

        /// <summary>
        /// α, the weight of the old mean square. Default 0.999; in [0, 1). A small value together with a small batch shifts
        /// the point training converges to; raise it then.
        /// </summary>
        [Range(0.9f, 0.9999f, 0.999f)]
        public float Alpha { get; set; } = 0.999f;

        /// <summary>
        /// ε, which keeps the step finite when gradients vanish. Default 1e-4; finite, greater than 0. Standardised features
        /// have gradients of a known size, so this is a real scale: much smaller values let rarely seen features jump.
        /// </summary>
        [Range(1e-6f, 0.1f, 1e-4f, logBase: true)]
        public float Epsilon { get; set; } = 1e-4f;

        /// <summary>Whether ε is added to the root or inside it. Default <see cref="EpsilonPlacement.OutsideSquareRoot"/>.</summary>
        public EpsilonPlacement EpsilonPlacement { get; set; } = EpsilonPlacement.OutsideSquareRoot;

        /// <summary>
        /// Whether the mean square is divided by 1−αᵗ, which corrects for its start at zero. Default true. Without it the first steps are far too
        /// long when <see cref="Alpha"/> is near 1.
        /// </summary>
        /// <remarks>
        /// The mean gradient of <see cref="Centered"/> is not divided. With both divided, as in optax, the first centered step would be η·g/ε: the
        /// corrected mean square is then g² and the corrected mean g, so that nothing is left under the root.
        /// </remarks>
        public bool BiasCorrection { get; set; } = true;

        /// <summary>
        /// μ, the weight of the old velocity. Default 0, none; in [0, 1). With 0.9, divide <see cref="LearningRate"/> by
        /// about 5: slightly better on ill-conditioned data.
        /// </summary>
        [Range(0f, 0.95f, 0f)]
        public float Momentum { get; set; }

        /// <summary>Whether steps are divided by the standard deviation of the gradient instead of its root mean square. Default false.</summary>
        [BooleanChoice(false)]
        public bool Centered { get; set; }

        /// <summary>
        /// λ of the penalty ½·λ·‖w‖² that is added to the mean half-squared error; its gradient λ·w takes part in the mean square. Finite, at least
        /// 0. Null, the default, is 0 unless the features that vary outnumber half of the n rows; then it is a weak λ of E / 4n, where E is the mean
        /// squared length of a row in training, and less than that for features that are not sparse until they are as many as the rows. The penalty
        /// is on the weights as trained (standardised ones, in units of the label's standard deviation, while <see cref="Standardize"/> is on), never
        /// on the bias.
        /// </summary>
        /// <remarks>
        /// The solution is that of a ridge regression ‖y − Xw‖² + alpha·‖w‖² with alpha = n·λ on standardised features and label. Raise λ if the
        /// error on test rows is far above that on the training rows, as with few rows per feature or features that are nearly the same: least
        /// squares itself predicts badly then. Cross-validation finds the best λ.
        /// </remarks>
        [Range(1e-6f, 1f, 1e-4f, logBase: true)]
        public float? L2Regularization { get; set; }

        /// <summary>
        /// λ₁ of the penalty λ₁·Σ|w|, which makes weights that contribute little exactly 0. Default 0; finite, at least 0. It is on the weights as
        /// trained, like <see cref="L2Regularization"/>; both together are the elastic net. Excludes <see cref="Momentum"/> and
        /// <see cref="Centered"/>.
        /// </summary>
        /// <remarks>
        /// The solution is that of the lasso ‖y − Xw‖² / 2n + alpha·Σ|w| with alpha = λ₁ on standardised features and label. With λ too, it is that
        /// of the elastic net with alpha = λ + λ₁ and an L1 share of λ₁ / (λ + λ₁).
        /// </remarks>
        // No search range: a search draws each option independently, and would combine this one with those it excludes.
        public float L1Regularization { get; set; }

        /// <summary>Whether weights below 0 are cut off at 0 after each step. Default false. The bias may be negative.</summary>
        public bool NonNegativeWeights { get; set; }

        /// <summary>
        /// Largest Euclidean norm of a mini-batch's mean gradient; a longer one is shortened to it. Default null, none; finite,
        /// greater than 0. The norm is in the units of training: while <see cref="Standardize"/> is on, gradients have norms of about 1.
        /// </summary>
        public float? GradientClippingNorm { get; set; }

        /// <summary>
        /// The loss of one row, in label units; null, the default, is ½·(ŷ − y)². This package has <see cref="HuberLoss"/>,
        /// <see cref="AbsoluteLoss"/>, <see cref="QuantileLoss"/>, <see cref="EpsilonInsensitiveLoss"/> and <see cref="LogCoshLoss"/>. Any other
        /// ML.NET loss works too, except <see cref="PoissonLoss"/> and <see cref="TweedieLoss"/>, which are not for a model that predicts the label
        /// itself. A custom loss must be a pure function: several threads evaluate it at once for large batches (<see cref="NumberOfThreads"/>).
        /// </summary>
        [JsonConverter(typeof(LossJsonConverter))]
        public IRegressionLoss? LossFunction { get; set; }

        /// <summary>
        /// Rows averaged into one gradient. Default 256, or all rows if there are fewer; at least 1. An epoch is cut into
        /// batches of nearly equal size, none larger than this.
        /// </summary>
        [Range(16, 1024, 256, logBase: true)]
        public int BatchSize { get; set; } = 256;

        /// <summary>
        /// Passes over the data; at least 1. Null, the default, is as many as it takes to come within <see cref="Tolerance"/> of the optimum: rounds
        /// of growing length, each from where the one before ended, at most five.
        /// </summary>
        /// <remarks>
        /// The first round has 250 steps or, with many features, up to 2000, and at least one pass; 2000 and two passes if the features are not all
        /// decorrelated. With early stopping there is one round of 2000 steps. A <see cref="LearningRateSchedule"/> and
        /// <see cref="AveragedFraction"/> count in each round as in a training of its own.
        /// </remarks>
        public int? NumberOfEpochs { get; set; }

        /// <summary>
        /// How near to the optimum training ends: the largest share by which RMSE on the training rows, as measured after each round, may exceed the
        /// least possible (<see cref="OptimalityGap.Share"/>). Null, the default, is 0.005 times features per row, but between 2e-6 and 2e-5, or 5e-4
        /// if the features are not all decorrelated from the start; greater than 0. Weights are then off by about a tenth of their standard errors.
        /// It has no effect if <see cref="NumberOfEpochs"/> or
        /// <see cref="EarlyStopping"/> is set.
        /// </summary>
        public float? Tolerance { get; set; }

        /// <summary>
        /// The returned weights are the mean of the weights over this last share of all steps. Default 0.2; in [0, 1]. 0 returns the last weights. If
        /// <see cref="NumberOfEpochs"/> is null and a round has fewer than ten epochs, the averaged steps are rounded up to whole epochs; if it has a
        /// single epoch, at least 0.8 of it counts. A training that ends early returns a running mean (see
        /// <see cref="MlNetRms.EarlyStopping"/>).
        /// </summary>
        public float AveragedFraction { get; set; } = 0.2f;

        /// <summary>
        /// Whether the trainer brings features and label to mean 0 and standard deviation 1, and returns the weights in raw units. Default true. A
        /// feature that is 0 in more than nine rows of ten is scaled by the root mean square of its other values and not centred. Turn it off only
        /// for data that is already scaled.
        /// </summary>
        public bool Standardize { get; set; } = true;

        /// <summary>
        /// Whether training steps in coordinates in which the features are uncorrelated; the weights are returned for the original features. Without
        /// it correlated features need very many steps. Null, the default, is from the start on for up to 512 features that are not mostly 0 (320 if
        /// some are), and in later rounds for up to 2000 features of any kind, if training has not come near enough to the optimum without. An option
        /// that needs the original features turns it off (<see cref="L1Regularization"/>, <see cref="NonNegativeWeights"/>, <see cref="Standardize"/>
        /// off).
        /// </summary>
        public bool? Decorrelate { get; set; }

        /// <summary>Whether rows are visited in random order. Default true. If false, rows are visited in reading order.</summary>
        public bool Shuffle { get; set; } = true;

        /// <summary>
        /// Standard deviation of the normal distribution that the first weights are drawn from. Default 0: all weights start at 0. Finite, at least
        /// 0. The bias starts at 0.
        /// </summary>
        public float InitialWeightsStandardDeviation { get; set; }

        /// <summary>
        /// Seed of the row order, the first weights, and the validation split; any value. Null, the default, takes that of the
        /// <see cref="Microsoft.ML.MLContext"/>, or 0 if it has none. The same data, options and seed give the same bits, whatever else was
        /// created from the context, and in whatever order.
        /// </summary>
        public int? Seed { get; set; }

        /// <summary>
        /// Maximum number of threads; at least 1. Null, the default, is one per processor. Batches that are too small to gain from more are computed
        /// by one thread. The model is the same, bit for bit, for any number.
        /// </summary>
        public int? NumberOfThreads { get; set; }

        /// <summary>
        /// Bytes of memory for rows; at least 1. Null, the default, is half of what the process may use. Rows beyond the limit go to a temporary
        /// file, which is read once per epoch and removed at the end, even if the process is killed. The model is the same, bit for bit.
        /// </summary>
        /// <remarks>
        /// <para>
        /// The limit counts the memory that rows occupy, in pages of 64 to 512 KiB; rows of more than about 65 000 features count by their length. Up
        /// to 2 MiB more is taken, because the system gives memory in pieces of that size. A stored dense row takes 4 bytes per feature and 8 to 40
        /// more, a sparse one 8 bytes per value that is not 0. Memory per column is not counted, nor are 12 bytes per row if there are sparse
        /// columns.
        /// </para>
        /// <para>
        /// Some memory is taken whatever the limit. While rows are read, the part being read holds up to 8 KiB in each of 64 buckets, or one row if
        /// that is longer. While rows are shuffled and packed, each packing thread (at most four) holds one bucket: a 64th of the part's rows. While
        /// training, each thread that reads from the file holds one segment of dense rows and one block of sparse ones.
        /// </para>
        /// <para>
        /// The file needs as many bytes as the rows beyond the limit, plus a 64th of a part of the rows. If the disk is full, <c>Fit</c> throws an
        /// <see cref="IOException"/> that says how many bytes are needed. On Unix only the user can read the file, and it has no name once it is
        /// open, so even a kill leaves nothing behind. Windows removes it when it is closed, but can leave it behind if the machine loses power.
        /// </para>
        /// </remarks>
        public long? MemoryLimitInBytes { get; set; }

        /// <summary>
        /// The folder of the temporary file for rows beyond <see cref="MemoryLimitInBytes"/>; it must exist. Null, the default, is the system's
        /// folder for temporary files, which on some systems is itself in memory.
        /// </summary>
        public string? TemporaryDirectory { get; set; }

        /// <summary>
        /// The processes that train one model together, each on its own parts of the rows
        /// (<see cref="FitParts(IReadOnlyList{IDataView}, IReadOnlyList{IDataView}, RmsPropRegressionTransformer, CancellationToken)"/>);
        /// null, the default, for this process alone. All must have the same options, except for column names, threads, memory, paths, callbacks and
        /// tokens; otherwise <c>Fit</c> throws in all of them and names the option that differs.
        /// </summary>
        /// <remarks>
        /// <para>
        /// Statistics of the columns, mini-batches, losses and decisions are those of all rows, and each process gets the whole model.
        /// <see cref="BatchSize"/> counts the rows of all. <see cref="ValidationSet"/> is this process's part of the validation rows, and
        /// <see cref="MemoryLimitInBytes"/> is for the rows of this process.
        /// </para>
        /// <para>
        /// <see cref="EpochCompleted"/> and <see cref="Progress"/> are called in every process that has set them. To be called once, set them only if
        /// <see cref="ICollective.Rank"/> is 0. Progress counts the rows that this process reads and, while it trains, those of all processes. If one
        /// process stops in its callback, all stop; if one is cancelled or fails, the training ends in all.
        /// </para>
        /// </remarks>
        [JsonIgnore]
        public ICollective? Collective { get; set; }

        /// <summary>
        /// Share of the rows that is set aside, at random by <see cref="Seed"/>, to evaluate each epoch on instead of being trained on. Default 0,
        /// none; in [0, 1). Excludes <see cref="ValidationSet"/>.
        /// </summary>
        public float ValidationFraction { get; set; }

        /// <summary>
        /// Rows to evaluate each epoch on, with the columns that the trainer sees; null, the default, for none. In a pipeline these are
        /// rows that have been through its earlier transforms. Excludes <see cref="ValidationFraction"/>.
        /// </summary>
        [JsonIgnore]
        public IDataView? ValidationSet { get; set; }

        /// <summary>
        /// When to stop before the last epoch, according to the validation loss, and return the best epoch's weights. Null, the default, never stops
        /// early. Needs validation rows.
        /// </summary>
        public EarlyStopping? EarlyStopping { get; set; }

        /// <summary>
        /// The file to which training is saved while it runs, so that the next <c>Fit</c> continues it after a crash, a kill or a cancellation
        /// (<see cref="CheckpointOptions"/>). Null, the default, for none.
        /// </summary>
        public CheckpointOptions? Checkpoint { get; set; }

        /// <summary>
        /// Called after each epoch, on the thread that called <c>Fit</c>, with what happened in it and a way to stop there and
        /// keep the model. Null, the default, for none. If it throws, <c>Fit</c> throws the same exception.
        /// </summary>
        [JsonIgnore]
        public Action<EpochProgress>? EpochCompleted { get; set; }

        /// <summary>
        /// Receives the progress of the training, on the thread that called <c>Fit</c>: when reading and training begin, about four times a second
        /// (within an epoch too), and at the end. Null, the default, for none. If it throws, <c>Fit</c> throws the same exception. A
        /// <see cref="Progress{T}"/> passes reports on to the thread it was created on, or to others.
        /// </summary>
        [JsonIgnore]
        public IProgress<TrainingProgress>? Progress { get; set; }

        /// <summary>
        /// Once cancelled, ends every <c>Fit</c> of the trainer with an <see cref="OperationCanceledException"/>, even in the middle of reading or of
        /// an epoch. Default: none. It is for a <c>Fit</c> that ML.NET calls, as in a pipeline or a cross-validation; pass a token for one training
        /// directly to <c>Fit</c>. The context stays usable, the trainer does not. With <see cref="Checkpoint"/> training is saved first.
        /// </summary>
        [JsonIgnore]
        public CancellationToken CancellationToken { get; set; }

        /// <summary>The clock that times the reports to <see cref="Progress"/>.</summary>
        internal TimeProvider Clock { get; set; } = TimeProvider.System;

        /// <summary>
        /// RMSProp as the book "Dive into Deep Learning" teaches it: η = 0.01 constant, γ = α = 0.9, ε = 1e-6 inside the root,
        /// no bias correction, batches of 10, 2 epochs, first weights from N(0, 0.01²), no averaging, and no standardisation:
        /// the data should be standardised beforehand.
        /// </summary>
        /// <returns>A new object, which may be changed.</returns>
        public static Options Textbook() => new()
        {
            LearningRate = 0.01f,
            LearningRateSchedule = LearningRateSchedule.Constant,
            Alpha = 0.9f,
            Epsilon = 1e-6f,
            EpsilonPlacement = EpsilonPlacement.InsideSquareRoot,
            BiasCorrection = false,
            BatchSize = 10,
            NumberOfEpochs = 2,
            AveragedFraction = 0,
            Standardize = false,
            InitialWeightsStandardDeviation = 0.01f,
        };

        /// <summary>A copy that can be changed independently. Objects that the options refer to are shared.</summary>
        /// <returns>The copy.</returns>
        public Options Clone() => (Options)MemberwiseClone();

        /// <summary>The options that are not at their defaults, invariant culture.</summary>
        /// <returns>For example "Options { BatchSize = 32, NumberOfEpochs = 7 }, the others at their defaults".</returns>
        public override string ToString()
        {
            IReadOnlyList<NamedText> changed = OptionTable.Changed(this);
            return changed is [] ? "Options, all at their defaults"
                : $"Options {{ {string.Join(", ", changed.Select(option => $"{option.Name} = {option.Text}"))} }}, the others at their defaults";
        }

        /// <summary>A checked copy whose seed is not null.</summary>
        /// <param name="contextSeed">The seed if these options have none.</param>
        /// <inheritdoc cref="OptionTable.CheckArguments" path="/exception"/>
        internal Options CheckedCopy(int? contextSeed)
        {
            Options copy = Clone();
            copy.Seed ??= contextSeed ?? 0;
            OptionTable.Check(copy, "options");
            return copy;
        }

        /// <summary>The options as training uses them.</summary>
        internal TrainingSettings ToSettings() =>
            TrainingSettings.From(this, LossFunctions.Bind(LossFunction), OptionTable.Compared(this, Same.Continuation));
    }
}
