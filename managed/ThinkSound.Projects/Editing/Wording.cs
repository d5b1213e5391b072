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
        // As the edit of an instruction: there a caption comes in the model's own words, "a bell rings", rather than in the user's.
        var request = new ReasoningRequest { Instruction = $"add {words}", Operation = EditOperation.Add, Duration = duration, Tokens = tokens };
        Reasoning.Reasoning said = await Rules.ReasonToEndAsync(request, cancellationToken: cancel).ConfigureAwait(false);
        return new EditWords(said.Caption.Length > 0 ? said.Caption : words, said.ChainOfThought, avoid);
    }

    /// <summary>What remains of a description when a sound is taken out; "" if nothing does.</summary>
    public static string Without(string description, string sound)
    {
        SoundPhrase phrase = SoundPhrase.Of(sound.ToLowerInvariant()) ?? SoundPhrase.All;
        string[] parts = description.Split([",", ";", ".", " and ", " while ", " with ", " then "], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        return string.Join(" and ", parts.Where(part => !Names.Match(phrase, part)));
    }

    /// <summary>A sound of another material.</summary>
    public static string OfMaterial(string sound, string material)
    {
        string thing = sound.Length > 0 ? sound : "the sound";
        return $"{material} {string.Join(' ', thing.Split(' ').Where(word => Vocabulary.Material(word).Length == 0 || Vocabulary.Sounds(word).Count > 0))}".Trim();
    }

    /// <summary>Words for a sound in another space or of another style: "a bell rings in a large church".</summary>
    public static EditWords Restyled(EditWords words, EditAction action, string style) => words with
    {
        Caption = action == EditAction.Space ? $"{words.Caption} {style}".Trim() : $"{words.Caption}, {style}".TrimStart(',', ' '),
        ChainOfThought = $"{words.ChainOfThought} It is heard {(action == EditAction.Space ? style : $"as {style}")}.".Trim(),
    };
}
