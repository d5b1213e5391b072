using System.Text.RegularExpressions;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>The sentences that the grammar knows: a pattern each, and what it means. {x} is a sound that is there, {y} one that
/// comes new, {s} how something is to sound. Times and amounts have been taken out before. The first that fits holds.</summary>
internal static partial class Sentences
{
    private const string Volume = "(?:(?:the )?(?:volume|level|loudness|gain)(?: of)? )?";
    private const string Into = "(?: in(?:to)?| to| on(?:to)?)? ?(?:the (?:mix|sound|audio|track|scene|clip|video|background)|it|top)?";

    /// <summary>Pattern and reading.</summary>
    public static IReadOnlyList<(Regex Pattern, Func<Match, EditClause?> Read)> Table { get; } =
    [
        // What is not to be done, before what is.
        Row("(?:do not|never) (?:touch|change|alter|affect|modify|edit) {x}|(?:leave|keep) {x} (?:alone|as (?:it|they) (?:is|are)|untouched|unchanged|the same)|without (?:touching|changing) {x}", m => Spare(m)),
        Row("i (?:do not|never) (?:want|like) (?:to hear )?{x}(?: any ?more)?|there (?:should|must) (?:be|not be) (?:no|any) {x}|(?:get|be) rid of {x}", m => About(EditAction.Remove, m)),
        Row("(?:no|do not (?:want|have|use|play)) (?:more )?{x}", m => About(EditAction.Remove, m)),

        Row("(?:keep|leave|hear) only {x}|only (?:keep|leave) {x}|isolate {x}|remove all other (?:sounds|than) {x}", m => About(EditAction.Remove, m) is { } clause ? clause with { IsAllBut = true } : null),

        // Space and material before what else "add" and "make" may mean.
        Row("(?:add|put|give it) (?:some |more |a |an )?(?<s>reverb(?:eration)?|echo|echoes|room)(?: (?:to|on) {x})?", m => Restyle(m, EditAction.Space, "with a long echo")),
        Row("(?:make|have|let) {x} (?:sound|be|ring|happen)?(?: ?(?:like|as if)? ?(?:it|they)?(?: is| was| were| are)?)? ?(?<s>(?:in|inside|at|under|from|through) .+|underwater|outdoors|outside|indoors)|(?:put|place|set|move|bring) {x} (?<s>(?:in|into|inside|under) .+|underwater|outdoors|outside|indoors)", ReadSpace),
        Row("(?:change|set|switch) (?:the )?(?:space|room|place|acoustics)(?: of {x})? (?:to|into) {s}", m => Restyle(m, EditAction.Space, $"in {Article(m.Groups["s"].Value)}")),
        Row("(?:change|set|switch) (?:the )?material(?: of {x})? (?:to|into|from .+ to) {s}|(?:change|set|switch) {x}(?:'s| )?(?:material )?(?:to|into) (?<s>(?:wood|metal|glass|rubber|stone|gravel|grass|snow|concrete|steel|iron)\\w*)", ReadMaterial),
        Row("(?:make|turn|have|let) {x} (?:be |sound )?(?:like |as if )?(?:(?:it|they) (?:is|was|were|are) )?(?:made (?:out )?(?:of |from )|out of |of ){s}", ReadMaterial),
        Row("(?:make|turn|have|let|render) {x}", ReadAdjectives),

        Row("(?:replace|swap|exchange) {x} (?:with|by|for|against|into) {y}|(?:turn|change|convert|transform|make|morph|swap) {x} (?:into|to) {y}|(?:use|have|play|put|i want|make it) {y} (?:instead of|rather than|in place of) {x}|{y} (?:instead of|in place of|rather than) {x}|(?:instead of|in place of) {x} ?,? (?:use |have |play |put )?{y}|substitute {y} for {x}|substitute {x} (?:with|by) {y}", ReadReplace),
        Row("make {x} (?<y>(?:an?|some) .+)", ReadMakeA),

        Row("(?:extend|prolong|lengthen|continue|sustain|stretch|draw out) ?{x}?|(?:keep|let) {x} (?:going|go on|ring(?:ing)?|continue|last|play(?:ing)?|run(?:ning)?|keep going|carry on|fall(?:ing)?|blow(?:ing)?|sound(?:ing)?)(?: on)?(?: for)?(?: longer)?|(?:make|let|have) {x} (?:last |ring |go on |sound |play |be |run )?longer|{x} (?:should |must )?(?:last |go on |be |ring )?longer", m => About(EditAction.Extend, m)),

        Row("(?:inpaint|regenerate|re-generate|redo|re-do|repair|fix|fill in|fill|restore|patch|remake|resynthesi[sz]e|heal|rebuild|reconstruct)(?: up)? ?{x}?|make {x} (?:again|anew|once more)", m => About(EditAction.Inpaint, m)),

        Row("(?:make|turn|have|let|set) {x} (?:be |sound )?(?:louder|up|stronger|more prominent|more audible)|turn up {x}|(?:raise|boost|increase|amplify|strengthen|emphasi[sz]e|bring up|crank up|lift|push up) " + Volume + "{x}|(?:bring|push|crank) {x} up|{x} (?:(?:is|are) too (?:quiet|soft|faint|weak)|(?:should|must) be louder)|(?:louder|more) {x}|{x} louder|louder", m => About(EditAction.Louder, m)),
        Row("double " + Volume + "{x}", m => About(EditAction.Louder, m) is { } c ? c with { Amount = new Amount { SizeDb = 20 * Math.Log10(2) } } : null),
        Row("halve " + Volume + "{x}", m => About(EditAction.Softer, m) is { } c ? c with { Amount = new Amount { SizeDb = 20 * Math.Log10(2) } } : null),
        Row("(?:make|turn|have|let|set) {x} (?:be |sound )?(?:softer|quieter|down|fainter|weaker|less (?:loud|prominent|audible)|more (?:quiet|subtle)|calmer)|turn down {x}|(?:lower|reduce|decrease|attenuate|soften|quieten|quiet|duck|weaken|bring down|tone down|dampen|lessen|dim|fade down) " + Volume + "{x}|(?:bring|push|tone) {x} down|{x} (?:(?:is|are) too (?:loud|strong|prominent)|(?:should|must) be (?:softer|quieter))|(?:softer|quieter|less) {x}|{x} (?:softer|quieter)|softer|quieter", m => About(EditAction.Softer, m)),

        Row("(?:move|shift|slide|nudge|place|put|pull|push|set|start|begin|play) {x} (?:earlier|sooner|ahead)|(?:bring|pull) {x} forward|bring forward {x}|advance {x}|(?:make|let|have) {x} (?:come |start |happen |begin |occur |be |ring |play )?(?:earlier|sooner)|{x} (?:should |must )?(?:come |start |happen |begin |be )?(?:earlier|sooner)", m => About(EditAction.Earlier, m)),
        Row("(?:move|shift|slide|nudge|place|put|pull|push|set|start|begin|play) {x} later|push {x} back|push back {x}|(?:delay|postpone) {x}|(?:make|let|have) {x} (?:come |start |happen |begin |occur |be |ring |play )?later|{x} (?:should |must )?(?:come |start |happen |begin |be )?later", m => About(EditAction.Later, m)),
        Row("(?:move|shift|slide|nudge) {x} (?<way>forwards?|backwards?|back)", m => throw new EditException(EditProblem.Ambiguous,
            $"\"{m.Value}\": does {m.Groups["way"].Value} mean earlier or later? Say \"move it earlier\" or \"move it later\"")),

        Row("(?:move|shift|slide|nudge|set) {x}", m => About(EditAction.Later, m) is { } clause ? clause with { NeedsPlace = true } : null),

        Row("(?:vary|variate|randomi[sz]e|re-roll|reroll|alter|shuffle) {x}|(?:make|give me|create|try|generate|i want|let us hear)? ?(?:another|a different|a new|an alternative|a|one more) (?:take|version|variation|variant)(?: (?:of|on) {x})?|make {x} (?:a )?different|change {x}|try (?:it |that )?again", m => About(EditAction.Variation, m)),

        Row("give {x} a (?<how>more |less )?{s} (?:sound|feel|character|tone|quality)", m => StyleOf(m.Groups["how"].Value + m.Groups["s"].Value) is { } style ? Restyle(m, EditAction.Style, style) : null),

        Row("(?:remove|delete|erase|eliminate|mute|silence|drop|kill|strip|cut out|cut|filter out|leave out|take out|take away|get rid of|lose|clear|switch off|turn off|suppress) {x}(?: (?:from|out of) (?:it|the (?:mix|sound|audio|track|scene|clip|video|recording)))?|(?:take|cut|strip|filter|leave|edit) {x} (?:out|away|off)|(?:turn|switch) {x} off|make {x} (?:disappear|silent|go away|vanish)|{x} (?:should|must) (?:go|disappear|be gone|be removed|vanish)", m => About(EditAction.Remove, m)),

        Row("(?:add|insert|include|overlay|layer|mix in|bring in|drop in|introduce|put in|put|place|superimpose|throw in)(?: in)? {y}" + Into + "|(?:i want|i would like|give (?:me|it|us)|let (?:there be|me hear|us hear|us have)|there should be|we need|have) (?:to hear |to have )?{y}|mix {y} in(?:to)?(?: (?:it|the (?:mix|sound|audio)))?", ReadAdd),
    ];

