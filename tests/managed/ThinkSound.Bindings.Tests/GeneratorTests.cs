using ThinkSound.Bindings.Generator;

namespace ThinkSound.Bindings.Tests;

public sealed class GeneratorTests
{
    private static readonly Target Core = Target.All[0];

    private string _folder = "";

    [SetUp]
    public void MakeFolder()
    {
        if (!Clang.IsAvailable) Assert.Ignore("clang is not installed: the generator cannot read headers");
        _folder = Directory.CreateTempSubdirectory("ts-generator").FullName;
    }

    [TearDown]
    public void RemoveFolder()
    {
        if (_folder.Length > 0) Directory.Delete(_folder, recursive: true);
    }

    [Test]
    public void Committed_files_are_what_the_headers_give()
    {
        foreach (Target target in Target.All.Where(target => File.Exists(target.HeaderPath)))
            Assert.That(File.ReadAllText(target.OutputPath), Is.EqualTo(target.Generate()),
                        $"{target.Output} is out of date: dotnet run --project bindings/generator");
    }

    [Test]
    public void Enumerators_without_a_value_count_on()
    {
        string text = Generate("""
            /* How far. */
            typedef int32_t ts_far;
            enum { TS_NEAR = 3, TS_FARTHER, TS_FARTHEST /* out of sight */ };
            """);
        Assert.That(text, Does.Contain("internal enum ts_far : int"));
        Assert.That(text, Does.Contain("<summary>How far.</summary>"));
        Assert.That(text, Does.Contain("TS_FARTHER = 4,").And.Contain("TS_FARTHEST = 5,"));
        Assert.That(text, Does.Contain("<summary>out of sight</summary>"));
    }

    [Test]
    public void Handles_become_safe_handles_and_only_destroy_takes_the_address()
    {
        string text = Generate("""
            typedef struct ts_box ts_box;
            int32_t ts_box_create(ts_box** box);
            void ts_box_destroy(ts_box* box);
            int32_t ts_box_open(ts_box* box, const char* how);
            """);
        Assert.That(text, Does.Contain("class ts_box : SafeHandleZeroOrMinusOneIsInvalid"));
        Assert.That(text, Does.Contain("int ts_box_create(out ts_box box);"));
        Assert.That(text, Does.Contain("void ts_box_destroy(nint box);"));
        Assert.That(text, Does.Contain("int ts_box_open(ts_box box, byte* how);"));
    }

    [Test]
    public void A_handle_without_destroy_is_refused() =>
        Assert.That(() => Generate("typedef struct ts_box ts_box;"),
                    Throws.TypeOf<GeneratorException>().With.Message.Contains("ts_box_destroy"));

    [Test]
    public void Callbacks_become_function_pointers()
    {
        string text = Generate("""
            /* Returns 0 to go on. */
            typedef int32_t (*ts_step_fn)(void* user_data, uint32_t step, const float* left);
            void ts_walk(ts_step_fn step, void* user_data);
            """);
        Assert.That(text, Does.Contain("void ts_walk(delegate* unmanaged[Cdecl]<void*, uint, float*, int> step, void* user_data);"));
        Assert.That(text, Does.Contain("<param name=\"step\"><c>ts_step_fn</c>: Returns 0 to go on.</param>"));
    }

    [Test]
    public void Tables_of_parameters_become_param_elements_with_their_continuations()
    {
        string text = Generate("""
            /* Adds & returns.
             *   a, b   the numbers, < 10
             *   out    where `a` + b goes,
             *          when it fits
             * Errors   none */
            void ts_add(int32_t a, int32_t b, int32_t* out);
            """);
        Assert.That(text, Does.Contain("<summary>Adds &amp; returns.</summary>"));
        Assert.That(text, Does.Contain("<param name=\"a\">the numbers, &lt; 10</param>"));
        Assert.That(text, Does.Contain("<param name=\"b\">the numbers, &lt; 10</param>"));
        Assert.That(text, Does.Match("<param name=\"out\">\\s*/// where <c>a</c> \\+ b goes,\\s*/// when it fits\\s*/// </param>"));
        Assert.That(text, Does.Contain("<remarks>Errors   none</remarks>"));
        Assert.That(text, Does.Contain("void ts_add(int a, int b, int* @out);"));
    }

    [Test]
    public void A_heading_a_blank_line_away_is_no_documentation()
    {
        string text = Generate("/* ---- Boxes ---- */\n\nvoid ts_walk(void);\n");
        Assert.That(text, Does.Not.Contain("Boxes"));
    }

    [Test]
    public void A_function_that_a_macro_maps_to_a_newer_symbol_keeps_its_name()
    {
        string text = Generate("""
            typedef struct ts_box { uint32_t struct_size; int32_t size; } ts_box;
            #define ts_box_init ts_box_init_2
            void ts_box_init(ts_box* box);
            """);
        Assert.That(text, Does.Contain("[LibraryImport(Library, EntryPoint = \"ts_box_init_2\"), "));
        Assert.That(text, Does.Contain("[DllImport(Library, EntryPoint = \"ts_box_init_2\", "));
        Assert.That(text, Does.Contain("void ts_box_init(ts_box* box);").And.Contain("internal static ts_box create()"));
    }

    [TestCase("typedef struct { int32_t a; } ts_x; void ts_f(long x);", "long")]
    [TestCase("void ts_f(int (*callback)(int));", "typedef")]
    [TestCase("typedef struct ts_s { union { int32_t a; float b; }; } ts_s;", "ts_s")]
    [TestCase("enum { TS_A = 1 };", "typedef int32_t")]
    public void What_cannot_be_bound_is_said(string declarations, string word) =>
        Assert.That(() => Generate(declarations), Throws.TypeOf<GeneratorException>().With.Message.Contains(word));

    [Test]
    public void A_header_that_does_not_compile_shows_the_compilers_words() =>
        Assert.That(() => Generate("void ts_f(unknown_type x);"),
                    Throws.TypeOf<GeneratorException>().With.Message.Contains("unknown_type"));

    private string Generate(string declarations)
    {
        string header = Path.Combine(_folder, "test.h");
        File.WriteAllText(header, "#include <stdint.h>\n" + declarations + "\n");
        return (Core with { Header = header }).Generate();
    }
}
