using MlNetRms.Kernels;

namespace MlNetRms.Settings;

/// <summary>
/// Everything that the trainer settles by itself if the options leave it open, in the order in which it is decided. Pure functions of a few
/// numbers; the rest of the code asks here.
/// </summary>
/// <remarks>
/// <code>
/// decision                       from                                      constant                     benchmark that set it
/// 1  features that take part     values that are not 0                     -                            extremes
/// 2  memory or file              memory of the machine                     half of it                   spill
/// 3  a column is sparse          share of values that are not 0            0.1                          accuracy: text, one-hot
///    sparse columns centred      columns, rows, non-zeros per row          320, 16e6, 64e6              accuracy: one-hot
///    packed as sparse            number of sparse columns                  64                           limit
///    scaled by the root of size  varying columns over rows                 0.5; factor at most 4        accuracy: text; ridge
/// 4  L2 penalty                  varying columns over rows, row norm       0.5; 0.25·norm / rows        accuracy: wide, text; ridge
/// 5  whitening                   number of dense columns                   512                          accuracy: collinear, wide
///    rows of the covariance      rows × columns                            4e6, 1e6, 8 per column       accuracy: real sets
///    leading directions          variance beside that of noise             at most 16, ratio 2, 2e6     accuracy: wide
/// 6  learning rate               row norm in the coordinates trained       5, at least 1                accuracy: all; epochs
/// 7  batch                       rows                                      at most all                  -
/// 8  epochs                      rows, batch, directions, largest value    2000 steps; 25000, 1000      accuracy: large sets; epochs
///    averaged steps              epochs                                    0.8 of one; whole below 10   accuracy: large sets
///    running average             steps per epoch                           100                          accuracy: early stopping
/// 9  lazy update of sparse       options, shards                           -                            limit: sparse
///    threads                     processors                                all                          peers
///    threads of a step           values per batch                          25000, 4000 if sparse        limit
///    threads of packing          values                                    1e6, at most 4               peers
/// </code>
/// </remarks>
internal static class Decisions
{
    // ---- 1 Features that take part

    /// <summary>
    /// Whether features that are 0 in every row are left out. Without units the weight of such a feature stays at its first value instead.
    /// </summary>
    public static bool LeavesOutZeroFeatures(ReadingSettings settings) => settings.Standardize;

    // ---- 2 Memory or file

    private const double MemoryShare = 0.5;

    /// <summary>Bytes of rows in memory; the rest goes to a file.</summary>
    public static long MemoryLimit(long? option) => option ?? (long)(MemoryShare * GC.GetGCMemoryInfo().TotalAvailableMemoryBytes);

    // ---- 3 Sparse or dense, centre and scale

    private const double SparseShare = 0.1;

    /// <summary>
    /// A set within these bounds has all of its columns centred, so that it can be whitened as a whole: levels of a category add up to nearly 1,
    /// and only whitening tells them from the bias. With 300 one-hot columns a fit takes 0.1 s more, with 500, for the eigenvectors, 0.5 s.
    /// </summary>
    private const int MostCenteredColumns = 320;
    private const long MostCenteredValues = 16_000_000;
    private const double MostCenteredProducts = 64_000_000;

    /// <summary>Fewer sparse columns are packed as dense ones: reading a few zeros in order costs less than looking up an index.</summary>
    private const int FewestSparseColumns = 64;

    /// <summary>A column in quite other units must not drown the rest.</summary>
    private const double LargestRootFactor = 4;

    /// <summary>Whether few of a column's values are not 0.</summary>
    /// <param name="nonZeroWeight">Example weight of the rows that have such a value.</param>
    /// <param name="totalWeight">Example weight of all rows.</param>
    public static bool IsSparse(double nonZeroWeight, double totalWeight) => nonZeroWeight < SparseShare * totalWeight;

    /// <summary>How far the columns that vary outnumber half of the rows: 0 if they do not, 1 if they are as many as the rows.</summary>
    public static double Wideness(int varyingColumns, long rowCount) => Math.Clamp(2.0 * varyingColumns / rowCount - 1, 0, 1);