    private static EditClause? About(EditAction action, Match match)
    {
        string words = match.Groups["x"].Value;
        if (words.Length == 0) return new EditClause { Action = action };
        return SoundPhrase.List(words) is { } targets ? new EditClause { Action = action, Targets = targets } : null;
    }

    private static EditClause? Spare(Match match) => SoundPhrase.List(match.Groups["x"].Value) is { } targets ? new EditClause { Kind = ClauseKind.Spare, Targets = targets } : null;

    private static EditClause? ReadAdd(Match match) =>
        SoundPhrase.List(match.Groups["y"].Value) is { } sounds && !sounds.Any(sound => sound.IsAll || sound.IsPronoun) ? new EditClause { Action = EditAction.Add, With = sounds } : null;

    private static EditClause? ReadReplace(Match match)
    {
        string other = match.Groups["y"].Value;
        if (Vocabulary.IsMaterial(other) && Vocabulary.Sounds(other).Count == 0) return Restyle(match, EditAction.Material, Vocabulary.Material(other));
        if (About(EditAction.Replace, match) is not { Targets.Count: > 0 } clause || SoundPhrase.List(other) is not { } sounds || sounds.Any(sound => sound.IsAll || sound.IsPronoun)) return null;
        // A wooden door that becomes a metal door is the same sound of another material.
        if (clause.Targets is [{ Sounds: [var one] }] && sounds is [{ Sounds: [var same] } to] && one == same && Vocabulary.Material(to.Words) is { Length: > 0 } stuff)
            return clause with { Action = EditAction.Material, Style = stuff };
        return clause with { With = sounds };
    }

