using System.Security.Cryptography;
using System.Text;

namespace MlNetRms.Checkpoints;

/// <summary>A short text that tells contents apart.</summary>
internal static class ContentHash
{
    private const int BufferLength = 1 << 16;

    /// <param name="write">Writes the contents; they are not kept.</param>
    public static string Of(Action<BinaryWriter> write)
    {
        using var hash = SHA256.Create();
        using (var buffer = new BufferedStream(new CryptoStream(Stream.Null, hash, CryptoStreamMode.Write), BufferLength))
        using (var writer = new BinaryWriter(buffer, Encoding.UTF8))
            write(writer);
        return Convert.ToHexStringLower(hash.Hash!.AsSpan(0, 16));
    }
}