    /// <summary>Whether sparse columns are centred like the others, so that the whole set can be whitened.</summary>
    /// <param name="mayWhiten">Whether the options allow whitening.</param>
    /// <param name="wideness">See <see cref="Wideness"/>.</param>
    /// <param name="columns">All columns.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="nonZerosPerRow">Values per row that are not 0.</param>
    public static bool CentersSparse(bool mayWhiten, double wideness, int columns, long rowCount, double nonZerosPerRow) =>
        mayWhiten && wideness == 0 && columns <= MostCenteredColumns && rowCount * columns <= MostCenteredValues
        && rowCount * nonZerosPerRow * nonZerosPerRow <= MostCenteredProducts;

    /// <summary>
    /// Whether each column is scaled by the square root of its size only (known as Pareto scaling), which leaves common words some of their weight
    /// over rare ones: in wide sets with sparse columns.
    /// </summary>
    public static bool ScalesByRoot(double wideness, bool hasSparseColumns) => wideness > 0 && hasSparseColumns;

    /// <summary>√(size / usual size), the size of a column after such a scaling.</summary>
    public static double RootFactor(double size, double usualSize) =>
        Math.Clamp(Math.Sqrt(size / usualSize), 1 / LargestRootFactor, LargestRootFactor);

    /// <summary>
    /// The size of a sparse column that is known from this many values, as if it had one more of the usual size (a mean of logarithms): a single
    /// value near 0 would make a weight that is enormous for the values of other rows.
    /// </summary>
    public static double ShrunkSize(double size, double usualSize, double values) => usualSize * Math.Pow(size / usualSize, values / (values + 1));

    /// <summary>Whether this many sparse columns are packed as indices and values.</summary>
    public static bool PacksSparse(int sparseColumns) => sparseColumns >= FewestSparseColumns;

    // ---- 4 L2 penalty

    /// <summary>λ is up to this share of the row norm over the number of rows.</summary>
    private const double WideRidge = 0.25;

    /// <summary>
    /// λ: 0 unless the columns outnumber half of the rows, because adaptive steps find poor solutions among the many of a wide set (Wilson et al.
    /// 2017). The part of the dense columns grows with the wideness, because with half as many columns as rows least squares is still a good
    /// predictor, and with as many the worst. A sparse column is learned from few rows and needs all of its part.
    /// </summary>
    /// <param name="settings">λ and λ₁ of the options.</param>
    /// <param name="standardized">Whether training has units of its own.</param>
    /// <param name="wideness">See <see cref="Wideness"/>.</param>
    /// <param name="rowNorm">Mean squared length of a row.</param>
    /// <param name="sparseRowNorm">The share of the sparse columns in it.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="before">λ of the training that is continued: a few new rows must not undo what many have taught, so λ can only fall.</param>
    public static float L2(
        PenaltySettings settings, bool standardized, double wideness, double rowNorm, double sparseRowNorm, long rowCount, float? before)
    {
        if (settings.L2 is { } given)
            return given;
        if (!standardized || wideness == 0 || settings.L1 > 0)
            return 0;
        double norm = wideness * (rowNorm - sparseRowNorm) + sparseRowNorm;
        return (float)Math.Min(WideRidge * norm / rowCount, before ?? float.MaxValue);
    }

    // ---- 5 Whitening

    /// <summary>
    /// The eigenvectors take 0.1 s for 320 columns, 0.6 s for 512, 1.2 s for 768 and 3.9 s for 1024, whatever the number of rows, and a training of
    /// 20 000 rows takes 0.1 to 0.2 s without them. But if all pairs have correlation 0.5, 512 columns that are not whitened have an excess of
    /// 0.08 % instead of 0.001 %, and far more if the condition is worse.
    /// </summary>
    private const int MostWhitenedColumns = 512;

    /// <summary>
    /// Up to this many values the covariance is that of all rows, because their products cost no more than the training. The covariance of a sample
    /// is enough for whitening, but not for standard errors.
    /// </summary>
    private const long MostCovarianceValues = 4_000_000;

