namespace MlNetRms.Rules;

/// <summary>All that an update rule remembers from step to step: one number per parameter for each name, and a count.</summary>
internal sealed class RuleState
{
    private readonly float[][] _arrays;

    /// <param name="names">What the rule keeps for each parameter.</param>
    /// <param name="parameterCount">Length of each array; all start at 0.</param>
    public RuleState(IReadOnlyList<string> names, int parameterCount)
    {
        Names = names;
        _arrays = [.. names.Select(_ => new float[parameterCount])];
    }

    /// <summary>Names of the arrays, in their order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Steps taken, t.</summary>
    public long StepCount { get; set; }

    /// <summary>αᵗ, or 0 once it no longer matters.</summary>
    public double AlphaPower { get; set; } = 1;

    public float[] this[int index] => _arrays[index];

    public float[] this[string name] => _arrays[IndexOf(name)];

    private int IndexOf(string name)
    {
        for (int i = 0; i < Names.Count; i++)
        {
            if (Names[i] == name)
                return i;
        }
        throw new ArgumentException($"There is no '{name}'; there are {string.Join(", ", Names)}.", nameof(name));
    }
}
