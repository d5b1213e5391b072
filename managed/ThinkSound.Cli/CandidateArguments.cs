using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using ThinkSound.Bundles;

namespace ThinkSound.Cli;

/// <summary>From how many sounds the best is chosen, and which it was: the same for every command that makes sound.</summary>
/// <param name="otherwise">What stands for an option that is not given.</param>
internal sealed class CandidateArguments(string otherwise)
{
    private readonly Option<int?> _candidates = new("--candidates")
    {
        Description = $"Sample so many sounds, 1 to {GenerateOptions.MostCandidates}, and keep the one that fits the caption best; takes about as many times as long. {otherwise}", HelpName = "N",
    };

    public void AddTo(Command command)
    {
        command.Add(_candidates);
        _candidates.Require(n => n is null or (>= 1 and <= GenerateOptions.MostCandidates), $"--candidates is 1 to {GenerateOptions.MostCandidates}");
    }

    /// <summary>Null if nobody asks.</summary>
    public int? Asked(ParseResult parsed) => parsed.GetValue(_candidates);

    /// <summary>As many as are asked for, else as a bundle recommends.</summary>
    /// <exception cref="UnsupportedException">More than one are asked for, and the bundle has nothing to choose with.</exception>
    public static int Of(int? asked, BundleDescription? bundle, Func<BundleDescription, int>? recommended = null)
    {
        if (bundle is null || asked == 1 || (asked is null && recommended is null)) return asked ?? 1;
        if (asked is not { } wanted) return recommended!(bundle);
        if (bundle.Find("listener") is null)
            throw new UnsupportedException($"--candidates {wanted}: bundle {bundle.Name} has no listener, which it takes to choose among candidates; take a --bundle that has one, or leave --candidates out");
        return wanted;
    }

    /// <summary>", candidate 3 of 4 fits best (0.93; others 0.41, 0.88, 0.20)"; "" where there was no choice.</summary>
    public static string Describe(IReadOnlyList<CandidateFits> choices)
    {
        if (choices.Count == 0) return "";
        if (choices is not [var only]) return $", candidates {string.Join(", ", choices.Select(choice => choice.Chosen + 1))} of {choices[0].Fits.Count} fit best, piece by piece";
        string[] fits = [.. only.Fits.Select(fit => fit.ToString("0.00", CultureInfo.InvariantCulture))];
        return $", candidate {only.Chosen + 1} of {fits.Length} fits best ({fits[only.Chosen]}; others {string.Join(", ", fits.Where((_, i) => i != only.Chosen))})";
    }

    /// <summary>"candidates": one choice, or a list of them of a sound that was made in pieces; null where there was none.</summary>
    public static void Write(Utf8JsonWriter json, IReadOnlyList<CandidateFits> choices)
    {
        json.WritePropertyName("candidates");
        if (choices.Count == 0) json.WriteNullValue();
        if (choices.Count > 1) json.WriteStartArray();
        foreach (CandidateFits choice in choices)
        {
            json.WriteStartObject();
            json.WriteStartArray("fits");
            foreach (float fit in choice.Fits) json.WriteNumberValue(fit);
            json.WriteEndArray();
            json.WriteNumber("chosen", choice.Chosen);
            json.WriteEndObject();
        }
        if (choices.Count > 1) json.WriteEndArray();
    }
}