    /// <summary>A sample has at least this many values: heavy-tailed columns need them.</summary>
    private const long SampleValues = 1_000_000;
    private const int SampleRowsPerColumn = 8;

    /// <summary>In which directions the dense columns are brought to variance 1.</summary>
    /// <param name="option">The option <c>Decorrelate</c>.</param>
    /// <param name="penalties">L1 and a bound act on the weights themselves.</param>
    /// <param name="standardized">Whether training has units of its own.</param>
    /// <param name="scalesByRoot">See <see cref="ScalesByRoot"/>: the columns then differ in size on purpose.</param>
    /// <param name="denseColumns">Columns packed as dense ones.</param>
    public static WhitenedDirections Whitening(bool? option, PenaltySettings penalties, bool standardized, bool scalesByRoot, int denseColumns)
    {
        if (!standardized || denseColumns == 0 || penalties.NeedsWeights || option == false)
            return WhitenedDirections.None;
        if (option == true || HasFewColumns(denseColumns))
            return WhitenedDirections.All;
        return denseColumns > MostWhitenedColumns && !scalesByRoot ? WhitenedDirections.Leading : WhitenedDirections.None;
    }

    /// <summary>Whether the eigenvectors of this many columns are affordable.</summary>
    public static bool HasFewColumns(int denseColumns) => denseColumns is > 1 and <= MostWhitenedColumns;

    /// <summary>Number of rows that the covariance is computed from: all, or a sample.</summary>
    public static long CovarianceRows(long rowCount, int columns, bool isSampleEnough)
    {
        if (!isSampleEnough && rowCount * columns <= MostCovarianceValues)
            return rowCount;
        return Math.Min(rowCount, Math.Max(Divide.RoundUp(SampleValues, columns), (long)SampleRowsPerColumn * columns));
    }

    /// <summary>Most directions that a wide set of dense columns is whitened in.</summary>
    public const int MostLeadingDirections = 16;

    /// <summary>How many times the largest variance that uncorrelated columns show in a sample a leading direction has.</summary>
    private const double LeastVarianceRatio = 2;
    private const long LeadingSampleValues = 2_000_000;
    private const long FewestLeadingRows = 256;

    /// <summary>Number of rows that the leading directions are found from.</summary>
    public static long LeadingDirectionRows(long rowCount, int columns) =>
        Math.Min(rowCount, Math.Max(FewestLeadingRows, LeadingSampleValues / columns));

    /// <summary>Whether the variance in a direction is that of a common factor.</summary>
    /// <param name="variance">Variance along the direction.</param>
    /// <param name="mostOfNoise">The largest that uncorrelated columns show in any direction of such a sample.</param>
    public static bool IsLeading(double variance, double mostOfNoise) => variance > LeastVarianceRatio * mostOfNoise;

    // ---- 6 Learning rate

    /// <summary>
    /// Row norm for which the learning rate is taken as it is: a step of η in every weight moves a prediction by up to η·Σ|x|, so longer rows need
    /// smaller steps, and rows with hardly a value in them can take larger ones.
    /// </summary>
    private const double UsualRowNorm = 5;
    private const double LeastRelativeRowNorm = 0.2;

    /// <summary>η before the schedule.</summary>
    /// <param name="option">The option <c>LearningRate</c>.</param>
    /// <param name="standardized">Whether training has units of its own.</param>
    /// <param name="rowNorm">Mean squared length of a row in the coordinates that are stepped.</param>
    public static float LearningRate(float option, bool standardized, double rowNorm) =>
        standardized ? (float)(option / Math.Sqrt(Math.Max(LeastRelativeRowNorm, rowNorm / UsualRowNorm))) : option;

