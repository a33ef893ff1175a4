using System.Text.Json;

namespace MlNetRms.Settings;

/// <summary>A name and some numbers as JSON: {"name":[1,2]}.</summary>
internal static class NamedConstants
{
    public static void Write(Utf8JsonWriter writer, string name, IEnumerable<JsonElement> constants)
    {
        writer.WriteStartObject();
        writer.WriteStartArray(name);
        foreach (JsonElement constant in constants)
            constant.WriteTo(writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
    }

    /// <exception cref="JsonException">It is something else.</exception>
    public static (string Name, double[] Constants) Read(ref Utf8JsonReader reader)
    {
        Dictionary<string, double[]>? pairs = JsonSerializer.Deserialize<Dictionary<string, double[]>>(ref reader);
        return pairs is { Count: 1 } ? (pairs.Keys.Single(), pairs.Values.Single()) : throw new JsonException("One name with an array of numbers is needed.");
    }
}
