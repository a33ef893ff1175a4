using Microsoft.ML.Data;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests;

public sealed class TextFilePartTests : IDisposable
{
    private readonly string _path = Path.GetTempFileName();

    public void Dispose() => File.Delete(_path);

    public static TheoryData<string, string> Texts => new()
    {
        { "header\r\n", "1\r\n22\r\n333\r\n4444\r\n" },
        { "header\n", "1\n\n22\nno line feed at the end" },
        { "header\n", "ä\nöö\nüüü\n" },
        { "header\n", "" },
        { "header without lines", "" },
        { "", "1\n22\n333\n" },
        { "", "" },
    };

    [Theory, MemberData(nameof(Texts))]
    public void Divide_AnyNumberOfParts_HaveEveryLineOnceAndInOrder(string header, string lines)
    {
        File.WriteAllText(_path, header + lines);

        for (int count = 1; count <= 30; count++)
        {
            string[] parts = [.. TextFilePart.Divide(_path, count, hasHeader: header.Length > 0).Select(part => Read(part))];

            Assert.Equal(count, parts.Length);
            Assert.All(parts, part => Assert.StartsWith(header, part, StringComparison.Ordinal));
            Assert.Equal(lines, string.Concat(parts.Select(part => part[header.Length..])));
            // A part ends at the end of a line.
            Assert.All(parts.Where(part => part.Length > header.Length).SkipLast(1), part => Assert.EndsWith("\n", part, StringComparison.Ordinal));
        }
    }

    [Fact]
    public void Divide_LoaderOfMlNet_ReadsTheRowsOfTheFile()
    {
        File.WriteAllLines(_path, ["Label,X", .. Enumerable.Range(0, 100).Select(row => $"{row},{2 * row}")]);
        var ml = new MLContext(1);
        TextLoader loader = ml.Data.CreateTextLoader([new("Label", DataKind.Single, 0), new("X", DataKind.Single, 1)], separatorChar: ',',
            hasHeader: true);

        float[][] labels = [.. TextFilePart.Divide(_path, 7, hasHeader: true).Select(part => loader.Load(part).GetColumn<float>("Label").ToArray())];

        Assert.Equal(Enumerable.Range(0, 100).Select(row => (float)row), labels.SelectMany(part => part));
        Assert.All(labels, part => Assert.InRange(part.Length, 10, 20));
    }

    [Fact]
    public void ShareOf_AnyNumberOfProcesses_MakesThePartsAgainNearlyEvenly()
    {
        for (int size = 1; size <= 5; size++)
        {
            int[][] shares = ThreadCollective.Run(size, collective => collective.ShareOf(Enumerable.Range(0, 12).ToArray()).ToArray());

            Assert.Equal(Enumerable.Range(0, 12), shares.SelectMany(share => share));
            Assert.InRange(shares.Max(share => share.Length) - shares.Min(share => share.Length), 0, 1);
        }
    }

    [Fact]
    public void Divide_WrongArguments_NamesThem()
    {
        Assert.Throws<ArgumentException>("path", () => TextFilePart.Divide("", 2));
        Assert.Throws<ArgumentOutOfRangeException>("count", () => TextFilePart.Divide(_path, 0));
        Assert.Throws<ArgumentNullException>("parts", () => LocalCollective.Instance.ShareOf<int>(null!));
    }

    private static string Read(TextFilePart part)
    {
        using TextReader reader = part.OpenTextReader(0);
        return reader.ReadToEnd();
    }
}