    /// <summary>The default schedule of a training of automatic length is constant exactly over the averaged steps.</summary>
    public static LearningRateSchedule Schedule(LearningRateSchedule option, int? epochs, TrainingPlan plan) =>
        epochs is null && option == LearningRateSchedule.Default && plan.AveragedSteps > 0 && plan.AveragedSteps < plan.TotalSteps
            ? LearningRateSchedule.CosineThenConstant(decayFraction: 1 - (double)plan.AveragedSteps / plan.TotalSteps)
            : option;

    // ---- 7, 8 Batch, epochs, averaged steps

    /// <summary>Steps, not epochs, are what RMSProp needs to come near the optimum.</summary>
    private const int AutomaticSteps = 2000;

    /// <summary>Every row is seen at a high rate and again at a low one.</summary>
    private const int FewestEpochs = 2;

    /// <summary>With this many rows per direction a single visit to each row leaves an expected RMSE 0.0005 % above that of least squares.</summary>
    private const long RowsPerDirection = 25_000;

    /// <summary>A value that only one in k rows has is √k in units of its column's deviation; a variance must be that of this many rows.</summary>
    private const double FewestRowsOfAVariance = 1000;

    /// <summary>
    /// At least this share of a single epoch is averaged: the average is then about as good as least squares on those rows, which for n rows and d
    /// columns has an expected RMSE d/8n above that of all rows.
    /// </summary>
    private const double AveragedShareOfOneEpoch = 0.8;

    /// <summary>Fewer epochs are averaged as whole ones, over which the noise of the mini-batches cancels.</summary>
    private const int ManyEpochs = 10;

    /// <summary>
    /// Whether one epoch can be enough. Early stopping needs epochs to choose from, correlated columns need the steps, and a column whose variance
    /// is that of a few rows needs to see them again.
    /// </summary>
    /// <param name="settings">All settings.</param>
    /// <param name="whitenedDirections">Directions that are whitened; null unless all columns are dense and whitened.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="largestValue">Largest size of a value in the units of training.</param>
    public static bool MayVisitOnce(TrainingSettings settings, int? whitenedDirections, long rowCount, double largestValue) =>
        settings.Plan.NumberOfEpochs is null && settings.Stopping is null && settings.LearningRate.Schedule == LearningRateSchedule.Default
        && whitenedDirections is { } directions && rowCount >= RowsPerDirection * directions
        && rowCount >= FewestRowsOfAVariance * largestValue * largestValue;

    /// <summary>How long the training is.</summary>
    /// <param name="rowCount">Rows to train on.</param>
    /// <param name="settings">What is wanted.</param>
    /// <param name="stepsBefore">Steps of the training whose average is continued; else 0.</param>
    /// <param name="mayVisitOnce">See <see cref="MayVisitOnce"/>.</param>
    public static TrainingPlan Plan(long rowCount, PlanSettings settings, long stepsBefore = 0, bool mayVisitOnce = false)
    {
        int batchSize = (int)Math.Min(settings.BatchSize, rowCount);
        int stepsPerEpoch = checked((int)Divide.RoundUp(rowCount, batchSize));
        int fewest = mayVisitOnce && settings.AveragedFraction is > 0 and < 1 ? 1 : FewestEpochs;
        int epochs = settings.NumberOfEpochs ?? Math.Max(fewest, Divide.RoundUp(AutomaticSteps, stepsPerEpoch));
        long steps = stepsBefore + (long)stepsPerEpoch * epochs;
        var averaged = (long)Math.Ceiling((double)settings.AveragedFraction * steps);
        if (settings.NumberOfEpochs is null && epochs < ManyEpochs && averaged < steps)
        {
            averaged = epochs == 1
                ? Math.Max(averaged, (long)(AveragedShareOfOneEpoch * steps))
                : Divide.RoundUp(averaged, stepsPerEpoch) * stepsPerEpoch;
        }
        return new(batchSize, stepsPerEpoch, epochs, averaged);
    }

    // ---- 9 Lazy updates, threads

    /// <summary>Most threads of a training.</summary>
    public static int Threads(int? option) => option ?? Environment.ProcessorCount;

