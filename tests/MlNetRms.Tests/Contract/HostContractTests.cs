using Xunit.Sdk;

namespace MlNetRms.Tests.Contract;

/// <summary>
/// <see cref="HostContract"/> for this trainer, and for two of ML.NET's own trainers as controls: an invariant that they keep is required by the host.
/// </summary>
public sealed class HostContractTests
{
    private static readonly MLContext _ml = new(1);

    private static readonly Dictionary<string, Func<IEstimator<ITransformer>>> _trainers = new()
    {
        ["RmsProp"] = () => _ml.Regression.Trainers.RmsProp(),
        ["RmsProp as the textbook has it"] = () => _ml.Regression.Trainers.RmsProp(RmsPropRegressionTrainer.Options.Textbook()),
        ["Sdca"] = () => _ml.Regression.Trainers.Sdca(),
        ["OnlineGradientDescent"] = () => _ml.Regression.Trainers.OnlineGradientDescent(),
    };

    /// <summary>Invariants that a control breaks, and why they are kept.</summary>
    private static readonly Dictionary<(string Trainer, string Invariant), string> _brokenByControls = new()
    {
        [("Sdca", "fit changes nothing that the next fit could see")] =
            "Each fit draws from the random numbers of the trainer's host, and its threads race for the weights. Here the seed is an option.",
    };

    public static TheoryData<string, string> Cases
    {
        get
        {
            var cases = new TheoryData<string, string>();
            foreach (string trainer in _trainers.Keys)
            {
                foreach (string invariant in HostContract.Invariants.Keys)
                    cases.Add(trainer, invariant);
            }
            return cases;
        }
    }

    [Theory, MemberData(nameof(Cases))]
    public void Trainer_HostContract_Holds(string trainer, string invariant)
    {
        void Check() => HostContract.Invariants[invariant](new HostContract(), _trainers[trainer]());

        if (_brokenByControls.ContainsKey((trainer, invariant)))
            Assert.ThrowsAny<XunitException>(Check);
        else
            Check();
    }
}
