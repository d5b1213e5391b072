// Reads the C headers and writes the C# declarations.
//
//   dotnet run --project bindings/generator             writes bindings/generated/*.g.cs
//   dotnet run --project bindings/generator -- --check  writes nothing; exits 1 and names each file that is out of date
using ThinkSound.Bindings.Generator;

if (args is not ([] or ["--check"]))
{
    Console.Error.WriteLine("usage: ThinkSound.Bindings.Generator [--check]");
    return 2;
}
bool check = args is ["--check"];
int stale = 0;
try
{
    foreach (Target target in Target.All)
    {
        if (!File.Exists(target.HeaderPath))
        {
            Console.Error.WriteLine($"{target.Header}: not in this checkout, {target.Output} is left as it is");
            stale += check && File.Exists(target.OutputPath) ? 1 : 0;
            continue;
        }
        string text = target.Generate();
        bool current = File.Exists(target.OutputPath) && File.ReadAllText(target.OutputPath) == text;
        if (current)
        {
            Console.WriteLine($"{target.Output}: up to date");
        }
        else if (check)
        {
            stale++;
            Console.Error.WriteLine($"{target.Output}: out of date with {target.Header}. " +
                                    "Run: dotnet run --project bindings/generator");
        }
        else
        {
            File.WriteAllText(target.OutputPath, text);
            Console.WriteLine($"{target.Output}: written from {target.Header}");
        }
    }
}
catch (GeneratorException problem)
{
    Console.Error.WriteLine("error: " + problem.Message);
    return 1;
}
return stale == 0 ? 0 : 1;