    /// <summary>A batch of fewer values takes no longer than the threads need to meet.</summary>
    private const long ValuesForThreads = 25_000;
    private const double SparseValuesForThreads = 4000;

    /// <summary>
    /// Each block of rows has its own gradient, which takes time to add: a block has at least this many rows, and a batch at most this many blocks.
    /// </summary>
    private const int FewestRowsPerBlock = 32;
    private const int MostBlocks = 64;

    /// <summary>Fewer values are packed before a second thread has started.</summary>
    private const long ValuesForPackingThreads = 1 << 20;

    /// <summary>Each thread that packs rows holds the memory of one bucket twice.</summary>
    private const int MostPackingThreads = 4;

    /// <summary>
    /// Whether a step may leave the weights of sparse columns that its batch does not touch for later: nothing except their own gradient changes
    /// them, what momentum does meanwhile has a closed form, and no other shard has a part of their gradient.
    /// </summary>
    public static bool UpdatesLazily(TrainingSettings settings, int sparseColumns, bool isDivided) =>
        !isDivided && sparseColumns > 0 && settings.Penalties.LeavesUntouchedWeightsAlone
        && (settings.Rule.Momentum == 0 || settings.LearningRate.IsConstant);

    /// <summary>Whether several threads shorten the gradient of this many rows. The gradient of sparse columns is one for all rows.</summary>
    public static bool ThreadsPay(long rowCount, int stride, int sparseColumns) => rowCount * stride >= ValuesForThreads && sparseColumns == 0;

    /// <summary>Rows that one thread takes at once: decided by the data alone, so that the bits do not depend on the number of threads.</summary>
    public static int RowsPerBlock(int rowCount, int stride, int sparseColumns) =>
        ThreadsPay(rowCount, stride, sparseColumns) ? Math.Max(FewestRowsPerBlock, Divide.RoundUp(rowCount, MostBlocks)) : rowCount;

    /// <summary>Whether several threads shorten the update of the sparse weights that a batch touches.</summary>
    public static bool SparseThreadsPay(double nonZerosPerBatch) => nonZerosPerBatch >= SparseValuesForThreads;

    /// <summary>Threads that pack rows.</summary>
    public static int PackingThreads(long values, int threads) => values < ValuesForPackingThreads ? 1 : Math.Min(threads, MostPackingThreads);
}

/// <summary>In which directions the dense columns are brought to variance 1.</summary>
internal enum WhitenedDirections
{
    /// <summary>None: the weights themselves are stepped.</summary>
    None,

    /// <summary>All directions.</summary>
    All,

    /// <summary>The few in which the columns vary far more than in the others.</summary>
    Leading,
}

/// <summary>How long a training is.</summary>
/// <param name="BatchSize">Most rows of a mini-batch.</param>
/// <param name="StepsPerEpoch">Mini-batches of an epoch.</param>
/// <param name="NumberOfEpochs">Passes over the rows.</param>
/// <param name="AveragedSteps">The returned weights are the mean over this many last steps; 0 for the last weights.</param>
internal readonly record struct TrainingPlan(int BatchSize, int StepsPerEpoch, int NumberOfEpochs, long AveragedSteps)
{
    /// <summary>Over fewer steps the mean of the weights is hardly less noisy than the last weights.</summary>
    private const int FewestStepsPerPeriod = 100;

    public long TotalSteps => (long)StepsPerEpoch * NumberOfEpochs;

    /// <summary>The unit of patience: one epoch, or as many as make a hundred steps.</summary>
    public int EpochsPerPeriod => Divide.RoundUp(FewestStepsPerPeriod, StepsPerEpoch);

    /// <summary>
    /// Steps of the running average that evaluates a training which may end early: a period, but no more than the returned average has.
    /// </summary>
    public long RunningSteps => Math.Min(AveragedSteps, (long)EpochsPerPeriod * StepsPerEpoch);

    /// <summary>Epochs without an improvement after which early stopping ends training.</summary>
    public long PatienceInEpochs(StoppingSettings stopping) => (long)stopping.Patience * EpochsPerPeriod;
}
