using System.CommandLine;

namespace ThinkSound.Cli;

internal static class OptionChecks
{
    /// <summary>Refuses values that make no sense, while the call is parsed.</summary>
    public static void Require<T>(this Option<T> option, Func<T?, bool> makesSense, string otherwise) => option.Validators.Add(result =>
    {
        T? value;
        try
        {
            value = result.GetValueOrDefault<T>();
        }
        catch (InvalidOperationException)
        {
            return; // not even of the type; the parser says so itself
        }
        if (!makesSense(value)) result.AddError(otherwise);
    });
}
