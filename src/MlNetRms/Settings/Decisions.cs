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
///    packed as sparse            number of sparse columns                  64                           limit
///    scaled by the root of size  varying columns over rows                 0.5; factor at most 4        accuracy: text; ridge
/// 4  L2 penalty                  varying columns over rows, row norm       0.5; 0.25·norm / rows        accuracy: wide, text; ridge
/// 5  whitening at first          number of columns, dense or all           512, 320                     accuracy: collinear, one-hot
///    rows of the covariance      rows × columns                            4e6, 1e6, 8 per column       accuracy: real sets
///    whitening of all columns    gap, columns, values of a batch           1 %, 2000, 4                 accuracy: past limits, one-hot
///    their covariance            products of all rows                      4e9; sketch of 4 per column  accuracy: past limits
///    directions found            gap, if there are more columns            12 per round                 accuracy: past limits
/// 6  rows in every batch         squared length, batch                     8 batches, 64                accuracy: past limits
/// 7  learning rate               row norm in the coordinates trained       5, at least 1                accuracy: all; epochs
///    of a later round            gap, RMSE, steps                          7.5, 12, 0.03; 0.1; 0.25     accuracy: past limits, real sets
/// 8  batch                       rows                                      at most all                  -
///    steps of a round            coordinates, loss, learning rate          4 / η in 250..2000; doubled  accuracy: real sets, past limits
///    averaged steps              epochs                                    0.8 of one; whole below 10   accuracy: large sets
///    running average             steps per epoch                           100                          accuracy: early stopping
/// 9  rounds                      gap, tolerance                            at most 5, one in vain; 20000  accuracy: past limits
///    tolerance                   columns per row                           0.005; 2e-6..2e-5; 5e-4      accuracy: real sets
///    warning                     gap                                       5e-4; a tenth if it rises    accuracy: past limits
/// 10 lazy update of sparse       options, shards                           -                            limit: sparse
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
    private const int MostCoordinateTransform = 512;

    /// <summary>
    /// Up to this many values the covariance is that of all rows, because their products cost no more than the training. The covariance of a sample
    /// is enough for whitening, but not for standard errors.
    /// </summary>
    private const long MostCovarianceValues = 4_000_000;

    /// <summary>A sample has at least this many values: heavy-tailed columns need them.</summary>
    private const long SampleValues = 1_000_000;
    private const int SampleRowsPerColumn = 8;

    /// <summary>With sparse columns the steps of as many columns take longer than those of their few values.</summary>
    private const int MostWhitenedWithSparse = 320;

    /// <summary>
    /// Whether all columns are whitened from the start: levels of a category add up to 1, and only whitening tells them from the bias.
    /// </summary>
    /// <param name="settings">All settings.</param>
    /// <param name="denseColumns">Columns packed as dense ones.</param>
    /// <param name="sparseColumns">The others.</param>
    public static bool WhitensAll(TrainingSettings settings, int denseColumns, int sparseColumns) => sparseColumns == 0
        ? WhitensDense(settings, denseColumns) : settings.Reading.MayWhiten && denseColumns + sparseColumns <= MostWhitenedWithSparse;

    /// <summary>Whether the dense columns are whitened from the start.</summary>
    /// <param name="settings">All settings.</param>
    /// <param name="denseColumns">Columns packed as dense ones.</param>
    public static bool WhitensDense(TrainingSettings settings, int denseColumns) => settings.Reading.MayWhiten && denseColumns > 0
        && (settings.Decorrelate == true || denseColumns is > 1 and <= MostCoordinateTransform);

    /// <summary>Number of rows that the covariance of dense columns is computed from: all, or a sample.</summary>
    public static long CovarianceRows(long rowCount, int columns) => rowCount * columns <= MostCovarianceValues ? rowCount
        : Math.Min(rowCount, Math.Max(Divide.RoundUp(SampleValues, columns), (long)SampleRowsPerColumn * columns));

    /// <summary>
    /// The factor of the covariance of 2000 columns takes about a second, and a step in such coordinates two products with a matrix of 16 MB.
    /// </summary>
    private const int MostFactoredColumns = 2000;

    /// <summary>More products than these take longer than a sketch of the rows, which is as good for the coordinates.</summary>
    private const double MostProducts = 4e9;
    private const int SketchRowsPerColumn = 4;

    /// <summary>Whether the covariance of all columns is that of all rows.</summary>
    public static bool MultipliesAllRows(long rowCount, int denseColumns, double nonZerosPerRow) =>
        rowCount * Math.Pow(denseColumns + nonZerosPerRow, 2) <= MostProducts;

    /// <summary>Rows of a sketch.</summary>
    public static int SketchRows(int columns) => SketchRowsPerColumn * columns;

    /// <summary>Above this gap, directions have been missed; below it, the noise of the batches can be what is left.</summary>
    private const double GapOfMissedDirections = 0.01;
    private const double ValuesOfWhitenedStep = 4;

    /// <summary>Whether the next round steps in coordinates of all columns instead of those in which the gap has arisen.</summary>
    /// <param name="share">The gap as a share.</param>
    /// <param name="numberInCoordinates">Rounds before the last one in the same coordinates.</param>
    /// <param name="columns">All columns.</param>
    /// <param name="valuesPerBatch">Values of a batch that are not 0.</param>
    public static bool WhitensAllNow(double share, int numberInCoordinates, int columns, double valuesPerBatch) =>
        share > GapOfMissedDirections || numberInCoordinates > 0 || (double)columns * columns <= ValuesOfWhitenedStep * valuesPerBatch;

    /// <summary>
    /// Whether gaps are measured in coordinates of all columns, whatever those of the training: a bound would need coordinates of its own.
    /// </summary>
    public static bool MeasuresInAll(TrainingSettings settings, int columns) =>
        settings.Reading.Standardize && !settings.Penalties.NeedsWeights && columns is > 1 and <= MostFactoredColumns;

    /// <summary>The products of one round read as many rows as this share of the training.</summary>
    public const int PassesPerTraining = 6;

    /// <summary>Whether directions are looked for before the next round, where there are too many columns to whiten all.</summary>
    /// <param name="share">The gap as a share.</param>
    /// <param name="isSettled">Whether more steps would hardly have changed it.</param>
    /// <param name="numberInCoordinates">Rounds before the last one in the same coordinates.</param>
    public static bool LooksForDirections(double share, bool isSettled, int numberInCoordinates) =>
        share > GapOfMissedDirections || !isSettled || numberInCoordinates > 0;

    /// <summary>A step in found directions changes the weights of all columns; with more of them a round would take minutes.</summary>
    private const int MostColumnsOfRounds = 20_000;

    /// <summary>Products with the Hessian, and so directions, per round that looks for directions.</summary>
    public const int FoundDirections = 12;

    // ---- 6 Rows of high leverage

    /// <summary>Squared lengths add up to n·d over the rows, so at most d/8 per batch are above eight batches.</summary>
    public const int MostHighLeverageRows = 64;
    private const double BatchesOfHighLeverage = 8;

    /// <summary>Whether rows of high leverage are looked for from the start, because a value or an example weight alone can make one.</summary>
    public static bool LooksForHighLeverage(TrainingSettings settings, double largestValue, double largestWeight) =>
        AddsRounds(settings) && settings.Reading.Standardize && double.IsFinite(largestValue)
        && largestValue * largestValue * largestWeight > LeastHighLeverage(settings.Plan.BatchSize);

    /// <summary>A row whose squared length in the coordinates is larger takes part in every batch.</summary>
    public static double LeastHighLeverage(int batchSize) => BatchesOfHighLeverage * batchSize;

    // ---- 7 Learning rate

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

    /// <summary>A later round begins lower than the one before: a full rate would undo what was reached.</summary>
    private const float RateFactorOfRound = 0.25f;

    /// <summary>A cosine reaches about half as far as η times the steps; this leaves room for a detour.</summary>
    private const double WaysOfRound = 7.5;

    /// <summary>The way left shrinks by e in √s / η steps near the optimum.</summary>
    private const double TimesOfRound = 12;

    /// <summary>The floor of the default schedule: lower rates hardly move what few rows decide.</summary>
    private const double LeastRateFactor = 0.03;

    /// <summary>Factor of the learning rate of a later round in coordinates in which the distance to the optimum is not known.</summary>
    public static float RateOfRound(int number) => MathF.Pow(RateFactorOfRound, number);

    /// <summary>Factor of the learning rate of a later round that begins near the optimum.</summary>
    /// <param name="distance">The length of the way to the optimum.</param>
    /// <param name="noise">Root of the mean square of a gradient, which is the time in steps, times η, to come e times nearer.</param>
    /// <param name="reach">η times the number of steps.</param>
    /// <param name="failures">Rounds since the last one that came nearer: the noise of the batches is then what keeps it away.</param>
    public static float RateOfRound(double distance, double noise, double reach, int failures) =>
        RateOfRound(failures) * (float)Math.Clamp((WaysOfRound * distance + TimesOfRound * noise) / reach, LeastRateFactor, 1);

    /// <summary>
    /// A later round of few epochs has a constant rate: the noise of the batches cancels over whole epochs, and a falling rate would forget the first
    /// ones.
    /// </summary>
    public static bool IsConstant(TrainingPlan plan, bool isLater) => isLater && plan.NumberOfEpochs < ManyEpochs;

    /// <summary>The default schedule of a training of automatic length is constant exactly over the averaged steps.</summary>
    public static LearningRateSchedule Schedule(LearningRateSchedule option, int? epochs, TrainingPlan plan) =>
        epochs is null && option == LearningRateSchedule.Default && plan.AveragedSteps > 0 && plan.AveragedSteps < plan.TotalSteps
            ? LearningRateSchedule.CosineThenConstant(decayFraction: 1 - (double)plan.AveragedSteps / plan.TotalSteps)
            : option;

    // ---- 8 Batch, steps, averaged steps

    /// <summary>
    /// Steps, not epochs, are what RMSProp needs to come near the optimum: 250 if all columns are whitened and the loss is the squared one, else
    /// 2000.
    /// </summary>
    private const int FewestSteps = 250;
    private const int UsualSteps = 2000;
    private const double StepsPerWay = 4;

    /// <summary>
    /// At least this share of a single epoch is averaged: the average is then about as good as least squares on those rows, which for n rows and d
    /// columns has an expected RMSE d/8n above that of all rows.
    /// </summary>
    private const double AveragedShareOfOneEpoch = 0.8;

    /// <summary>Fewer epochs are averaged as whole ones, over which the noise of the mini-batches cancels.</summary>
    private const int ManyEpochs = 10;

    /// <summary>Whether few steps can be enough.</summary>
    /// <param name="settings">All settings.</param>
    /// <param name="isWhitened">Whether all columns are whitened.</param>
    public static bool BeginsShort(TrainingSettings settings, bool isWhitened) =>
        isWhitened && AddsRounds(settings) && settings.Loss.IsSquared && settings.Penalties.GradientClippingNorm is null
        && settings.LearningRate.Schedule == LearningRateSchedule.Default && settings.Plan.AveragedFraction is > 0 and < 1;

    /// <summary>
    /// Steps that come near the optimum from weights of 0: one moves a coordinate by about η at most, and the way is no longer than 1.
    /// </summary>
    public static double StepsToOptimum(float learningRate) => StepsPerWay / learningRate;

    /// <summary>Steps of a round: twice those of the one before.</summary>
    /// <param name="isShort">See <see cref="BeginsShort"/>.</param>
    /// <param name="learningRate">η of the first round.</param>
    /// <param name="number">The round's number in the same coordinates, from 0.</param>
    public static int StepsOfRound(bool isShort, float learningRate, int number) =>
        (isShort ? (int)Math.Clamp(StepsToOptimum(learningRate), FewestSteps, UsualSteps) : UsualSteps) << number;

    /// <summary>
    /// Over a whole epoch the noise of the batches cancels except for where it begins and ends, which counts the less the faster the weights forget
    /// it.
    /// </summary>
    private const double LeastConstantRateFactor = 0.1;

    /// <summary>The same for a round with a constant rate.</summary>
    public static float RateOfConstantRound(double distance, double reach) =>
        (float)Math.Clamp(WaysOfRound * distance / reach, LeastConstantRateFactor, 1);

    /// <summary>How long a round is.</summary>
    /// <param name="rowCount">Rows to train on.</param>
    /// <param name="settings">What is wanted.</param>
    /// <param name="fewestSteps">Steps if the number of epochs is left open; they are rounded up to whole epochs.</param>
    /// <param name="fewestEpochs">Epochs, at least, if their number is left open: with two, every row is seen at a high rate and again at a low
    /// one.</param>
    /// <param name="stepsBefore">Steps of the training whose average is continued; else 0.</param>
    /// <param name="decaySteps">Steps at the beginning of a single epoch that are not averaged, if they are a smaller share than usual.</param>
    public static TrainingPlan Plan(
        long rowCount, PlanSettings settings, int fewestSteps, int fewestEpochs, long stepsBefore = 0, double decaySteps = double.PositiveInfinity)
    {
        int batchSize = (int)Math.Min(settings.BatchSize, rowCount);
        int stepsPerEpoch = checked((int)Divide.RoundUp(rowCount, batchSize));
        int epochs = settings.NumberOfEpochs ?? Math.Max(fewestEpochs, Divide.RoundUp(fewestSteps, stepsPerEpoch));
        long steps = stepsBefore + (long)stepsPerEpoch * epochs;
        var averaged = (long)Math.Ceiling((double)settings.AveragedFraction * steps);
        if (settings.NumberOfEpochs is null && epochs < ManyEpochs && averaged < steps)
        {
            averaged = epochs == 1
                ? Math.Max(averaged, (long)Math.Max(AveragedShareOfOneEpoch * steps, steps - decaySteps))
                : Divide.RoundUp(averaged, stepsPerEpoch) * stepsPerEpoch;
        }
        return new(batchSize, stepsPerEpoch, epochs, averaged);
    }

    // ---- 9 Rounds

    /// <summary>Most rounds of a training.</summary>
    public const int MostRounds = 5;

    /// <summary>
    /// Whether a training goes on, in another round, if it is not near enough to the optimum. The number of epochs and early stopping are decisions
    /// of the user.
    /// </summary>
    public static bool AddsRounds(TrainingSettings settings) => settings.Plan.NumberOfEpochs is null && settings.Stopping is null;

    /// <summary>The same for a set with this many columns.</summary>
    public static bool AddsRounds(TrainingSettings settings, int columns) => AddsRounds(settings) && columns <= MostColumnsOfRounds;

    /// <summary>A coefficient is then off by about a tenth of its standard error.</summary>
    private const double ToleranceShare = 0.005;
    private const double LeastTolerance = 2e-6;
    private const double LargestTolerance = 2e-5;

    /// <summary>Sets that are not whitened from the start take far longer to come nearer; it is half of what anyone should notice.</summary>
    private const double PlainTolerance = 5e-4;

    /// <summary>Passes over the rows that measure a gap if the covariance does not tell it: six, or more if training has taken more.</summary>
    private const int FewestGapSteps = 6;
    private const int MostGapSteps = 30;

    /// <summary>Most of these passes.</summary>
    /// <param name="columns">As many steps as there are weights are exact.</param>
    /// <param name="epochs">Epochs of the training.</param>
    public static int GapSteps(int columns, int epochs) => Math.Min(columns + 1, Math.Clamp(epochs, FewestGapSteps, MostGapSteps));

    /// <summary>
    /// A round must divide the gap by this much to have brought training on; without whitening a round takes as long as a training.
    /// </summary>
    private const double LeastGain = 1.1;
    private const double LeastPlainGain = 2;

    /// <summary>The gap, as a share of RMSE, at which training ends.</summary>
    /// <param name="option">The option <c>Tolerance</c>.</param>
    /// <param name="columns">Columns that vary.</param>
    /// <param name="rowCount">Rows.</param>
    /// <param name="isWhitened">Whether all columns are whitened from the start.</param>
    public static double Tolerance(float? option, int columns, long rowCount, bool isWhitened) => option
        ?? (isWhitened ? Math.Clamp(ToleranceShare * columns / rowCount, LeastTolerance, LargestTolerance) : PlainTolerance);

    /// <summary>An automatic tolerance is far below what matters to anyone; a gap above this one is worth a warning.</summary>
    private const double WarningGap = PlainTolerance;

    /// <summary>A bound that still rises may be as small a share of the gap.</summary>
    private const double ShareOfUnsettled = 0.1;

    /// <summary>Whether training can end.</summary>
    public static bool IsNearEnough(double share, bool isSettled, double tolerance) => share <= tolerance * (isSettled ? 1 : ShareOfUnsettled);

    /// <summary>Whether a gap is so large that the user should know.</summary>
    /// <param name="share">The gap as a share.</param>
    /// <param name="isSettled">Whether more steps would hardly have changed it.</param>
    /// <param name="option">The option <c>Tolerance</c>.</param>
    public static bool IsWorthWarning(double share, bool isSettled, float? option) =>
        share > (option ?? WarningGap) * (isSettled ? 1 : ShareOfUnsettled);

    /// <summary>Rounds in a row that may bring nothing.</summary>
    public static int MostFailures(bool isWhitened) => isWhitened ? 1 : 0;

    /// <summary>Whether a round brought the training on.</summary>
    public static bool IsGain(double before, double now, bool isWhitened) => now * (isWhitened ? LeastGain : LeastPlainGain) <= before;

    // ---- 10 Lazy updates, threads

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

    /// <summary>Each piece of a pass in double has its own sums, as many as there are weights.</summary>
    private const int PiecesOfLongPass = 16;

    /// <summary>Into how many pieces, which several threads can take, a pass over rows is cut.</summary>
    public static int PiecesOfPass(long rowCount, int stride, int sparseColumns) =>
        rowCount * stride < ValuesForPackingThreads || sparseColumns > 0 ? 1 : PiecesOfLongPass;

    /// <summary>Whether several threads shorten the update of the sparse weights that a batch touches.</summary>
    public static bool SparseThreadsPay(double nonZerosPerBatch) => nonZerosPerBatch >= SparseValuesForThreads;

    /// <summary>Threads that pack rows.</summary>
    public static int PackingThreads(long values, int threads) => values < ValuesForPackingThreads ? 1 : Math.Min(threads, MostPackingThreads);
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
