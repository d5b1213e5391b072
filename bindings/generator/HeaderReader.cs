using System.Text.Json;
using System.Text.RegularExpressions;

namespace ThinkSound.Bindings.Generator;

/// <summary>Turns clang's syntax tree of a header into a <see cref="Header"/>.</summary>
internal sealed partial class HeaderReader
{
    private readonly Target _target;
    private readonly HeaderComments _comments;
    private readonly List<Declaration> _declarations = [];
    private readonly Dictionary<string, string> _names; // of functions that a macro maps to another symbol, by that symbol
    private EnumDeclaration? _awaitingConstants; // typedef int32_t ts_stage; its unnamed enum is the next declaration

    private HeaderReader(Target target, string macros)
    {
        _target = target;
        _names = MappedFunction().Matches(macros).ToDictionary(match => match.Groups["symbol"].Value, match => match.Groups["name"].Value);
        _comments = new HeaderComments(File.ReadAllBytes(target.HeaderPath));
    }

    public static Header Read(Target target)
    {
        string macros = Clang.Macros(target.HeaderPath);
        var reader = new HeaderReader(target, macros);
        using JsonDocument tree = JsonDocument.Parse(Clang.SyntaxTree(target.HeaderPath),
                                                     new JsonDocumentOptions { MaxDepth = 512 });
        foreach (JsonElement node in Inner(tree.RootElement)) reader.Add(node);
        return new Header(ReadMacros(target, macros), reader._declarations);
    }

    private void Add(JsonElement node)
    {
        string name = Text(node, "name");
        bool isImported = IsIncluded(node);
        bool isOurs = name.StartsWith(_target.Prefix, StringComparison.Ordinal) ||
                      (isImported && name.StartsWith("ts_", StringComparison.Ordinal));
        switch (Text(node, "kind"))
        {
            case "TypedefDecl" when isOurs: AddTypedef(node, name, isImported); break;
            case "EnumDecl" when name.Length == 0: AddConstants(node, isImported); return;
            case "RecordDecl" when isOurs: AddRecord(node, name, isImported); break;
            case "FunctionDecl" when isOurs: AddFunction(node, name, isImported); break;
            case "EnumDecl" or "VarDecl" when isOurs:
                throw new GeneratorException($"{_target.Header}: '{name}': write 'typedef int32_t {name}; enum {{ … }};' " +
                                             "for constants; variables are not bound");
        }
    }

    private void AddTypedef(JsonElement node, string name, bool isImported)
    {
        string type = Text(node.GetProperty("type"), "qualType");
        if (type.Contains("(*)", StringComparison.Ordinal))
        {
            var (returns, parameters) = CType.ParseFunction(type);
            _declarations.Add(new CallbackDeclaration(name, isImported, Comment(node), returns, parameters));
        }
        else if (type is "int32_t" or "uint32_t")
        {
            _awaitingConstants = new EnumDeclaration(name, isImported, Comment(node), type, []);
            _declarations.Add(_awaitingConstants);
        }
        else if (type != "struct " + name)
        {
            throw new GeneratorException($"{_target.Header}: typedef '{name}' of '{type}' is not bound");
        }
    }

    private void AddConstants(JsonElement node, bool isImported)
    {
        if (_awaitingConstants is null)
        {
            if (isImported) return; // a system header's
            throw new GeneratorException($"{_target.Header}: an unnamed enum needs its 'typedef int32_t …;' directly before it");
        }
        var constants = new List<EnumConstant>();
        long next = 0;
        foreach (JsonElement constant in Inner(node).Where(n => Text(n, "kind") == "EnumConstantDecl"))
        {
            // An enumerator without initialiser carries no value: it counts on from the one before.
            JsonElement? value = Inner(constant).Cast<JsonElement?>().FirstOrDefault(n => Text(n!.Value, "kind") == "ConstantExpr");
            if (value is { } expression) next = long.Parse(Text(expression, "value"), System.Globalization.CultureInfo.InvariantCulture);
            constants.Add(new EnumConstant(Text(constant, "name"), next++, Comment(constant)));
        }
        _declarations[_declarations.IndexOf(_awaitingConstants)] = _awaitingConstants with { Constants = constants };
        _awaitingConstants = null;
    }

    private void AddRecord(JsonElement node, string name, bool isImported)
    {
        if (!node.TryGetProperty("completeDefinition", out _))
        {
            if (_declarations.Any(d => d.Name == name)) return; // a second forward declaration
            _declarations.Add(new HandleDeclaration(name, isImported, Comment(node)));
            return;
        }
        var fields = new List<Member>();
        foreach (JsonElement field in Inner(node))
        {
            string kind = Text(field, "kind");
            if (kind == "FieldDecl")
                fields.Add(new Member(Text(field, "name"), CType.Parse(Text(field.GetProperty("type"), "qualType")), Comment(field)));
            else if (kind is not "FullComment")
                throw new GeneratorException($"{_target.Header}: struct {name} holds a {kind}: only plain fields are bound");
        }
        _declarations.Add(new StructDeclaration(name, isImported, Comment(node), fields));
    }

    private void AddFunction(JsonElement node, string name, bool isImported)
    {
        var (returns, _) = CType.ParseFunction(Text(node.GetProperty("type"), "qualType"));
        var parameters = Inner(node).Where(n => Text(n, "kind") == "ParmVarDecl")
            .Select(n => new Member(Text(n, "name"), CType.Parse(Text(n.GetProperty("type"), "qualType")), []))
            .ToArray();
        if (parameters.FirstOrDefault(p => p.Name.Length == 0) is not null)
            throw new GeneratorException($"{_target.Header}: {name} has a parameter without a name");
        _declarations.Add(new FunctionDeclaration(_names.GetValueOrDefault(name, name), isImported, Comment(node), returns, parameters, name));
    }

    private IReadOnlyList<string> Comment(JsonElement node) => IsIncluded(node) ? [] : _comments.Of(node);

    private static List<Macro> ReadMacros(Target target, string macros)
    {
        var found = macros.Split('\n').Select(line => IntegerMacro().Match(line))
            .Where(match => match.Success && match.Groups[1].Value.StartsWith(target.Prefix.ToUpperInvariant(), StringComparison.Ordinal))
            .Select(match => new Macro(match.Groups[1].Value, match.Groups[2].Value));
        return [.. found.OrderBy(macro => macro.Name, StringComparer.Ordinal)];
    }

    [GeneratedRegex(@"^#define (\w+) (\d+|0x[0-9a-fA-F]+)u?\r?$")]
    private static partial Regex IntegerMacro();

    [GeneratedRegex(@"^#define (?<name>tsm?_\w+) (?<symbol>tsm?_\w+)\r?$", RegexOptions.Multiline)]
    private static partial Regex MappedFunction();

    private static bool IsIncluded(JsonElement node) =>
        node.TryGetProperty("loc", out JsonElement location) &&
        (location.TryGetProperty("includedFrom", out _) ||
         (location.TryGetProperty("expansionLoc", out JsonElement expansion) && expansion.TryGetProperty("includedFrom", out _)));

    private static IEnumerable<JsonElement> Inner(JsonElement node) =>
        node.TryGetProperty("inner", out JsonElement inner) ? inner.EnumerateArray() : [];

    private static string Text(JsonElement node, string property) =>
        node.ValueKind == JsonValueKind.Object && node.TryGetProperty(property, out JsonElement value) ? value.GetString() ?? "" : "";
}
