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
    /// The trainer takes a copy when it is built and checks it then; later changes have no effect on it. The search
    /// attributes give ranges worth searching, inside those that are allowed; any combination of them is valid. As JSON options
    /// keep their plain values, the losses of this package, ML.NET's squared loss, and the schedules that have a name here; of another loss or
    /// schedule writing throws a <see cref="NotSupportedException"/>. Validation rows, callbacks and tokens are left out. ML.NET's search makes
    /// parameters of the plain values alone: set the others where it asks for the trainer.
    /// </remarks>
    /// <example>
    /// <code>
    /// using Microsoft.ML;
    /// using MlNetRms;
    ///
    /// var ml = new MLContext(seed: 1);
    /// var rows = Enumerable.Range(0, 500).Select(i =&gt; new House { Size = new float[] { 40 + i % 90, i % 7 }, Price = 1000 * (i % 90) + 50 * (i % 11) });
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
        /// <see cref="Standardize"/> is on. Default 0.03; finite, greater than 0. With a schedule that
        /// falls, anything from 0.003 to 0.1 works, and up to 0.3 but for kinked losses and <see cref="Centered"/>; lower it if training diverges.
        /// </summary>
        [Range(1e-3f, 0.3f, 0.03f, logBase: true)]
        public float LearningRate { get; set; } = 0.03f;

        /// <summary>
        /// How the learning rate changes from step to step. Default <see cref="MlNetRms.LearningRateSchedule.CosineThenConstant"/>;
        /// with <see cref="NumberOfEpochs"/> null too, constant from where averaging begins.
        /// At a constant rate the error ends one to a few percent above the optimum.
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
        /// ε, what keeps the step finite where gradients vanish. Default 1e-4; finite, greater than 0. Standardised features
        /// have gradients of a known size, so this is a real scale: much smaller values let rarely seen features jump.
        /// </summary>
        [Range(1e-6f, 0.1f, 1e-4f, logBase: true)]
        public float Epsilon { get; set; } = 1e-4f;

        /// <summary>Whether ε is added to the root or inside it. Default <see cref="EpsilonPlacement.OutsideSquareRoot"/>.</summary>
        public EpsilonPlacement EpsilonPlacement { get; set; } = EpsilonPlacement.OutsideSquareRoot;

        /// <summary>
        /// Whether the running means are divided by 1−αᵗ, which removes their start at zero. Default true. Without it the
        /// first steps are far too long when <see cref="Alpha"/> is near 1.
        /// </summary>
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
        /// λ of the penalty ½·λ·‖w‖² that is added to the mean half-squared error; its gradient λ·w takes part in the mean
        /// square. Finite, at least 0; null, the default: 0, but a weak λ where the features that vary outnumber half of the n rows: E / 4n,
        /// less for features that are not sparse until they are as many as the rows (E is the mean squared length of a row in training). On the
        /// weights as trained (standardised ones, in units of the label's standard deviation, while <see cref="Standardize"/> is on), never on
        /// the bias.
        /// </summary>
        /// <remarks>
        /// The solution is that of a ridge regression ‖y − Xw‖² + alpha·‖w‖² with alpha = n·λ on standardised features and label. Raise λ where
        /// the error on test rows is far above that on the training rows: few rows for each feature, or features that nearly say the same,
        /// where least squares itself predicts badly. Cross-validation finds the best λ.
        /// </remarks>
        [Range(1e-6f, 1f, 1e-4f, logBase: true)]
        public float? L2Regularization { get; set; }

        /// <summary>
        /// λ₁ of the penalty λ₁·Σ|w|: weights that are not worth it become exactly 0. Default 0; finite, at least 0. On the
        /// weights as trained, like <see cref="L2Regularization"/>; both together are the elastic net. Excludes
        /// <see cref="Momentum"/> and <see cref="Centered"/>.
        /// </summary>
        /// <remarks>
        /// The solution is that of the lasso ‖y − Xw‖² / 2n + alpha·Σ|w| with alpha = λ₁ on standardised features and label; with λ that of the
        /// elastic net with alpha = λ + λ₁ and an L1 share of λ₁ / (λ + λ₁).
        /// </remarks>
        // No search range: a search draws each option by itself, and would draw this one together with those it excludes.
        public float L1Regularization { get; set; }

        /// <summary>Whether weights below 0 are cut off at 0 after each step. Default false. The bias may be negative.</summary>
        public bool NonNegativeWeights { get; set; }

        /// <summary>
        /// Largest Euclidean norm of a mini-batch's mean gradient; a longer one is shortened to it. Default null, none; finite,
        /// greater than 0. In the units of training: while <see cref="Standardize"/> is on, gradients have norms of about 1.
        /// </summary>
        public float? GradientClippingNorm { get; set; }

        /// <summary>
        /// The loss of one row, in label units; null, the default, is ½·(ŷ − y)². Ours: <see cref="HuberLoss"/>,
        /// <see cref="AbsoluteLoss"/>, <see cref="QuantileLoss"/>, <see cref="EpsilonInsensitiveLoss"/>,
        /// <see cref="LogCoshLoss"/>; any other ML.NET loss too, except <see cref="PoissonLoss"/> and
        /// <see cref="TweedieLoss"/>, which are not for a model that predicts the label itself. A custom loss must be a pure
        /// function: it is evaluated concurrently for large batches (<see cref="NumberOfThreads"/>).
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
        /// Passes over the data; at least 1, or null, the default, for enough to make at least 2000 steps, and at least 2, or 1 with 25 000 rows
        /// for each feature (decorrelated, none rarely different from its mean; default schedule, no early stopping). More epochs help ill-conditioned data.
        /// </summary>
        public int? NumberOfEpochs { get; set; }

        /// <summary>
        /// The returned weights are the mean of the weights after each of the last steps: this share of all steps. Default
        /// 0.2; in [0, 1]. 0 returns the last weights. With <see cref="NumberOfEpochs"/> null, fewer than ten epochs are rounded
        /// up to whole ones, and of a single one at least 0.8 counts. A training that ends earlier returns a running
        /// mean (see <see cref="MlNetRms.EarlyStopping"/>).
        /// </summary>
        public float AveragedFraction { get; set; } = 0.2f;

        /// <summary>
        /// Whether features and label are brought to mean 0 and standard deviation 1 inside the trainer, and the weights
        /// returned in raw units. Default true. A feature that is 0 in more than nine rows of ten is scaled by the root
        /// mean square of its other values and not centred, unless all features, at most 320, can be decorrelated. Turn it off only for data that is scaled already.
        /// </summary>
        public bool Standardize { get; set; } = true;

        /// <summary>
        /// Whether training steps in coordinates in which the features that are not sparse are uncorrelated; the weights are returned for the
        /// features as they are. Without it correlated features take very many steps. Null, the default: wherever it pays (up to 512
        /// such features) and no option needs the features themselves (<see cref="L1Regularization"/>, <see cref="NonNegativeWeights"/>,
        /// <see cref="Standardize"/> off); of more features only the few directions, such as common factors, in which they vary most.
        /// </summary>
        public bool? Decorrelate { get; set; }

        /// <summary>Whether rows are visited in random order. Default true. If false, rows are visited in reading order.</summary>
        public bool Shuffle { get; set; } = true;

        /// <summary>
        /// Standard deviation of the normal distribution the first weights are drawn from. Default 0, all weights start at
        /// 0; finite, at least 0. The bias starts at 0.
        /// </summary>
        public float InitialWeightsStandardDeviation { get; set; }

        /// <summary>
        /// Seed of the row order, the first weights, and the validation split; any value. Null, the default: that of the
        /// <see cref="Microsoft.ML.MLContext"/>, or 0 if it has none. The same data, options and seed give the same bits, whatever else was
        /// created from the context, and in which order.
        /// </summary>
        public int? Seed { get; set; }

        /// <summary>
        /// Most threads that training uses; at least 1, or null for as many as there are processors, which is the default.
        /// Batches too small to gain from more are computed by one. The model is the same, bit for bit, for any number.
        /// </summary>
        public int? NumberOfThreads { get; set; }

        /// <summary>
        /// Bytes of rows that training holds in memory; at least 1, or null for half of what the process may use, which is the default. Of more
        /// rows the rest is in a temporary file, which is read once in each epoch and removed at the end, also if the process is killed. The
        /// model is the same, bit for bit.
        /// </summary>
        /// <remarks>
        /// <para>
        /// It counts the rows as they are stored: dense rows 4 bytes a feature and 8 to 40 more, sparse ones 8 a value that is not 0. What a training
        /// holds for each column is beyond it, and so is up to a 16th of the rows while they are shuffled.
        /// </para>
        /// <para>
        /// Rows are moved in pieces of 64 to 512 KiB. Whatever the limit, 64 of them are held while rows are read, and two a thread after that. On
        /// Linux the system is told what will be read next, and reads it meanwhile.
        /// </para>
        /// <para>
        /// The file needs as many bytes as there are rows beyond the limit; where the disk is full, <c>Fit</c> throws an <see cref="IOException"/> that says
        /// how many. On Unix the file has no name once it is open, so even a kill leaves nothing behind; Windows removes it when the process is gone, but
        /// can leave it behind where the machine loses power.
        /// </para>
        /// </remarks>
        public long? MemoryLimitInBytes { get; set; }

        /// <summary>
        /// The folder of the temporary file for rows beyond <see cref="MemoryLimitInBytes"/>; it must exist. Default null, the system's folder of
        /// temporary files, which on some systems is itself in memory.
        /// </summary>
        public string? TemporaryDirectory { get; set; }

        /// <summary>
        /// The processes that train one model together, each on its own parts of the rows
        /// (<see cref="FitParts(IReadOnlyList{IDataView}, IReadOnlyList{IDataView}, RmsPropRegressionTransformer, CancellationToken)"/>);
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

        /// <summary>
        /// Share of the rows set aside, by <see cref="Seed"/>, to evaluate each epoch on; not trained on. Default 0, none; in
        /// [0, 1). Excludes <see cref="ValidationSet"/>.
        /// </summary>
        public float ValidationFraction { get; set; }

        /// <summary>
        /// Rows to evaluate each epoch on, with the columns that the trainer sees; null, the default, for none. In a pipeline:
        /// rows that have been through its earlier transforms. Excludes <see cref="ValidationFraction"/>.
        /// </summary>
        [JsonIgnore]
        public IDataView? ValidationSet { get; set; }

        /// <summary>
        /// When to stop before the last epoch, according to the validation loss; the best epoch's weights are then returned. Null,
        /// the default, never stops early. Needs validation rows.
        /// </summary>
        public EarlyStopping? EarlyStopping { get; set; }

        /// <summary>
        /// The file in which training is saved while it runs, so that the next <c>Fit</c> continues it after a crash, a kill or a cancellation
        /// (<see cref="CheckpointOptions"/>). Null, the default, for none.
        /// </summary>
        public CheckpointOptions? Checkpoint { get; set; }

        /// <summary>
        /// Called after each epoch, on the thread that called <c>Fit</c>, with what happened in it and a way to stop there and
        /// keep the model. Null, the default, for none. What it throws ends <c>Fit</c>, unchanged.
        /// </summary>
        [JsonIgnore]
        public Action<EpochProgress>? EpochCompleted { get; set; }

        /// <summary>
        /// Told how far the training is, on the thread that called <c>Fit</c>: when reading and training begin, about four times a second, within
        /// an epoch too, and at the end. Null, the default, for nobody. What it throws ends <c>Fit</c>, unchanged. A
        /// <see cref="Progress{T}"/> passes reports on to the thread it was created on, or to others.
        /// </summary>
        [JsonIgnore]
        public IProgress<TrainingProgress>? Progress { get; set; }

        /// <summary>
        /// Ends every <c>Fit</c> of the trainer with an <see cref="OperationCanceledException"/> once cancelled, be it in the middle of reading or of
        /// an epoch: for where the host calls <c>Fit</c>, as in a pipeline or a cross-validation. Default: none. The context stays usable, the trainer
        /// does not; a token for one training is an argument of <c>Fit</c>. With <see cref="Checkpoint"/> training is saved first.
        /// </summary>
        [JsonIgnore]
        public CancellationToken CancellationToken { get; set; }

        /// <summary>Where the time comes from that <see cref="Progress"/> is told.</summary>
        internal TimeProvider Clock { get; set; } = TimeProvider.System;

        /// <summary>
        /// RMSProp as the book "Dive into Deep Learning" teaches it: η = 0.01 constant, γ = α = 0.9, ε = 1e-6 inside the root,
        /// no bias correction, batches of 10, 2 epochs, first weights from N(0, 0.01²), no averaging, and no standardisation:
        /// the data should be standardised beforehand. A new object each time.
        /// </summary>
        /// <returns>The options, to be changed at will.</returns>
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

        /// <summary>A copy that can be changed without this one; what the options refer to is shared.</summary>
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

        /// <summary>A checked copy in which the seed is settled.</summary>
        /// <param name="contextSeed">The seed if these options have none.</param>
        /// <inheritdoc cref="OptionTable.CheckArguments" path="/exception"/>
        internal Options CheckedCopy(int? contextSeed)
        {
            Options copy = Clone();
            copy.Seed ??= contextSeed ?? 0;
            OptionTable.Check(copy, "options");
            return copy;
        }

        /// <summary>What training reads of the options.</summary>
        internal TrainingSettings ToSettings() => TrainingSettings.From(this, LossFunctions.Bind(LossFunction), OptionTable.Compared(this, Same.Continuation));
    }
}
