namespace ThinkSound.Bindings.Generator;

/// <summary>What one C header declares, in its own order. Names are the C names.</summary>
internal sealed record Header(IReadOnlyList<Macro> Macros, IReadOnlyList<Declaration> Declarations)
{
    public IEnumerable<T> Of<T>() where T : Declaration => Declarations.OfType<T>().Where(d => !d.IsImported);
}

/// <summary>An integer macro, <c>#define TS_ABI_VERSION 1</c>.</summary>
internal sealed record Macro(string Name, string Value);

/// <param name="Name">The C name.</param>
/// <param name="IsImported">Comes from another header that this one includes: known as a type, not written again.</param>
/// <param name="Comment">Lines of the comment that clang attaches to it, without the comment marks.</param>
internal abstract record Declaration(string Name, bool IsImported, IReadOnlyList<string> Comment);

/// <summary><c>typedef int32_t ts_stage; enum { … };</c>, a set of constants of fixed width.</summary>
internal sealed record EnumDeclaration(string Name, bool IsImported, IReadOnlyList<string> Comment, string Underlying,
                                       IReadOnlyList<EnumConstant> Constants) : Declaration(Name, IsImported, Comment);

internal sealed record EnumConstant(string Name, long Value, IReadOnlyList<string> Comment);

/// <summary><c>typedef struct ts_engine ts_engine;</c>, freed by <c>ts_engine_destroy</c> (or <c>_close</c>).</summary>
internal sealed record HandleDeclaration(string Name, bool IsImported, IReadOnlyList<string> Comment)
    : Declaration(Name, IsImported, Comment);

internal sealed record StructDeclaration(string Name, bool IsImported, IReadOnlyList<string> Comment,
                                         IReadOnlyList<Member> Fields) : Declaration(Name, IsImported, Comment);

/// <summary><c>typedef int32_t (*ts_progress_fn)(…);</c></summary>
internal sealed record CallbackDeclaration(string Name, bool IsImported, IReadOnlyList<string> Comment, CType Returns,
                                           IReadOnlyList<CType> Parameters) : Declaration(Name, IsImported, Comment);

/// <param name="Symbol">What the library exports it as: another name where a macro of the header maps it to a newer version.</param>
internal sealed record FunctionDeclaration(string Name, bool IsImported, IReadOnlyList<string> Comment, CType Returns,
                                           IReadOnlyList<Member> Parameters, string Symbol) : Declaration(Name, IsImported, Comment);

/// <summary>A field or a parameter.</summary>
internal sealed record Member(string Name, CType Type, IReadOnlyList<string> Comment);
