using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using ThinkSound.Bindings.Generator;

namespace ThinkSound.Bindings.Tests;

/// <summary>The generated structs lie in memory exactly as the C compiler lays out the header's.</summary>
public sealed class LayoutTests
{
    private static IEnumerable<string> Headers => Target.All.Select(target => target.Header);

    [SetUp]
    public void NeedsClang()
    {
        if (!Clang.IsAvailable) Assert.Ignore("clang is not installed: layouts cannot be compared");
    }

    [TestCaseSource(nameof(Headers))]
    public void Structs_have_the_size_and_offsets_of_the_C_header(string header)
    {
        Target target = Target.All.Single(t => t.Header == header);
        if (!File.Exists(target.HeaderPath)) Assert.Ignore($"{header} is not in this checkout");
        var layouts = RecordLayouts.Of(target);
        string[] declared = [.. HeaderReader.Read(target).Of<StructDeclaration>().Select(s => s.Name)];
        Assert.That(layouts.Keys, Is.SupersetOf(declared), "clang must have laid out every struct");
        Assert.That(declared, Is.Not.Empty);

        using (Assert.EnterMultipleScope())
        {
            foreach (string name in declared)
            {
                Type type = Type.GetType($"{target.Namespace}.{name}", throwOnError: true)!;
                RecordLayouts.Layout expected = layouts[name];
                FieldInfo[] fields = [.. type.GetFields(BindingFlags.Instance | BindingFlags.NonPublic).OrderBy(f => f.MetadataToken)];
                Assert.That(SizeOf(type), Is.EqualTo(expected.Size), $"sizeof({name})");
                Assert.That(Marshal.SizeOf(type), Is.EqualTo(expected.Size), $"marshalled size of {name}");
                Assert.That(fields.Select(field => (int)Marshal.OffsetOf(type, field.Name)), Is.EqualTo(expected.Offsets), $"offsets of {name}");
            }
        }
    }

    private static int SizeOf(Type type) =>
        (int)typeof(Unsafe).GetMethod(nameof(Unsafe.SizeOf))!.MakeGenericMethod(type).Invoke(null, null)!;
}
