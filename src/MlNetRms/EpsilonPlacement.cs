namespace MlNetRms;

/// <summary>Where epsilon is added in the denominator of the RMSProp step. Libraries differ, and it matters for small gradients.</summary>
public enum EpsilonPlacement
{
    /// <summary>g / (√s + ε), as in PyTorch and in Hinton's lecture.</summary>
    OutsideSquareRoot,

    /// <summary>g / √(s + ε), as in the d2l book and in Keras.</summary>
    InsideSquareRoot,
}
