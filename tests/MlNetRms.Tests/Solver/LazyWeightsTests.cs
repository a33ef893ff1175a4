using MlNetRms.Kernels;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

/// <summary>Lazy updates against <see cref="RmsPropRule"/>, which makes every update when it is due.</summary>
public sealed class LazyWeightsTests
{
    private const int Length = 12;
    private const long Never = long.MaxValue;
    private const float ConstantRate = 0.02f;

    /// <summary>αᵏ rounded once against k roundings of α, for pauses of some dozens of steps.</summary>
    private const double Tolerance = 2e-5;

    public static TheoryData<bool, bool, EpsilonPlacement> AllForms
    {
        get
        {
            var forms = new TheoryData<bool, bool, EpsilonPlacement>();
            foreach (bool centered in new[] { false, true })
            {
                foreach (bool biasCorrection in new[] { false, true })
                {
                    foreach (EpsilonPlacement placement in Enum.GetValues<EpsilonPlacement>())
                        forms.Add(centered, biasCorrection, placement);
                }
            }
            return forms;
        }
    }

    /// <summary>Both ways of updating on the same gradients, most of which are 0.</summary>
    private sealed class Pair
    {
        /// <summary>Parameters of the dense columns, which come first and which no lazy step may change.</summary>
        private static readonly float[] _before = [9, 9, 9];

        private readonly RuleSettings _settings;
        private readonly long _firstAveragedStep;
        private readonly Average _average;
        private readonly float[] _weights = Some.Normals(1, Length);
        private readonly LazyForm _form;
        private readonly RmsPropRule _dense;
        private readonly RmsPropRule _clock;
        private float[] _parameters;
        private LazyWeights _lazy;
        private Average _sums;
        private int _step;

        /// <summary>The weights after each step that counts in the sums, and in the earlier ones.</summary>
        private float[][] _counted = [];
        private float[][] _earlier = [];

        public Pair(RuleSettings settings, long firstAveragedStep)
        {
            _settings = settings;
            _firstAveragedStep = firstAveragedStep;
            _form = new LazyForm(settings, ConstantRate);
            _dense = new RmsPropRule(settings, Length);
            _clock = new RmsPropRule(settings, 1);
            _average = new Average(Length, firstAveragedStep);
            _parameters = [.. _before, .. _weights];
            _sums = new Average(_parameters.Length, firstAveragedStep);
            _lazy = New(_parameters, _sums);
        }

        /// <summary>One step with a gradient in the places asked for.</summary>
        public void Step(Func<int, bool> isTouched)
        {
            int[] places = Enumerable.Range(0, Length).Where(isTouched).ToArray();
            float[] values = Some.Normals(100 + _step, places.Length);
            var gradient = new float[Length];
            for (int k = 0; k < places.Length; k++)
                gradient[places[k]] = 0.5f * values[k];
            // Momentum goes this way at a constant rate only.
            float learningRate = _settings.Momentum > 0 ? ConstantRate : 0.1f / (1 + _step / 10f);
            double prediction = places.Zip(values, (place, value) => (double)value * _weights[place]).Sum();
            Assert.Equal(_settings.Momentum > 0, _lazy.NeedsPreparation);
            _lazy.Prepare(places);
            // Ten products of size 1.
            Assert.Equal(prediction, SparseKernels.Dot(places, values, _parameters.AsSpan(_before.Length)), Tolerance * 10);

            _dense.Step(_weights, gradient, learningRate);
            _average.Add(++_step, _weights);
            Record();
            // As two rows give it: each value in two halves, and the sum over 4.
            _lazy.ForEachRange(range => _lazy.Add(range, places, values, 1, rowWeight: 1));
            _lazy.Prepare(places);        // nothing to do for what the batch has touched already
            _lazy.ForEachRange(range => _lazy.Add(range, places, values, 1, rowWeight: 1));
            _clock.Step(new float[1], [0], learningRate);
            _lazy.Step(learningRate, gradientFactor: 0.25f);
            Assert.Equal(_before, _parameters[.._before.Length]);
        }

        /// <summary>Begins new sums, besides which those so far still count.</summary>
        public void Restart()
        {
            (_earlier, _counted) = (_counted, []);
            _average.Restart(_step);
            _lazy.CatchUpSums();
            _sums.Restart(_step);
        }

        public void DropEarlier()
        {
            _earlier = [];
            _average.DropEarlier();
            _sums.DropEarlier();
        }

        /// <summary>Continues with new weights made from what the old ones save.</summary>
        public void SaveAndRestore() => Continue(Saved(new long[_parameters.Length]));

        /// <summary>The same after every weight has caught up.</summary>
        public void SaveCaughtUpAndRestore() => Continue(CaughtUp());

