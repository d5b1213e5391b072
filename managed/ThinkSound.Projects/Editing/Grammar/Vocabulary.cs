using ThinkSound.Reasoning.Recogniser;

namespace ThinkSound.Projects.Editing.Grammar;

/// <summary>Words for sounds, materials, spaces and styles. The classes of the embedded model come from its recogniser; other sounds
/// are here so that a sentence about a foreign file can be told from one about nothing.</summary>
internal static class Vocabulary
{
    /// <summary>Sounds that are no class of the embedded model; a word that ends in * is the begin of words.</summary>
    private static readonly (string Name, string[] Words)[] Others =
    [
        ("dog", ["dog*", "bark*", "puppy", "woof*", "growl*"]), ("cat", ["cat", "cats", "meow*", "miaow*", "purr*", "kitten*"]), ("cow", ["cow", "cows", "moo", "moos", "mooing"]),
        ("horse", ["horse*", "hoof*", "hooves", "gallop*", "neigh*"]), ("rooster", ["rooster*", "cockerel*", "hen", "hens", "chicken*"]), ("frog", ["frog*", "croak*"]),
        ("bee", ["bee", "bees", "fly", "flies", "mosquito*"]), ("owl", ["owl*", "hoot*"]), ("duck", ["duck", "ducks", "quack*", "goose", "geese"]), ("sheep", ["sheep", "goat*", "bleat*"]),
        ("speech", ["voice*", "speech", "talk*", "speak*", "dialog*", "narrat*", "convers*", "chatter*", "whisper*", "vocals"]), ("laughter", ["laugh*", "giggl*", "chuckl*"]),
        ("scream", ["scream*", "shout*", "yell*", "shriek*"]), ("cry", ["cry", "cries", "crying", "sob*", "baby", "babies"]), ("cough", ["cough*", "sneez*", "sniff*"]),
        ("breath", ["breath*", "pant", "panting", "sigh*", "snor*"]), ("applause", ["clap*", "applau*", "cheer*", "crowd*", "audience*"]), ("heartbeat", ["heartbeat*"]),
        ("music", ["music*", "song", "songs", "melod*", "piano*", "guitar*", "violin*", "trumpet*", "flute*", "orchestra*", "bass", "soundtrack"]),
        ("hum", ["hum", "hums", "humming", "buzz*", "drone*", "fridge*", "refrigerator*", "ventilat*", "fan", "fans"]), ("hiss", ["hiss*", "static", "noise", "noises", "crackles"]),
        ("click", ["click*", "snap", "snaps", "button*", "switch*"]), ("beep", ["beep*", "bleep*"]), ("alarm", ["alarm*"]), ("phone", ["phone*", "telephone*", "ringtone*"]),
        ("horn", ["horn*", "honk*"]), ("train", ["train*", "tram*", "railway*"]), ("aircraft", ["airplane*", "aeroplane*", "plane", "planes", "aircraft", "jet", "jets", "helicopter*"]),
        ("boat", ["boat*", "ship", "ships"]), ("sea", ["sea", "ocean*", "wave", "waves", "surf"]), ("splash", ["splash*"]), ("bubbles", ["bubbl*", "gurgl*"]), ("steam", ["steam*"]),
        ("explosion", ["explo*", "blast*", "boom", "booms", "detonat*"]), ("gunshot", ["gunshot*", "gun", "guns", "shot", "shots", "gunfire"]), ("crash", ["crash*", "impact*", "collision*"]),
        ("thud", ["thud*", "thump*"]), ("creak", ["creak*", "squeak*", "hinge*"]), ("pop", ["pop", "pops", "popping"]), ("whoosh", ["whoosh*", "swoosh*", "swish*"]),
        ("rustle", ["rustl*", "leaves", "leaf", "paper*", "foliage"]), ("coins", ["coin*"]), ("dishes", ["dish", "dishes", "plate", "plates", "cup", "cups", "cutlery", "spoon*"]),
        ("tools", ["drill*", "vacuum*", "mower*", "chainsaw*", "blender*"]), ("chain", ["chain*", "rattl*"]), ("zip", ["zip", "zips", "zipper*"]), ("skateboard", ["skateboard*"]),
        ("ambience", ["ambience*", "ambiance*", "atmosphere*", "background*", "ambient"]),
    ];

