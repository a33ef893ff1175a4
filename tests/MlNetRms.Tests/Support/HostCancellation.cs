using System.Reflection;

namespace MlNetRms.Tests.Support;

internal static class HostCancellation
{
    /// <summary>ML.NET's own cancellation, which is public only in an experimental package.</summary>
    public static void CancelExecution(this MLContext ml) =>
        typeof(MLContext).GetMethod("CancelExecution", BindingFlags.Instance | BindingFlags.NonPublic)!.Invoke(ml, null);
}
