using System.Xml.Linq;

namespace MlNetRms.Tests.Support;

/// <summary>The programs in the documentation of the public API.</summary>
internal static class DocumentationExamples
{
    /// <summary>The code by member: "T:" and the type's name, or "M:" and the method's.</summary>
    public static IReadOnlyDictionary<string, string> All { get; } = XDocument.Load(Path.ChangeExtension(typeof(RmsProp).Assembly.Location, ".xml"))
        .Descendants("member").Where(member => member.Element("example") is not null)
        .ToDictionary(member => Name(member.Attribute("name")!.Value), member => member.Element("example")!.Element("code")!.Value);

    private static string Name(string id) => id[..2] + id.Split('(')[0].Split('.')[^1];
}
