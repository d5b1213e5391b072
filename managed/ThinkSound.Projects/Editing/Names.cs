using ThinkSound.Projects.Editing.Grammar;

namespace ThinkSound.Projects.Editing;

/// <summary>Whether words name something: by what sounds they name, else by a word that both have.</summary>
internal static class Names
{
    private static readonly string[] Bed = ["bed", "background", "ambience", "original", "atmosphere", "soundscape"];

    /// <summary>Whether a phrase names what a description tells of.</summary>
    public static bool Match(SoundPhrase phrase, string description)
    {
        if (description.Length == 0) return false;
        string lower = description.ToLowerInvariant();
        if (phrase.Sounds.Count > 0 && Vocabulary.Sounds(lower) is { Count: > 0 } sounds && phrase.Sounds.Intersect(sounds).Any()) return MaterialsAgree(phrase.Words, lower);
        string[] mine = Stems(phrase.Words), theirs = Stems(lower);
        return mine.Length > 0 && mine.All(theirs.Contains);
    }

    /// <summary>The tracks that a phrase names outright: by id or name, else single sounds by what is heard on them.</summary>
    public static IReadOnlyList<EditableTrack> Tracks(EditSubject subject, SoundPhrase phrase)
    {
        EditableTrack[] byName = [.. subject.Tracks.Where(track => Is(phrase.Words, track.Id) || Is(phrase.Words, track.Name))];
        if (byName.Length > 0) return byName;
        if (Bed.Contains(phrase.Words) && subject.Tracks.Where(track => track.IsMix).ToArray() is { Length: > 0 } beds) return beds;
        return [.. subject.Tracks.Where(track => !track.IsMix && (Match(phrase, track.Name) || Match(phrase, track.Description)))];
    }

    /// <summary>For messages: "bed, "rain", "metal door"".</summary>
    public static string List(EditSubject subject) => string.Join(", ", subject.Tracks.Select(Of));

    /// <summary>What a track is called in a sentence.</summary>
    public static string Of(EditableTrack track) => $"\"{(track.Name.Length > 0 ? track.Name : track.Id)}\"";

    private static bool Is(string words, string name) => name.Length > 0 && string.Equals(words, name.ToLowerInvariant().Trim(), StringComparison.Ordinal);

    /// <summary>A metal door is not a wooden one.</summary>
    private static bool MaterialsAgree(string a, string b) => Vocabulary.Material(a) is not { Length: > 0 } mine || Vocabulary.Material(b) is not { Length: > 0 } theirs || mine == theirs;

    private static string[] Stems(string words) => [.. Vocabulary.Split(words).Where(word => word.Length > 2 && word is not ("the" or "and" or "with" or "from" or "sound")).Select(Stem)];

    private static string Stem(string word)
    {
        foreach (string ending in (string[])["ing", "es", "s", "ed"])
            if (word.Length > ending.Length + 2 && word.EndsWith(ending, StringComparison.Ordinal)) return word[..^ending.Length];
        return word;
    }
}
