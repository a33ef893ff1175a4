using System.Runtime.CompilerServices;

namespace MlNetRms.Model;

/// <summary>Powers of a factor, those with small exponents from a table.</summary>
internal sealed class PowerTable(float factor)
{
    /// <summary>Beyond this a weight is touched so rarely that the call of a library function does not matter.</summary>
    private const int Count = 1024;

    private readonly float[] _powers = [.. Enumerable.Range(0, Count).Select(k => (float)Math.Pow(factor, k))];

    /// <summary>The powers with the smallest exponents, from 0 on.</summary>
    public ReadOnlySpan<float> Table => _powers;

    public float this[long exponent]
    {
        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        get => exponent < Count ? _powers[exponent] : (float)Math.Pow(factor, exponent);
    }
}