        public void AssertEqualBits() => Assert.Equal(_weights, CaughtUp().Weights[_before.Length..]);

        public void AssertClose()
        {
            LazyArrays now = CaughtUp();
            Models.AssertClose(_weights, now.Weights[_before.Length..], Tolerance);
            Models.AssertClose(_dense.MeanSquare, now.MeanSquares[_before.Length..], Tolerance);
            if (_settings.Momentum > 0)
                Models.AssertClose(_dense.Velocity, now.Velocities[_before.Length..], Tolerance);
            if (_settings.Centered)
                Models.AssertClose(_dense.MeanGradient!, now.MeanGradients![_before.Length..], Tolerance);
            AssertAverage();
        }

        /// <summary>
        /// The sums hold every averaged weight up to each weight's last step, lazy ones too: with the steps since, they give the plain mean of
        /// the weights that were there.
        /// </summary>
        private void AssertAverage()
        {
            float[][] counted = [.. _earlier, .. _counted];
            float[] plain = counted is [] ? _weights
                : [.. Enumerable.Range(0, Length).Select(place => (float)counted.Average(weights => (double)weights[place]))];
            Models.AssertClose(plain, Floats(_average.Mean(_step, _weights, _average.Sums)), Tolerance);
            Models.AssertClose(plain, Floats(Mean()), Tolerance);

            LazyArrays saved = Saved(new long[_parameters.Length]);
            for (int place = 0; place < Length; place++)
            {
                // Steps of the sums up to this weight's last step.
                int count = (int)Math.Max(saved.LastSteps[_before.Length + place] - _sums.FirstStep, 0);
                double expected = _counted.Take(count).Sum(weights => (double)weights[place]);
                Assert.Equal(expected, saved.Sums[_before.Length + place], Tolerance * Math.Max(1, count));
            }
        }

        /// <summary>All that is kept, bit for bit.</summary>
        public void AssertSameBits(Pair other)
        {
            (LazyArrays mine, LazyArrays theirs) = (CaughtUp(), other.CaughtUp());
            Assert.Equal(theirs.Weights, mine.Weights);
            Assert.Equal(theirs.MeanSquares, mine.MeanSquares);
            Assert.Equal(theirs.Velocities, mine.Velocities);
            Assert.Equal(theirs.MeanGradients, mine.MeanGradients);
        }

        public void AssertSameMean(Pair other, double tolerance = 0) =>
            Assert.All(other.Mean().Zip(Mean()), pair => Assert.Equal(pair.First, pair.Second, tolerance));

        private double[] Mean()
        {
            float[] weights = [.. _parameters];
            double[] sums = [.. _sums.Sums];
            _lazy.CatchUp(weights, sums);
            return _sums.Mean(_step, weights, sums)[_before.Length..];
        }

        /// <summary>The weights after this step, if it counts.</summary>
        private void Record()
        {
            if (_step > _average.FirstStep)
                _counted = [.. _counted, [.. _weights]];
        }

        /// <summary>What is kept now, as after the last step.</summary>
        private LazyArrays CaughtUp()
        {
            LazyArrays arrays = Saved(new long[_parameters.Length]);
            for (int place = 0; place < Length; place++)
                arrays[_before.Length + place] = _form.CatchUp(arrays[_before.Length + place], _step, _sums.FirstStep);
            return arrays;
        }

        private LazyArrays Saved(long[] lastSteps)
        {
            int length = _parameters.Length;
            var arrays = new LazyArrays(new float[length], new float[length], new float[length], _settings.Centered ? new float[length] : null,
                new double[length], lastSteps);
            _lazy.Save(arrays);
            return arrays;
        }

        private void Continue(LazyArrays saved)
        {
            float[] parameters = [.. _before, .. saved.Weights[_before.Length..]];
            var sums = new Average(parameters.Length, _firstAveragedStep);
            sums.Restore(_sums.FirstStep, saved.Sums, _sums.EarlierCount, _sums.EarlierSums);
            (_parameters, _sums, _lazy) = (parameters, sums, New(parameters, sums));
            _lazy.Restore(saved, _step);
        }

        private LazyWeights New(float[] parameters, Average sums) =>
            new(_clock, _form, parameters, _before.Length, sums, new LazySetup(Ridge: null, [5, 6, Length]));

        private static float[] Floats(double[] values) => Array.ConvertAll(values, value => (float)value);
    }

    [Theory, MemberData(nameof(AllForms))]
    public void Step_PlacesTouchedNowAndThen_FollowsTheDenseRuleStepByStep(bool centered, bool biasCorrection, EpsilonPlacement placement)
    {
        var pair = new Pair(Form(centered, biasCorrection, placement), firstAveragedStep: 40);

        for (int step = 0; step < 120; step++)
        {
            pair.Step(Now(step));
            pair.AssertClose();
        }
    }

