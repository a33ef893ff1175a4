using System.Globalization;
using MlNetRms.Tests.Support;

namespace MlNetRms.Tests.Package;

public sealed class ReadmeTests
{
    private static readonly OptionLine[] _options = [.. OptionTable.Lines.Where(line => !line.Name.Contains('.', StringComparison.Ordinal))];

    [Fact]
    public void Readme_IsShort() =>
        Assert.InRange(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))
            .Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries).Length, 1, 1800);

    [Fact]
    public void OptionTable_NamesEveryOption_AndNoOther() =>
        Assert.Equal(_options.Select(option => option.Name).Order(), Readme.OptionDefaults.Keys.Order());

    public static TheoryData<string> OptionNames => [.. _options.Select(option => option.Name)];

    [Theory, MemberData(nameof(OptionNames))]
    public void OptionTable_Default_IsTheCodes(string name)
    {
        object? value = _options.Single(option => option.Name == name).Value(new RmsPropRegressionTrainer.Options());

        Assert.Equal(Print(value), Readme.OptionDefaults[name]);
    }

    private static string Print(object? value) => value switch
    {
        null => "null",
        string text => $"\"{text}\"",
        bool flag => flag ? "true" : "false",
        CancellationToken { CanBeCanceled: false } => "none",
        IFormattable number => number.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };
}
