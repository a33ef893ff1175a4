using System.Reflection;
using System.Reflection.Emit;

namespace MlNetRms.Tests.Conventions;

/// <summary>
/// The types that a type mentions, and where: its bases, interfaces and constraints, the signatures of its members, and in their
/// bodies the locals, the exceptions caught, and the types whose members are used.
/// </summary>
internal static class Mentions
{
    private const BindingFlags All =
        BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.Instance | BindingFlags.Static | BindingFlags.DeclaredOnly;

    private static readonly Dictionary<short, OpCode> _opCodes = typeof(OpCodes).GetFields()
        .Select(field => (OpCode)field.GetValue(null)!).ToDictionary(code => code.Value);

    /// <summary>Each type once for each place, generic ones as their definitions.</summary>
    public static IEnumerable<(string Where, Type Type)> Of(Type type) =>
        Signatures(type).Concat(Bodies(type)).SelectMany(mention => Parts(mention.Type).Select(part => (mention.Where, part))).Distinct();

    private static IEnumerable<(string Where, Type Type)> Signatures(Type type)
    {
        if (type.BaseType is { } baseType)
            yield return ("as its base type", baseType);
        foreach (Type implemented in type.GetInterfaces())
            yield return ("as an interface", implemented);
        foreach (Type parameter in type.GetGenericArguments())
            yield return ("as a constraint", parameter);
        foreach (FieldInfo field in type.GetFields(All))
            yield return ($"in field {field.Name}", field.FieldType);
        foreach (PropertyInfo property in type.GetProperties(All))
            yield return ($"in property {property.Name}", property.PropertyType);
        foreach (EventInfo raised in type.GetEvents(All))
            yield return ($"in event {raised.Name}", raised.EventHandlerType!);
        foreach (MethodBase method in Methods(type))
        {
            if (method is MethodInfo { ReturnType: var returned })
                yield return ($"in the result of {method.Name}", returned);
            foreach (ParameterInfo parameter in method.GetParameters())
                yield return ($"in parameter {parameter.Name} of {method.Name}", parameter.ParameterType);
            foreach (Type parameter in TypeArguments(method))
                yield return ($"as a constraint of {method.Name}", parameter);
        }
    }

    private static IEnumerable<(string Where, Type Type)> Bodies(Type type) =>
        from method in Methods(type)
        let body = method.GetMethodBody()
        where body is not null
        from mentioned in body.LocalVariables.Select(local => local.LocalType)
            .Concat(body.ExceptionHandlingClauses.Where(clause => clause.Flags == ExceptionHandlingClauseOptions.Clause).Select(clause => clause.CatchType!))
            .Concat(Used(method, body.GetILAsByteArray()!))
        select ($"in the body of {method.Name}", mentioned);

    private static IEnumerable<MethodBase> Methods(Type type) => type.GetMethods(All).Concat<MethodBase>(type.GetConstructors(All));

    /// <summary>The types, and the owners of the members, that instructions have as their operands.</summary>
    private static IEnumerable<Type> Used(MethodBase method, byte[] instructions)
    {
        Type[] typeArguments = method.DeclaringType!.GetGenericArguments();
        Type[] methodArguments = TypeArguments(method);
        for (int at = 0; at < instructions.Length;)
        {
            short value = instructions[at++];
            if (value == 0xFE)        // the first of two bytes
                value = (short)(0xFE00 | instructions[at++]);
            OpCode code = _opCodes[value];
            if (code.OperandType is OperandType.InlineMethod or OperandType.InlineField or OperandType.InlineType or OperandType.InlineTok)
            {
                MemberInfo member = method.Module.ResolveMember(BitConverter.ToInt32(instructions, at), typeArguments, methodArguments)!;
                foreach (Type type in Owner(member))
                    yield return type;
            }
            at += code.OperandType == OperandType.InlineSwitch ? 4 + 4 * BitConverter.ToInt32(instructions, at) : OperandLength(code.OperandType);
        }
    }

    private static IEnumerable<Type> Owner(MemberInfo member) => member switch
    {
        Type type => [type],
        MethodBase method => [method.DeclaringType!, .. TypeArguments(method)],
        _ => [member.DeclaringType!],
    };

    private static Type[] TypeArguments(MethodBase method) => method.IsGenericMethod ? method.GetGenericArguments() : [];

    private static int OperandLength(OperandType operand) => operand switch
    {
        OperandType.InlineNone => 0,
        OperandType.ShortInlineBrTarget or OperandType.ShortInlineI or OperandType.ShortInlineVar => 1,
        OperandType.InlineVar => 2,
        OperandType.InlineI8 or OperandType.InlineR => 8,
        _ => 4,
    };

    /// <summary>The types that a type is made of: elements, generic arguments, constraints.</summary>
    private static HashSet<Type> Parts(Type type)
    {
        var parts = new HashSet<Type>();
        var seen = new HashSet<Type>();
        Add(type);
        return parts;

        void Add(Type part)
        {
            if (!seen.Add(part))
                return;
            IEnumerable<Type> inner = part switch
            {
                { HasElementType: true } => [part.GetElementType()!],
                { IsGenericParameter: true } => part.GetGenericParameterConstraints(),
                { IsFunctionPointer: true } => [part.GetFunctionPointerReturnType(), .. part.GetFunctionPointerParameterTypes()],
                _ => part.GetGenericArguments(),
            };
            foreach (Type type in inner)
                Add(type);
            if (part is { HasElementType: false, IsGenericParameter: false, IsFunctionPointer: false })
                parts.Add(part.IsGenericType ? part.GetGenericTypeDefinition() : part);
        }
    }
}
