using MlNetRms.Threading;

namespace MlNetRms.Tests.Threading;

public sealed class AbandonableTests
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Run_CancelledMeanwhile_ThrowsWhileTheWorkGoesOn()
    {
        using var cancellation = new CancellationTokenSource();
        using var goOn = new ManualResetEventSlim();
        using var ended = new ManualResetEventSlim();

        OperationCanceledException thrown = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.Run(() => Abandonable.Run(() =>
        {
            cancellation.Cancel();
            Assert.True(goOn.Wait(_patience));
            ended.Set();
            return 1;
        }, cancellation.Token)).WaitAsync(_patience));

        Assert.Equal(cancellation.Token, thrown.CancellationToken);
        Assert.False(ended.IsSet);
        goOn.Set();
        Assert.True(ended.Wait(_patience));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Run_NotCancelled_ReturnsTheResultAndThrowsWhatTheWorkThrows(bool canBeCancelled)
    {
        using var cancellation = new CancellationTokenSource();
        CancellationToken token = canBeCancelled ? cancellation.Token : default;

        Assert.Equal(7, Abandonable.Run(() => 7, token));
        Assert.Equal("mine", Assert.Throws<InvalidOperationException>(() => Abandonable.Run<int>(() => throw new InvalidOperationException("mine"), token)).Message);
    }
}
