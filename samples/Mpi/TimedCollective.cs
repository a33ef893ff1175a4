using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;

namespace MlNetRms.Samples;

/// <summary>Measures how long the calls to another collective take, the waiting for other ranks included.</summary>
internal sealed class TimedCollective(ICollective inner) : ICollective
{
    private readonly Stopwatch _time = new();

    public int Rank => inner.Rank;

    public int Size => inner.Size;

    public TimeSpan Time => _time.Elapsed;

    public void AllReduceSum(Span<double> values)
    {
        _time.Start();
        inner.AllReduceSum(values);
        _time.Stop();
    }

    public void AllReduceMax(Span<double> values)
    {
        _time.Start();
        inner.AllReduceMax(values);
        _time.Stop();
    }

    public void Broadcast(Span<byte> bytes, int root)
    {
        _time.Start();
        inner.Broadcast(bytes, root);
        _time.Stop();
    }

    public void Barrier()
    {
        _time.Start();
        inner.Barrier();
        _time.Stop();
    }

    [DoesNotReturn]
    public void Abort(string reason) => inner.Abort(reason);
}
