using ThinkSound.Projects.Editing.Grammar;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Projects.Editing;

/// <summary>Puts the sounds of an edit into the words that the model was trained on, by the rules of the recogniser.</summary>
internal sealed class Wording(ITokenCounter? tokens)
{
    private static readonly RecogniserReasoner Rules = new(_ => throw new InvalidOperationException("words alone need no engine"));

    /// <summary>The words of a sound.</summary>
    /// <param name="words">"a metal door and rain"; "" is nothing.</param>
    /// <param name="avoid">What must not be heard.</param>
    /// <param name="duration">Length of the sound.</param>
    /// <param name="cancel">Stops.</param>
    public async Task<EditWords> OfAsync(string words, string avoid, TimeSpan duration, CancellationToken cancel)
    {
        if (words.Length == 0) return new EditWords("", "", avoid);
        Reasoning.Reasoning said = await Rules.ReasonToEndAsync(new ReasoningRequest { Caption = words, Duration = duration, Tokens = tokens }, cancellationToken: cancel).ConfigureAwait(false);
        return new EditWords(said.Caption.Length > 0 ? said.Caption : words, said.ChainOfThought, avoid);
    }

    /// <summary>What remains of a description when a sound is taken out; "" if nothing does.</summary>
    public static string Without(string description, string sound)
    {
        SoundPhrase phrase = SoundPhrase.Of(sound.ToLowerInvariant()) ?? SoundPhrase.All;
        string[] parts = description.Split([",", ";", ".", " and ", " while ", " with ", " then "], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join(" and ", parts.Where(part => !Names.Match(phrase, part)));
    }

    /// <summary>A sound of another material, in another space or of another style.</summary>
    public static string Restyled(EditAction action, string sound, string style)
    {
        string thing = sound.Length > 0 ? sound : "the sound";
        if (action != EditAction.Material) return action == EditAction.Space ? $"{thing} {style}" : $"{style} {thing}";
        string bare = string.Join(' ', thing.Split(' ').Where(word => Vocabulary.Material(word).Length == 0 || Vocabulary.Sounds(word).Count > 0));
        return $"{style} {bare}".Trim();
    }
}
