using System.Runtime.InteropServices;
using System.Text;

namespace MlNetRms.Mpi;

/// <summary>The MPI library installed on this machine.</summary>
internal static class MpiLibrary
{
    /// <summary>Environment variable with the path or name of the library to load.</summary>
    public const string Variable = "MLNETRMS_MPI_LIBRARY";

    /// <summary>Upper limit of the version text in both implementations.</summary>
    private const int MostVersionBytes = 8192;

    private static readonly string[] _openMpi = ["libmpi.so.40", "libmpi.40.dylib"];
    private static readonly string[] _mpich = ["libmpich.so.12", "libmpi.so.12", "libmpi.12.dylib"];
    private static readonly Lazy<nint> _library = new(Load);

    static MpiLibrary() =>
        NativeLibrary.SetDllImportResolver(typeof(MpiLibrary).Assembly, (name, _, _) => name == MpiNative.Library ? _library.Value : 0);

    /// <summary>The library's constants; the first call loads the library.</summary>
    /// <exception cref="DllNotFoundException">No MPI library is installed.</exception>
    public static MpiHandles Handles => MpiHandles.For(_library.Value);

    /// <summary>The implementation and its version, as it names itself.</summary>
    public static string Version()
    {
        var text = new byte[MostVersionBytes];
        Check(MpiNative.MPI_Get_library_version(text, out int length), nameof(MpiNative.MPI_Get_library_version));
        return Encoding.UTF8.GetString(text, 0, length).Split('\n')[0].Replace('\t', ' ').TrimEnd('\0', ' ');
    }

    /// <exception cref="InvalidOperationException">A function of MPI failed.</exception>
    public static void Check(int result, string function)
    {
        if (result != 0)
            throw new InvalidOperationException($"{function} failed with error {result}.");
    }

    private static nint Load()
    {
        // Otherwise UCX handles SIGSEGV and ends the process when .NET would throw a NullReferenceException. Native code does not see
        // variables set by Environment.SetEnvironmentVariable.
        if (!OperatingSystem.IsWindows())
            _ = MpiNative.setenv("UCX_ERROR_SIGNALS", "", overwrite: 0);
        if (Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } named)
        {
            return NativeLibrary.TryLoad(named, out nint given) ? given
                : throw new DllNotFoundException($"The MPI library '{named}', which {Variable} names, cannot be loaded.");
        }
        string[] names = MpiLauncher.IsOfMpich ? [.. _mpich, .. _openMpi] : [.. _openMpi, .. _mpich];
        foreach (string name in names)
        {
            if (NativeLibrary.TryLoad(name, out nint library))
                return library;
        }
        throw new DllNotFoundException(
            $"No MPI library was found ({string.Join(", ", names)}): install Open MPI (Debian, Ubuntu: apt install openmpi-bin libopenmpi3) or " +
            $"MPICH (apt install mpich), or let {Variable} name the library.");
    }
}
