using MlNetRms.Host;
using MlNetRms.Jobs;
using MlNetRms.Rows;
using MlNetRms.Saving;
using MlNetRms.Settings;
using MlNetRms.Solver;

namespace MlNetRms.Kernels;

/// <summary>
/// The arithmetic of one number or of a vector of numbers, so that a formula can be written once for both. Element by
/// element, and without fused multiply-add: a vector gives the same bits as its numbers one by one.
/// </summary>
internal interface IReal<T> where T : struct, IReal<T>
{
    static abstract T Of(float value);

    static abstract T operator +(T left, T right);

    static abstract T operator -(T left, T right);

    static abstract T operator *(T left, T right);

    static abstract T operator /(T left, T right);

    static abstract T Sqrt(T value);

    static abstract T Max(T left, T right);
}