    [Theory, MemberData(nameof(AllForms))]
    public void Step_MomentumAtAConstantRate_FollowsTheDenseRuleStepByStep(bool centered, bool biasCorrection, EpsilonPlacement placement)
    {
        foreach (long firstAveragedStep in new[] { 0, 1, 17, 40 })
        {
            var pair = new Pair(WithMomentum(Form(centered, biasCorrection, placement)), firstAveragedStep);
            for (int step = 0; step < 120; step++)
            {
                pair.Step(Now(step));
                pair.AssertClose();
            }
        }
    }

    [Theory, MemberData(nameof(AllForms))]
    public void Step_EveryPlaceTouchedInEveryStep_HasTheBitsOfTheDenseRule(bool centered, bool biasCorrection, EpsilonPlacement placement)
    {
        var pair = new Pair(Form(centered, biasCorrection, placement), firstAveragedStep: 0);

        for (int step = 0; step < 60; step++)
        {
            pair.Step(_ => true);
            pair.AssertEqualBits();
        }
    }

    [Fact]
    public void Average_WindowBeginningAtAnyStep_IsTheMeanOfTheWeightsAfterEachOfItsSteps()
    {
        for (int first = 0; first <= 32; first++)        // 30 steps: the last windows are empty
        {
            var pair = new Pair(Form(centered: false, biasCorrection: true, EpsilonPlacement.OutsideSquareRoot), first);
            for (int step = 0; step < 30; step++)
            {
                pair.Step(Now(step));
                pair.AssertClose();
            }
        }
    }

    [Theory, MemberData(nameof(AllForms))]
    public void RestartAverage_NowAndThen_KeepsTheMeanAndTheBitsOfTheWeights(bool centered, bool biasCorrection, EpsilonPlacement placement)
    {
        foreach (bool momentum in new[] { false, true })
        {
            RuleSettings settings = Form(centered, biasCorrection, placement);
            settings = momentum ? WithMomentum(settings) : settings;
            var restarted = new Pair(settings, firstAveragedStep: 0);
            var planned = new Pair(settings, firstAveragedStep: 40);
            for (int step = 0; step < 60; step++)
            {
                restarted.Step(Now(step));
                planned.Step(Now(step));
                if (step + 1 is 5 or 20 or 21 or 40)
                    restarted.Restart();
                if (step % 7 == 3)
                    restarted.SaveAndRestore();
                if (step + 1 == 50)
                    restarted.DropEarlier();
                restarted.AssertClose();
                restarted.AssertSameBits(planned);
                if (step + 1 >= 50)
                    restarted.AssertSameMean(planned, 1e-14);        // nothing is left of the restarts but the order of additions
            }
        }
    }

    [Fact]
    public void Step_AfterThousandsOfStepsWithoutAGradient_HasTheMeansOfTheDenseRule()
    {
        // The longest pause is beyond the table of powers of α; α near 1, or nothing would be left of the means.
        RuleSettings settings = Form(centered: true, biasCorrection: true, EpsilonPlacement.OutsideSquareRoot) with { Alpha = 0.999f };
        var pair = new Pair(settings, firstAveragedStep: 1500);

        for (int step = 0; step < 3000; step++)
            pair.Step(place => place == 0 || step == 0 || (place == 1 && step == 1000) || step == 2999);

        pair.AssertClose();
    }

    public static TheoryData<bool, bool, EpsilonPlacement, bool, long> FormsAndAverages
    {
        get
        {
            var forms = new TheoryData<bool, bool, EpsilonPlacement, bool, long>();
            foreach (object[] form in AllForms)
            {
                foreach (bool momentum in new[] { false, true })
                {
                    foreach (long firstAveragedStep in new[] { Never, 0, 23 })
                        forms.Add((bool)form[0], (bool)form[1], (EpsilonPlacement)form[2], momentum, firstAveragedStep);
                }
            }
            return forms;
        }
    }

    [Theory, MemberData(nameof(FormsAndAverages))]
    public void Save_ThenANewOneFromTheState_HasTheBitsOfNoBreak(
        bool centered, bool biasCorrection, EpsilonPlacement placement, bool momentum, long firstAveragedStep)
    {
        RuleSettings settings = Form(centered, biasCorrection, placement);
        settings = momentum ? WithMomentum(settings) : settings;
        var broken = new Pair(settings, firstAveragedStep);
        var whole = new Pair(settings, firstAveragedStep);
        for (int step = 0; step < 60; step++)
        {
            if (step % 7 == 5)
                broken.SaveAndRestore();
            broken.Step(Now(step));
            whole.Step(Now(step));
            broken.AssertClose();
            broken.AssertSameBits(whole);
            broken.AssertSameMean(whole);
        }
    }