    /// <summary>"Make it a bell": of something that names a sound.</summary>
    private static EditClause? ReadMakeA(Match match) =>
        SoundPhrase.Of(match.Groups["y"].Value) is { Sounds.Count: > 0 } ? ReadReplace(match) : null;

    private static EditClause? ReadMaterial(Match match) =>
        Vocabulary.IsMaterial(match.Groups["s"].Value) ? Restyle(match, EditAction.Material, Vocabulary.Material(match.Groups["s"].Value)) : null;

    private static EditClause? ReadSpace(Match match) =>
        Vocabulary.IsSpace(match.Groups["s"].Value) ? Restyle(match, EditAction.Space, match.Groups["s"].Value.Replace("into ", "in ")) : null;

    /// <summary>"The bell brighter and less harsh", "the door wooden": a sound, and then nothing but adjectives of one kind.</summary>
    private static EditClause? ReadAdjectives(Match match)
    {
        string[] words = match.Groups["x"].Value.Split(' ');
        for (int count = Math.Min(words.Length - 1, 6); count > 0; count--)
        {
            string tail = string.Join(' ', words[^count..]);
            EditAction? kind = Vocabulary.IsMaterial(tail) ? EditAction.Material : StyleOf(tail) is not null ? EditAction.Style : null;
            if (kind is not { } action || SoundPhrase.List(Appearance().Replace(string.Join(' ', words[..^count]), "")) is not { } targets) continue;
            return new EditClause { Action = action, Targets = targets, Style = action == EditAction.Material ? Vocabulary.Material(tail) : StyleOf(tail)! };
        }
        return null;
    }

    /// <summary>"bright and not harsh" of "brighter and less harsh"; null if a word of it is no style.</summary>
    private static string? StyleOf(string text)
    {
        var styles = new List<string>();
        bool isLess = false;
        string rest = text.Replace(',', ' ').Trim();
        if (Vocabulary.Style(rest) is { } whole) return whole;
        foreach (string word in rest.Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (word is "less") isLess = true;
            else if (word is "more") isLess = false;
            else if (word is "and" or "very" or "quite" or "rather") continue;
            else if (Vocabulary.Style(word) is { } style) styles.Add(isLess ? $"not {style}" : style);
            else return null;
        }
        return styles.Count is 0 or > 3 ? null : string.Join(" and ", styles);
    }

    private static EditClause? Restyle(Match match, EditAction kind, string style) => About(kind, match) is { } clause ? clause with { Style = style } : null;

    private static string Article(string words) => words.Split(' ')[0] is "a" or "an" or "the" ? words : $"a {words}";

    private static (Regex, Func<Match, EditClause?>) Row(string pattern, Func<Match, EditClause?> read) =>
        (new Regex($"^(?:{pattern.Replace("{x}", "(?<x>.+?)").Replace("{y}", "(?<y>.+?)").Replace("{s}", "(?<s>.+?)")})$", RegexOptions.CultureInvariant, TimeSpan.FromSeconds(1)), read);

    [GeneratedRegex(" (?:sound|be|feel|ring)$")] private static partial Regex Appearance();
}
