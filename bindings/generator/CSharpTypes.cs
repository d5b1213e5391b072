namespace ThinkSound.Bindings.Generator;

/// <summary>How each C type is written in C#: blittable, so that nothing is copied or converted on the way across.</summary>
internal sealed class CSharpTypes(Header header)
{
    private static readonly Dictionary<string, string> Primitives = new()
    {
        ["void"] = "void", ["char"] = "byte", ["float"] = "float", ["double"] = "double", ["int"] = "int", ["size_t"] = "nuint",
        ["int8_t"] = "sbyte", ["int16_t"] = "short", ["int32_t"] = "int", ["int64_t"] = "long",
        ["uint8_t"] = "byte", ["uint16_t"] = "ushort", ["uint32_t"] = "uint", ["uint64_t"] = "ulong",
    };

    private readonly Dictionary<string, Declaration> _named = header.Declarations.ToDictionary(d => d.Name);

    public CallbackDeclaration? Callback(CType type) => type.Pointers == 0 ? Find(type) as CallbackDeclaration : null;

    /// <summary>A type inside a struct, a callback or a result: handles are plain addresses there.</summary>
    public string Plain(CType type)
    {
        switch (Find(type))
        {
            case HandleDeclaration when type.Pointers > 0: return "nint" + new string('*', type.Pointers - 1);
            case HandleDeclaration: throw new GeneratorException($"'{type.Name}' is opaque: pass a pointer to it");
            case CallbackDeclaration callback: return FunctionPointer(callback) + new string('*', type.Pointers);
            case not null: return type.Name + new string('*', type.Pointers);
        }
        if (!Primitives.TryGetValue(type.Name, out string? name))
            throw new GeneratorException($"type '{type.Name}' is not known: use the fixed-width types of stdint.h");
        return name + new string('*', type.Pointers);
    }

    /// <summary>A parameter of a function: handles are SafeHandles, kept alive during the call.</summary>
    public string Parameter(CType type, bool isReleased) => Find(type) switch
    {
        HandleDeclaration when type.Pointers == 1 => isReleased ? "nint" : type.Name,
        HandleDeclaration when type.Pointers == 2 => "out " + type.Name,
        _ => Plain(type),
    };

    public string FunctionPointer(CallbackDeclaration callback) =>
        $"delegate* unmanaged[Cdecl]<{string.Join(", ", callback.Parameters.Append(callback.Returns).Select(Plain))}>";

    private Declaration? Find(CType type) => _named.GetValueOrDefault(type.Name);
}