    [Theory, MemberData(nameof(FormsAndAverages))]
    public void CatchUp_ThenANewOneFromTheState_ContinuesAsIfThereHadBeenNoBreak(
        bool centered, bool biasCorrection, EpsilonPlacement placement, bool momentum, long firstAveragedStep)
    {
        RuleSettings settings = Form(centered, biasCorrection, placement);
        var pair = new Pair(momentum ? WithMomentum(settings) : settings, firstAveragedStep);
        for (int step = 0; step < 60; step++)
        {
            if (step % 7 == 5)
                pair.SaveCaughtUpAndRestore();
            pair.Step(Now(step));
            pair.AssertClose();
        }
    }

    [Fact]
    public void Add_WithARidge_AddsItTimesTheRowsWeightAndTheWeightItself()
    {
        // α = 0 and ε = 1: a step is −η·g / (|g| + 1), which shows g.
        RuleSettings settings = Form(centered: false, biasCorrection: false, EpsilonPlacement.OutsideSquareRoot) with { Alpha = 0, Epsilon = 1 };
        float[] parameters = [9, 1, -2, 3];
        LazyWeights lazy = New(settings, new RmsPropRule(settings, 0), parameters, offset: 1, ridge: [0.5f, 0.25f, 8]);
        lazy.Add(range: 0, [0, 1], [2, 3], factor: 0.5f, rowWeight: 3);
        lazy.Add(range: 0, [1], [1], factor: -1, rowWeight: 0.5f);

        lazy.Step(learningRate: 1, gradientFactor: 0.5f);

        double[] gradient = [0.5 * (1 + 3 * 0.5 * 1), 0.5 * (1.5 + 3 * 0.25 * -2 - 1 + 0.5 * 0.25 * -2), 0];
        Assert.Equal(9, parameters[0]);
        Assert.Equal(3, parameters[3]);        // not touched, not penalised
        for (int i = 0; i < 2; i++)
            Assert.Equal(new[] { 1, -2 }[i] - gradient[i] / (Math.Abs(gradient[i]) + 1), parameters[1 + i], 1e-6);
    }

    [Fact]
    public void IsFinite_AMeanSquareBeyondFloat_IsFalseEverAfter()
    {
        RuleSettings settings = Form(centered: false, biasCorrection: false, EpsilonPlacement.OutsideSquareRoot);
        var rule = new RmsPropRule(settings, 0);
        LazyWeights finite = New(settings, rule, [1, 2], offset: 0, ridge: null);
        LazyWeights overflowing = New(settings, rule, [1, 2], offset: 0, ridge: null);
        overflowing.Add(range: 0, [1], [1e25f], 1, rowWeight: 1);

        finite.Step(0.1f, 1);
        overflowing.Step(0.1f, 1);

        Assert.True(finite.IsFinite);
        Assert.False(overflowing.IsFinite);
        overflowing.Add(range: 0, [0], [1], 1, rowWeight: 1);
        overflowing.Step(0.1f, 1);
        Assert.False(overflowing.IsFinite);
    }

    [Theory]
    [InlineData(float.NaN)]
    [InlineData(float.PositiveInfinity)]
    [InlineData(float.NegativeInfinity)]
    public void IsFinite_AGradientThatIsNoNumber_IsFalse(float gradient)
    {
        RuleSettings settings = Form(centered: false, biasCorrection: true, EpsilonPlacement.OutsideSquareRoot);
        var rule = new RmsPropRule(settings, 0);
        rule.Restore(1000);
        LazyWeights weights = New(settings, rule, [1, 2], offset: 0, ridge: null);
        weights.Add(range: 0, [0, 1], [1, gradient], 1, rowWeight: 1);

        weights.Step(0.1f, 1);

        Assert.False(weights.IsFinite);
    }

    private static LazyWeights New(RuleSettings settings, RmsPropRule rule, float[] parameters, int offset, float[]? ridge) => new(
        rule, new LazyForm(settings, learningRate: 0.1f), parameters, offset, new Average(parameters.Length, firstStep: 0),
        new LazySetup(ridge, [parameters.Length - offset]));

    private static RuleSettings Form(bool centered, bool biasCorrection, EpsilonPlacement placement) =>
        new(Alpha: 0.9f, Epsilon: 0.1f, placement, biasCorrection, Momentum: 0, centered);

    private static RuleSettings WithMomentum(RuleSettings settings) => settings with { Momentum = 0.8f };

    /// <summary>Place 0 always, place 11 once in a while, the others in between; some steps touch nothing.</summary>
    private static Func<int, bool> Now(int step) => place => step % 10 != 9 && step % (1 + 2 * place) == 0;
}
