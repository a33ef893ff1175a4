using System.Reflection;
using System.Runtime.CompilerServices;

namespace MlNetRms.Tests.Conventions;

/// <summary>Which room may mention what. A room is a namespace directly below the root; the public types are in the root itself.</summary>
internal sealed class RoomRules
{
    private const string PublicRoot = "";

    private readonly string _root;
    private readonly Rule[] _rules;

    /// <param name="root">The namespace of the public types.</param>
    public RoomRules(string root)
    {
        _root = root;
        _rules =
        [
            new("only the root and Settings know the options",
                type => Room(type) is not (PublicRoot or "Settings"),
                (_, mentioned) => mentioned == typeof(RmsPropRegressionTrainer.Options)),
            new("only the root, MlNet and RowReader know ML.NET",
                type => Room(type) is not (PublicRoot or "MlNet") && Outermost(type).FullName != $"{root}.Data.RowReader",
                (_, mentioned) => mentioned.Assembly.GetName().Name!.StartsWith("Microsoft.ML", StringComparison.Ordinal)),
            new("Kernels, Threading and Checkpoints know System and themselves only",
                type => Room(type) is "Kernels" or "Threading" or "Checkpoints",
                (type, mentioned) => !IsOfSystem(mentioned) && Room(mentioned) != Room(type)),
            Nothing("Data", "Model", "Rules", "Objective", "Training"),
            Nothing("Rules", "Data", "Model", "Objective", "Training"),
            Nothing("Model", "Objective", "Training"),
            Nothing("Objective", "Training"),
            new("Objective does not know which rule asks",
                type => Room(type) == "Objective",
                (_, mentioned) => Room(mentioned) is not null
                    && (mentioned.Name.Contains("Rule", StringComparison.Ordinal) || mentioned.Name == "LazyWeights")),
        ];
    }

    /// <summary>One sentence for each offence.</summary>
    public IEnumerable<string> Violations(IEnumerable<Type> types) =>
        types.Where(type => Room(type) is not null).SelectMany(type => ForbiddenMentions(type).Concat(Accessors(type)));

    /// <summary>The namespace below the root, "" for the root itself; null for types of elsewhere.</summary>
    public static string? RoomOf(Type type, string root)
    {
        // In ML.NET's namespace, so that its methods appear beside ML.NET's own.
        if (type.Namespace == root || Outermost(type) == typeof(RmsPropCatalog))
            return PublicRoot;
        return type.Namespace?.StartsWith(root + ".", StringComparison.Ordinal) == true ? type.Namespace[(root.Length + 1)..] : null;
    }

    private IEnumerable<string> ForbiddenMentions(Type type) =>
        from rule in _rules
        where rule.IsFor(type)
        from mention in Mentions.Of(type)
        where rule.Forbids(type, mention.Type)
        select $"{type.FullName} mentions {mention.Type.FullName} {mention.Where}, but {rule.Reason}.";

    private IEnumerable<string> Accessors(Type type) =>
        from method in type.GetMethods(BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly)
        where Room(type) != "MlNet" && method.IsDefined(typeof(UnsafeAccessorAttribute), inherit: false)
        select $"{type.FullName} has the accessor {method.Name}, but only MlNet knows what is not public.";

    private Rule Nothing(string room, params string[] others) => new($"{room} knows nothing of {string.Join(", ", others)}",
        type => Room(type) == room, (_, mentioned) => others.Contains(Room(mentioned)));

    private string? Room(Type type) => RoomOf(type, _root);

    /// <summary>What the compiler adds to an assembly for all of its types, such as constant data, is in no namespace.</summary>
    private static bool IsOfSystem(Type type) => Outermost(type) switch
    {
        { Namespace: null } outermost => outermost.Name.StartsWith('<'),
        { Namespace: var name } => name == "System" || name.StartsWith("System.", StringComparison.Ordinal),
    };

    private static Type Outermost(Type type) => type.DeclaringType is { } outer ? Outermost(outer) : type;

    /// <param name="Reason">What is wrong with a type that breaks the rule.</param>
    /// <param name="IsFor">Whether the rule applies to a type.</param>
    /// <param name="Forbids">Whether such a type must not mention another one.</param>
    private sealed record Rule(string Reason, Func<Type, bool> IsFor, Func<Type, Type, bool> Forbids);
}
