namespace MlNetRms.Tests.Support;

/// <summary>A clock that goes on by a fixed time whenever it is asked.</summary>
internal sealed class SteppingClock(TimeSpan step) : TimeProvider
{
    private long _ticks;

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    public override long GetTimestamp() => _ticks += step.Ticks;
}
