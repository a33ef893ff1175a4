using MlNetRms.Kernels;
using MlNetRms.Optimization;
using MlNetRms.Tests.Support;
using static MlNetRms.RmsPropRegressionTrainer;

namespace MlNetRms.Tests.Optimization;

/// <summary>The updates that are made up for later, against <see cref="RmsProp"/>, which makes every one when it is due.</summary>
public sealed class SparseRmsPropTests
{
    private const int Length = 12;

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

    /// <summary>Both optimisers on the same gradients, of which most are 0.</summary>
    private sealed class Pair
    {
        private readonly Options _options;
        private readonly RmsProp _dense;
        private readonly RmsProp _clock;
        private readonly IterateAverage _average;
        private readonly float[] _weights = Some.Normals(1, Length);
        private int _step;

        public Pair(Options options, long firstAveragedStep)
        {
            _options = options;
            _dense = New(Length);
            _clock = New(1);
            _average = new IterateAverage(Length, firstAveragedStep);
            Sparse = new SparseRmsProp(_weights, state: null, offset: 0, options, firstAveragedStep);
        }

        public SparseRmsProp Sparse { get; set; }

        /// <summary>One step with a gradient in the places asked for.</summary>
        public void Step(Func<int, bool> isTouched)
        {
            int[] places = Enumerable.Range(0, Length).Where(isTouched).ToArray();
            float[] values = Some.Normals(100 + _step, places.Length);
            var gradient = new float[Length];
            for (int k = 0; k < places.Length; k++)
                gradient[places[k]] = 0.5f * values[k];
            // Momentum goes this way at a constant rate only.
            float learningRate = _options.Momentum > 0 ? _options.LearningRate : 0.1f / (1 + _step / 10f);
            double prediction = places.Zip(values, (place, value) => (double)value * _weights[place]).Sum();
            Assert.Equal(prediction, Sparse.Dot(places, values), Tolerance * 10);        // ten products of size 1

            _dense.Step(_weights, gradient, learningRate);
            _average.Add(_step++, _weights);
            // As two rows give it: each value in two halves, and the sum over 4.
            Sparse.AddGradient(places, values, 1);
            Sparse.AddGradient(places, values, 1);
            StepCoefficients step = _clock.Advance(learningRate);
            Sparse.Step(step, gradientFactor: 0.25f);
        }

        public void AssertEqualBits() => Assert.Equal(_weights, Sparse.Save().Weights);

        public void AssertClose()
        {
            (float[] weights, RmsPropState state) = Sparse.Save();
            RmsPropState expected = _dense.Save();
            Models.AssertClose(_weights, weights, Tolerance);
            Models.AssertClose(expected.MeanSquare, state.MeanSquare, Tolerance);
            if (expected.MeanGradient is not null)
                Models.AssertClose(expected.MeanGradient, state.MeanGradient!, Tolerance);
            if (_options.Momentum > 0)
                Models.AssertClose(expected.Velocity, state.Velocity, Tolerance);
            Models.AssertClose(Floats(_average.Mean(_weights)), Floats(Sparse.Average()), Tolerance);
        }

        private RmsProp New(int count) =>
            new(count, _options.Alpha, _options.Epsilon, _options.EpsilonPlacement, _options.BiasCorrection, _options.Momentum, _options.Centered);

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

    [Fact]
    public void Save_WithMomentum_GoesOnAsIfThereHadBeenNoBreak()
    {
        Options options = WithMomentum(Form(centered: true, biasCorrection: true, EpsilonPlacement.OutsideSquareRoot));
        var pair = new Pair(options, firstAveragedStep: long.MaxValue);
        for (int step = 0; step < 60; step++)
        {
            if (step % 7 == 5)
            {
                (float[] weights, RmsPropState state) = pair.Sparse.Save();
                pair.Sparse = new SparseRmsProp(weights, state, offset: 0, options, firstAveragedStep: long.MaxValue);
            }
            pair.Step(Now(step));
            pair.AssertClose();
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

    [Fact]
    public void Step_AfterThousandsOfStepsOfRest_HasTheMeansOfTheDenseRule()
    {
        // The longest pause is beyond the table of powers of α; α near 1, or nothing would be left of the means.
        var options = Form(centered: true, biasCorrection: true, EpsilonPlacement.OutsideSquareRoot);
        options.Alpha = 0.999f;
        var pair = new Pair(options, firstAveragedStep: 1500);

        for (int step = 0; step < 3000; step++)
            pair.Step(place => place == 0 || step == 0 || (place == 1 && step == 1000) || step == 2999);

        pair.AssertClose();
    }

    [Theory, MemberData(nameof(AllForms))]
    public void Save_ThenANewOneFromTheState_GoesOnAsIfThereHadBeenNoBreak(bool centered, bool biasCorrection, EpsilonPlacement placement)
    {
        Options options = Form(centered, biasCorrection, placement);
        const long Never = long.MaxValue;
        var pair = new Pair(options, Never);
        const int Offset = 3;        // the dense columns' part of the state stands before
        for (int step = 0; step < 60; step++)
        {
            if (step % 7 == 5)
            {
                (float[] weights, RmsPropState state) = pair.Sparse.Save();
                float[] before = [9, 9, 9];
                pair.Sparse = new SparseRmsProp(weights, state with
                {
                    MeanSquare = [.. before, .. state.MeanSquare],
                    MeanGradient = centered ? [.. before, .. state.MeanGradient!] : null,
                }, Offset, options, Never);
            }
            pair.Step(Now(step));
            pair.AssertClose();
        }
    }

    [Fact]
    public void IsFinite_AWeightOrMeanSquareBeyondFloat_IsFalse()
    {
        Options options = Form(centered: false, biasCorrection: false, EpsilonPlacement.OutsideSquareRoot);
        var finite = new SparseRmsProp([1, 2], null, 0, options, 0);
        var overflowing = new SparseRmsProp([1, 2], null, 0, options, 0);
        overflowing.AddGradient([1], [1e25f], 1);
        overflowing.Step(new RmsProp(1, 0.9f, 0.1f).Advance(0.1f), 1);

        Assert.True(finite.IsFinite);
        Assert.False(overflowing.IsFinite);
        Assert.False(new SparseRmsProp([1, float.NaN], null, 0, options, 0).IsFinite);
    }

    [Fact]
    public void Dot_Places_IsTheSumOfProductsWithTheirWeights() =>
        Assert.Equal(2 * 3 + 5 * 7, new SparseRmsProp([2, 99, 5], null, 0, new(), 0).Dot([0, 2], [3, 7]));

    private static Options Form(bool centered, bool biasCorrection, EpsilonPlacement placement) =>
        new() { Alpha = 0.9f, Epsilon = 0.1f, Centered = centered, BiasCorrection = biasCorrection, EpsilonPlacement = placement };

    private static Options WithMomentum(Options options)
    {
        options.Momentum = 0.8f;
        options.LearningRate = 0.02f;
        options.LearningRateSchedule = LearningRateSchedule.Constant;
        return options;
    }

    /// <summary>Place 0 always, place 11 once in a while, the others in between; some steps touch nothing.</summary>
    private static Func<int, bool> Now(int step) => place => step % 10 != 9 && step % (1 + 2 * place) == 0;
}
