using MlNetRms.Jobs;
using MlNetRms.Kernels;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Solver;

/// <summary>The updates that are made up for later, against <see cref="RmsPropRule"/>, which makes every one when it is due.</summary>
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

    /// <summary>Both ways of updating on the same gradients, of which most are 0.</summary>
    private sealed class Pair
    {
        /// <summary>Parameters of the dense columns, which come first and which no step may touch.</summary>
        private static readonly float[] _before = [9, 9, 9];

        private readonly RuleSettings _settings;
        private readonly long _firstAveragedStep;
        private readonly Average _average;
        private readonly float[] _weights = Some.Normals(1, Length);
        private readonly RmsPropRule _dense;
        private readonly RmsPropRule _clock;
        private float[] _parameters;
        private LazyWeights _touched;
        private int _step;

        public Pair(RuleSettings settings, long firstAveragedStep)
        {
            _settings = settings;
            _firstAveragedStep = firstAveragedStep;
            _dense = new RmsPropRule(settings, Length);
            _clock = new RmsPropRule(settings, 1);
            _average = new Average(Length, firstAveragedStep);
            _parameters = [.. _before, .. _weights];
            _touched = New(_parameters);
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
            Assert.Equal(_settings.Momentum > 0, _touched.NeedsPreparation);
            _touched.Prepare(places);
            Assert.Equal(prediction, SparseKernels.Dot(places, values, _parameters.AsSpan(_before.Length)), Tolerance * 10);        // ten products of size 1

            _dense.Step(_weights, gradient, learningRate);
            _average.Add(_step++, _weights);
            // As two rows give it: each value in two halves, and the sum over 4.
            _touched.ForEachPart(part => _touched.Add(part, places, values, 1, rowWeight: 1));
            _touched.Prepare(places);        // nothing to do for what the batch has touched already
            _touched.ForEachPart(part => _touched.Add(part, places, values, 1, rowWeight: 1));
            _clock.Step(new float[1], [0], learningRate);
            _touched.Step(learningRate, gradientFactor: 0.25f);
            Assert.Equal(_before, _parameters[.._before.Length]);
        }

        /// <summary>Begins new sums, beside which those so far still count.</summary>
        public void Restart()
        {
            _average.Restart(_step);
            _touched.RestartAverage();
        }

        public void DropEarlier()
        {
            _average.DropEarlier();
            _touched.Average.DropEarlier();
        }

        /// <summary>Continues with new weights made from what the old ones save.</summary>
        public void SaveAndRestore() => (_parameters, _touched) = Copy();

        /// <summary>The same after making up for all that is due.</summary>
        public void SaveUpToDateAndRestore()
        {
            _touched.BringUpToDate();
            SaveAndRestore();
        }

        public void AssertEqualBits() => Assert.Equal(_weights, UpToDate().Weights);

        public void AssertClose()
        {
            (float[] weights, Dictionary<string, float[]> state) = UpToDate();
            Models.AssertClose(_weights, weights, Tolerance);
            foreach ((string name, float[] values) in _dense.State.Where(array => array.Values != _dense.Velocity || _settings.Momentum > 0))
                Models.AssertClose(values, state[name][_before.Length..], Tolerance);
            AssertAverage();
        }

        /// <summary>All that is kept, bit for bit.</summary>
        public void AssertSameBits(Pair other)
        {
            (float[] weights, Dictionary<string, float[]> state) = UpToDate();
            (float[] otherWeights, Dictionary<string, float[]> otherState) = other.UpToDate();
            Assert.Equal(otherWeights, weights);
            Assert.All(state.Keys, name => Assert.Equal(otherState[name], state[name]));
            Assert.Equal(other.Average(), Average());
        }

        private void AssertAverage()
        {
            var mean = new double[Length];
            _average.Mean(_step, _weights, mean);
            Models.AssertClose(Floats(mean), Floats(Average()), Tolerance);
        }

        private double[] Average()
        {
            var average = new double[Length];
            _touched.Mean(average);
            return average;
        }

        /// <summary>What is kept now, made up for in a copy.</summary>
        private (float[] Weights, Dictionary<string, float[]> State) UpToDate()
        {
            (float[] parameters, LazyWeights touched) = Copy();
            touched.BringUpToDate();
            Dictionary<string, float[]> state = NewState();
            var lastSteps = new long[Length];
            touched.Save(state, _before.Length, lastSteps);
            Assert.All(lastSteps, step => Assert.Equal(_step, step));
            return (parameters[_before.Length..], state);
        }

        private (float[] Parameters, LazyWeights Touched) Copy()
        {
            Dictionary<string, float[]> state = NewState();
            var lastSteps = new long[Length];
            Average average = _touched.Average;
            _touched.Save(state, _before.Length, lastSteps);
            float[] parameters = [.. _parameters];
            LazyWeights touched = New(parameters);
            touched.Restore(state, _before.Length, _step, lastSteps);
            touched.Average.Restore(average.FirstStep, average.Sums, average.EarlierCount, average.EarlierSums);
            return (parameters, touched);
        }

        private LazyWeights New(float[] parameters) => new(parameters, _before.Length, _settings, _clock, ConstantRate, ridge: null, _firstAveragedStep, partEnds: [5, 6, Length]);

        private Dictionary<string, float[]> NewState() => _dense.State.ToDictionary(array => array.Name, _ => new float[_before.Length + Length]);

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
                if (step + 1 >= 50)
                    restarted.AssertSameBits(planned);        // nothing is left of the restarts
            }
        }
    }

    [Fact]
    public void Step_AfterThousandsOfStepsOfRest_HasTheMeansOfTheDenseRule()
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
        }
    }

    [Theory, MemberData(nameof(FormsAndAverages))]
    public void BringUpToDate_ThenANewOneFromTheState_ContinuesAsIfThereHadBeenNoBreak(
        bool centered, bool biasCorrection, EpsilonPlacement placement, bool momentum, long firstAveragedStep)
    {
        RuleSettings settings = Form(centered, biasCorrection, placement);
        var pair = new Pair(momentum ? WithMomentum(settings) : settings, firstAveragedStep);
        for (int step = 0; step < 60; step++)
        {
            if (step % 7 == 5)
                pair.SaveUpToDateAndRestore();
            pair.Step(Now(step));
            pair.AssertClose();
        }
    }

    [Fact]
    public void Add_WithARidge_AddsItTimesTheRowsWeightAndTheWeightItself()
    {
        // α = 0 and ε = 1: a step is −η·g / (|g| + 1), which shows g.
        var settings = new RuleSettings(Alpha: 0, Epsilon: 1, EpsilonPlacement.OutsideSquareRoot, BiasCorrection: false, Momentum: 0, Centered: false);
        float[] parameters = [9, 1, -2, 3];
        var touched = new LazyWeights(parameters, 1, settings, new RmsPropRule(settings, 0), 1, ridge: [0.5f, 0.25f, 8], 0);
        touched.Add(part: 0, [0, 1], [2, 3], factor: 0.5f, rowWeight: 3);
        touched.Add(part: 0, [1], [1], factor: -1, rowWeight: 0.5f);

        touched.Step(learningRate: 1, gradientFactor: 0.5f);

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
        var finite = new LazyWeights([1, 2], 0, settings, rule, 0.1f, ridge: null, 0);
        var overflowing = new LazyWeights([1, 2], 0, settings, rule, 0.1f, ridge: null, 0);
        overflowing.Add(part: 0, [1], [1e25f], 1, rowWeight: 1);

        finite.Step(0.1f, 1);
        overflowing.Step(0.1f, 1);

        Assert.True(finite.IsFinite);
        Assert.False(overflowing.IsFinite);
        overflowing.Add(part: 0, [0], [1], 1, rowWeight: 1);
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
        var weights = new LazyWeights([1, 2], 0, settings, rule, 0.1f, ridge: null, 0);
        weights.Add(part: 0, [0, 1], [1, gradient], 1, rowWeight: 1);

        weights.Step(0.1f, 1);

        Assert.False(weights.IsFinite);
    }

    private static RuleSettings Form(bool centered, bool biasCorrection, EpsilonPlacement placement) =>
        new(Alpha: 0.9f, Epsilon: 0.1f, placement, biasCorrection, Momentum: 0, centered);

    private static RuleSettings WithMomentum(RuleSettings settings) => settings with { Momentum = 0.8f };

    /// <summary>Place 0 always, place 11 once in a while, the others in between; some steps touch nothing.</summary>
    private static Func<int, bool> Now(int step) => place => step % 10 != 9 && step % (1 + 2 * place) == 0;
}