    private static readonly string[] Spaces =
    [
        "room", "hall", "hallway", "corridor", "church", "cathedral", "cave", "forest", "woods", "street", "outdoors", "outside", "indoors", "inside", "bathroom", "kitchen", "tunnel",
        "underwater", "stadium", "garage", "basement", "cellar", "closet", "studio", "office", "field", "canyon", "valley", "city", "desert", "warehouse", "staircase", "stairwell",
        "theatre", "theater", "gym", "pool", "distance", "beach", "mountains", "box", "pipe", "can", "bathtub", "car park", "shower", "barn", "attic", "courtyard", "library", "factory",
    ];

    private static readonly string[] Styles =
    [
        "bright", "dark", "warm", "cold", "sharp", "dull", "deep", "harsh", "heavy", "light", "dramatic", "aggressive", "gentle", "cartoonish", "realistic", "natural", "wet", "dry",
        "rough", "smooth", "hollow", "crisp", "thin", "full", "big", "large", "small", "cinematic", "old", "robotic", "mysterious", "scary", "eerie", "lively", "calm", "hard", "soft-spoken",
        "distant", "close", "near", "far", "far away", "muffled", "echoey", "reverberant", "spacious", "intimate", "high", "low", "high-pitched", "low-pitched", "powerful", "delicate",
        "fast", "quick", "slow", "metallic", "wooden", "glassy", "rubbery", "tinny", "boomy", "punchy", "crunchy", "squeaky", "shiny", "dusty", "lo-fi", "vintage", "futuristic", "magical",
        "tight", "sparse", "dense", "busy", "steady", "irregular", "dreamy", "angry", "tired", "happy", "sad", "rusty", "solid", "clear", "clean", "dirty", "resonant", "dead", "airy",
    ];

    // Comparatives whose stem changes.
    private static readonly Dictionary<string, string> Irregular = new() { ["further"] = "far", ["farther"] = "far", ["further away"] = "far away", ["farther away"] = "far away", ["bigger"] = "big", ["drier"] = "dry", ["dryer"] = "dry", ["wetter"] = "wet", ["thinner"] = "thin", ["sadder"] = "sad" };

    /// <summary>The sounds that words name: classes of the model first, else others, in the order of the words.</summary>
    public static IReadOnlyList<string> Sounds(string words)
    {
        string[] split = [.. Split(words).Where(word => word is not ("file" or "files"))]; // documents, rather than what rasps
        IReadOnlyList<string> kinds = [.. UserWords.Of(string.Join(' ', split)).Kinds.Select(kind => kind.Name)];
        IEnumerable<string> others = split.Select(OtherOf).OfType<string>().Distinct();
        // A word that only hints at a class ("bark" in "hit the tree bark") yields to what is named outright.
        return [.. kinds.Concat(others.Where(name => !kinds.Contains(name)))];
    }

    /// <summary>The model's own words for the classes that are named; null if none is.</summary>
    public static SoundKind? Kind(string words) => UserWords.Of(words).Kinds is [var first, ..] ? first : null;

    /// <summary>The material that words name; "" if none.</summary>
    public static string Material(string words) => Split(words).Select(SoundKinds.MaterialOf).FirstOrDefault(material => material is not null) ?? "";

    /// <summary>Words that name nothing but a material: "metal", "wooden", "made of glass".</summary>
    public static bool IsMaterial(string words) => Split(words).Except(["of", "made", "a", "an", "the", "sound", "like", "it", "is"]).ToArray() is { Length: > 0 } rest && rest.All(word => SoundKinds.MaterialOf(word) is not null);

    /// <summary>Words that name a place to be heard in: "a large church".</summary>
    public static bool IsSpace(string words) => Split(words).Any(word => Spaces.Contains(word)) || Spaces.Any(space => space.Contains(' ') && words.Contains(space, StringComparison.Ordinal));

    /// <summary>The style that an adjective names, also in the comparative; null if it is none.</summary>
    public static string? Style(string word)
    {
        if (Irregular.TryGetValue(word, out string? irregular)) return irregular;
        if (Styles.Contains(word)) return word;
        string? stem = word.EndsWith("ier", StringComparison.Ordinal) ? word[..^3] + "y" : word.EndsWith("er", StringComparison.Ordinal) ? word[..^2] : null;
        return stem is null ? null : Styles.FirstOrDefault(style => style == stem || style == stem + "e");
    }

    /// <summary>What the grammar knows by name, for messages.</summary>
    public static string Known => string.Join(", ", SoundKinds.Named.Select(kind => kind.Name.Replace('_', ' ')));

    public static string[] Split(string words) => words.Split([' ', ',', '.', '\'', '-', '_'], StringSplitOptions.RemoveEmptyEntries);

    private static string? OtherOf(string word) => Others.FirstOrDefault(entry => entry.Words.Any(pattern => SoundKinds.Fits(word, pattern))).Name;
}
