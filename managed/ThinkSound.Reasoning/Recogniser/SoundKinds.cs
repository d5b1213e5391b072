namespace ThinkSound.Reasoning.Recogniser;

/// <summary>The classes and materials of the embedded model, in the phrases of its training (training/scenes). Where a phrase there
/// depends on what is not measured, such as a size, it is left out or the most common one stands.</summary>
internal static class SoundKinds
{
    /// <summary>The class of a picture in which nothing sounds.</summary>
    public const string Silence = "silence";

    private static readonly Dictionary<string, (string Adjective, string Sound)> Materials = new()
    {
        ["wood"] = ("wooden", "dry and short"), ["metal"] = ("metal", "bright and ringing"), ["glass"] = ("glass", "clear and high"),
        ["rubber"] = ("rubber", "soft and low"), ["stone"] = ("stone", "hard and very short"), ["skin"] = ("drum", "deep and booming"),
    };

    private static readonly Dictionary<string, (string Ground, string Sound)> Grounds = new()
    {
        ["stone"] = ("concrete", "hard heels with a short scrape"), ["wood"] = ("a wooden floor", "hollow thuds"), ["gravel"] = ("gravel", "crunching pebbles"),
        ["grass"] = ("grass", "soft rustling"), ["snow"] = ("snow", "a muffled crunch"),
    };

    /// <summary>Sounds that are named as absent, and the classes that make them.</summary>
    private static readonly Dictionary<string, string> Makers = new()
    {
        ["footsteps"] = "footsteps", ["breaking glass"] = "glass_break", ["engine noise"] = "engine", ["an engine"] = "engine", ["knocking"] = "knock",
        ["traffic"] = "engine", ["a siren"] = "siren", ["a bell"] = "bell", ["a running stream"] = "stream", ["single drops"] = "drip", ["birds"] = "bird",
        ["a bird"] = "bird", ["a whistle"] = "whistle", ["rain"] = "rain", ["wind"] = "wind", ["thunder"] = "thunder", ["a creaking hinge"] = "door",
    };

    /// <summary>Words for materials.</summary>
    private static readonly (string Material, string[] Words)[] MaterialWords =
    [
        ("wood", ["wood*", "plank*", "timber"]), ("metal", ["metal*", "iron", "steel", "tin", "brass", "copper"]), ("glass", ["glass*"]), ("rubber", ["rubber*"]),
        ("stone", ["stone*", "concrete", "pavement", "brick*", "tiles"]), ("skin", ["drum*"]), ("gravel", ["gravel*", "pebble*"]),
        ("grass", ["grass*", "lawn", "meadow"]), ("snow", ["snow*"]),
    ];

    private static readonly SoundKind[] All =
    [
        new()
        {
            Name = "bounce", Words = ["bounc*", "ball", "balls", "dribbl*"], Object = "ball", Action = "bounces", Moment = ("bounce", "bounces"),
            Materials = ["wood", "metal", "glass", "rubber", "stone"], Absent = ["footsteps", "breaking glass"],
            Clause = look => $"a {Adjective(look)}ball bounces on the floor", Seen = look => $"a {Adjective(look)}ball falling to the floor",
            Sound = look => Ring(look) is { Length: > 0 } ring ? $"{ring}, each bounce softer than the one before" : "short, each bounce softer than the one before",
        },
        new()
        {
            Name = "strike", Words = ["strik*", "struck", "hammer*", "drum*", "?hit*", "?beat*", "?bang*"], Object = "stick", Action = "strikes", Moment = ("strike", "strikes"),
            Materials = ["wood", "metal", "glass", "stone", "skin"], Absent = ["footsteps", "engine noise"],
            Clause = look => $"a stick strikes {Struck(look)}", Seen = look => $"a stick swinging at {Struck(look)}",
            Sound = look => Ring(look) is { Length: > 0 } ring ? ring : "hard and short",
        },
        new()
        {
            Name = "footsteps", Words = ["footstep*", "walk*", "steps", "stride*", "jog*", "?run", "?runs", "?running"], Object = "person", Action = "walks", Moment = ("step", "steps"),
            Materials = [.. Grounds.Keys], Absent = ["knocking", "traffic"],
            Clause = look => $"a person {(IsRun(look) ? "runs" : "walks")}{Way(look)}{(Grounds.TryGetValue(look.Material, out var on) ? $" on {on.Ground}" : "")}",
            Seen = look => $"a figure {(IsRun(look) ? "running" : "walking")}{Way(look)}",
            Sound = look => Grounds.TryGetValue(look.Material, out var on) ? on.Sound : "soft thuds",
        },
        new()
        {
            Name = "knock", Words = ["knock*", "rap", "raps", "rapping"], Absorbs = ["door"], Object = "fist", Action = "knocks on a door", Moment = ("knock", "knocks"),
            Materials = ["wood", "metal", "glass"], Absent = ["a creaking hinge", "music"],
            Clause = look => $"a fist knocks on {Knocked(look)}", Seen = look => $"a fist moving against {Knocked(look)}",
            Sound = look => $"{(Ring(look) is { Length: > 0 } ring ? ring : "short")}, in quick groups",
        },
        new()
        {
            Name = "door", Words = ["door*", "slam*", "gate"], Object = "door", Action = "closes", Moment = ("close", "closings"), Length = TimeSpan.FromSeconds(0.6),
            Materials = ["wood", "metal"], Absent = ["knocking", "footsteps"],
            Clause = look => $"a {Adjective(look)}door closes", Seen = look => $"a {Adjective(look)}door swinging on its hinges", Sound = _ => "a low thud with a click of the latch",
        },
        new()
        {
            Name = "typing", Words = ["type", "types", "typed", "typing", "keyboard*", "keystroke*", "typewriter"], Object = "keyboard", Action = "clatters", Moment = ("key", "keystrokes"),
            Length = TimeSpan.FromSeconds(0.1), Absent = ["voices", "footsteps"],
            Clause = look => $"someone types {(look.Rate > 6.7 ? "quickly " : look.Rate < 4.7 ? "slowly " : "")}on a keyboard",
            Seen = _ => "keys of a keyboard sinking one after another", Sound = _ => "light plastic clicks in bursts",
        },
        new()
        {
            Name = "clock", Words = ["clock*", "tick*", "pendulum*"], Object = "clock", Action = "ticks", Moment = ("tick", "ticks"), Length = TimeSpan.FromSeconds(0.1),
            Absent = ["an alarm", "voices"],
            Clause = look => $"a clock ticks{(look.Rate is { } rate ? rate > 2.5 ? " quickly" : rate < 1.2 ? " slowly" : " steadily" : "")}",
            Seen = _ => "a clock moving evenly", Sound = _ => "small dry ticks at even distances",
        },
        new()
        {
            Name = "bell", Words = ["bell*", "doorbell*", "gong*", "chime*", "toll*", "bowl*"], Object = "bell", Action = "rings", Moment = ("ring", "strokes"), Length = TimeSpan.FromSeconds(1.5),
            Materials = ["metal"], Always = "metal", Absent = ["a siren", "voices"],
            Clause = _ => "a bell rings", Seen = _ => "a bell swinging to and fro", Sound = _ => "a clear tone with a long decay",
        },
        new()
        {
            Name = "glass_break", Words = ["shatter*", "smash*", "shard*", "?break*", "?broke*", "?glass"], Object = "glass", Action = "breaks", Moment = ("break", "breaks"),
            Length = TimeSpan.FromSeconds(1), Materials = ["glass"], Always = "glass", Absent = ["screams", "a bell"],
            Clause = _ => "a pane of glass breaks into pieces", Seen = _ => "a pane of glass breaking and shards falling", Sound = _ => "a sharp crash followed by tinkling shards",
        },
        new()
        {
            Name = "drip", Words = ["drip*", "droplet*", "?drop", "?drops"], Object = "water", Action = "drips", Moment = ("drop", "drops"), Length = TimeSpan.FromSeconds(0.15),
            Absent = ["a running stream", "rain"],
            Clause = look => $"water drips {(look.Rate < 1 / 0.9 ? "slowly " : look.Rate > 1 / 0.45 ? "quickly " : "")}into a puddle",
            Seen = _ => "drops falling and rings spreading on water", Sound = _ => "round plops of rising pitch",
        },
        new()
        {
            Name = "stream", Words = ["stream*", "brook*", "creek*", "river*", "waterfall*", "tap", "faucet*", "pour*", "flow", "flows", "flowing", "?water", "?splash*"], Object = "water", Action = "flows",
            Absent = ["thunder", "single drops"],
            Clause = _ => "a stream of water flows by", Seen = _ => "water flowing by", Sound = _ => "bubbling and rushing",
        },
        new()
        {
            Name = "rain", Words = ["rain", "rains", "raining", "rainfall", "rainy", "drizzl*", "downpour"], Object = "rain", Action = "falls",
            Materials = ["metal", "wood", "glass"], Absent = ["thunder", "footsteps"],
            Clause = look => $"rain falls on {look.Material switch { "metal" => "a metal roof", "wood" => "a wooden deck", "glass" => "a window", _ => "the ground" }}",
            Seen = _ => "streaks of rain", Sound = _ => "an even patter",
        },
        new()
        {
            Name = "wind", Words = ["wind", "winds", "windy", "breeze*", "gust*", "storm*"], Object = "wind", Action = "blows in gusts", Absent = ["rain", "engine noise"],
            Clause = _ => "wind blows in gusts", Seen = _ => "something swaying in the wind", Sound = _ => "a rising and falling rush of air",
        },
        new()
        {
            Name = "thunder", Words = ["thunder*", "lightning*"], Object = "thunder", Action = "rolls", Moment = ("thunder", "claps of thunder"), Length = TimeSpan.FromSeconds(3),
            Absent = ["birds", "an engine"],
            Clause = _ => "lightning strikes and thunder rolls", Seen = _ => "a flash of lightning in a dark sky", Sound = _ => "a sharp crack and a deep roll",
        },
        new()
        {
            Name = "fire", Words = ["fire*", "flame*", "campfire*", "bonfire*", "burn*", "?crackl*"], Object = "fire", Action = "crackles", Moment = ("crack", "cracks"),
            Length = TimeSpan.FromSeconds(0.1), Absent = ["rain", "voices"],
            Clause = _ => "a fire burns and crackles", Seen = _ => "flames of a fire with flying sparks", Sound = _ => "a low rustle with sharp cracks",
        },
        new()
        {
            Name = "engine", Words = ["engine*", "motor*", "machine*", "car", "cars", "truck*", "vehicle*", "traffic"], Object = "engine", Action = "runs", Absent = ["a siren", "birds"],
            Clause = look => look.Direction == 0 ? "an engine runs at rest" : $"a vehicle drives{Way(look)}",
            Seen = look => look.Direction == 0 ? "an engine shaking, its wheel turning" : $"a vehicle driving{Way(look)}",
            Sound = look => look.Direction == 0 ? "a low steady rumble" : "a drone that swells, falls in pitch and fades",
        },
        new()
        {
            Name = "siren", Words = ["siren*", "ambulance*", "police"], Absorbs = ["engine", "fire"], Object = "siren", Action = "sounds", Absent = ["a bell", "music"],
            Clause = _ => "a wailing siren sounds", Seen = _ => "a vehicle with blinking lights", Sound = _ => "a tone that slowly rises and falls",
        },
        new()
        {
            Name = "whistle", Words = ["kettle*", "?whistl*"], Object = "kettle", Action = "whistles", Absent = ["a siren", "a bird"],
            Clause = _ => "a kettle whistles", Seen = _ => "a kettle with growing steam", Sound = _ => "a high whistle that glides up over hissing steam",
        },
        new()
        {
            Name = "scrape", Words = ["scrap*", "saw", "saws", "sawing", "sweep*", "broom*", "rasp*", "grind*", "?file", "?files"], Object = "tool", Action = "scrapes to and fro",
            Moment = ("stroke", "strokes"), Materials = ["wood", "metal", "stone"], Absent = ["knocking", "an engine"],
            Clause = look => look.Material switch { "wood" => "a saw cuts through wood", "metal" => "a file rasps over metal", "stone" => "a stone block scrapes over the floor", _ => "a broom sweeps the floor" },
            Seen = look => $"a {look.Material switch { "wood" => "saw", "metal" => "file", "stone" => "block", _ => "broom" }} moving back and forth",
            Sound = _ => "rough friction in even strokes",
        },
        new()
        {
            Name = "bird", Words = ["bird*", "songbird*", "tweet*", "crow", "crows", "sparrow*", "hawk*", "?chirp*", "?sing*"], Object = "bird", Action = "chirps", Moment = ("chirp", "chirps"),
            Absent = ["a whistle", "wind"],
            Clause = _ => "a bird chirps", Seen = _ => "a bird opening its beak on a branch", Sound = _ => "short bright sweeps in phrases with pauses",
        },
        new()
        {
            Name = "insects", Words = ["insect*", "cricket*", "cicada*", "?trill*"], Object = "cricket", Action = "chirps", Moment = ("trill", "trills"), Absent = ["birds", "traffic"],
            Clause = _ => "a cricket chirps at night", Seen = _ => "a cricket rubbing its wings in the dark", Sound = _ => "high thin trills in even groups",
        },
        new()
        {
            Name = Silence, Words = ["silen*", "nothing"], Object = "picture", Action = "makes no sound", Absent = ["noise", "voices", "music"],
            Clause = _ => "silence, nothing is heard", Seen = _ => "something that makes no sound", Sound = _ => "of nothing at all",
        },
    ];

    private static readonly Dictionary<string, SoundKind> ByName = All.ToDictionary(kind => kind.Name);

    /// <summary>The words of a class; of one that is not among them its name.</summary>
    public static SoundKind Of(string name) =>
        ByName.TryGetValue(name, out SoundKind? kind) ? kind : SoundKind.Unknown(name, $"{name.Replace('_', ' ')} is heard", name.Replace('_', ' '));

    /// <summary>The class that makes a sound that is named as absent; null if none does.</summary>
    public static string? MakerOf(string absent) => Makers.GetValueOrDefault(absent);

    /// <summary>Kinds by the words that name them, in the order of the table.</summary>
    public static IEnumerable<SoundKind> Named => All;

    /// <summary>The material that a word names; null if none.</summary>
    public static string? MaterialOf(string word) => MaterialWords.FirstOrDefault(entry => entry.Words.Any(pattern => Fits(word, pattern))).Material;

    /// <summary>Whether a word is what a pattern of <see cref="SoundKind.Words"/> means.</summary>
    public static bool Fits(string word, string pattern)
    {
        ReadOnlySpan<char> stem = pattern.AsSpan().TrimStart('?');
        return stem[^1] == '*' ? word.AsSpan().StartsWith(stem[..^1], StringComparison.Ordinal) : stem.SequenceEqual(word);
    }

    private static string Adjective(Look look) => Materials.TryGetValue(look.Material, out var material) ? $"{material.Adjective} " : "";

    private static string Ring(Look look) => Materials.TryGetValue(look.Material, out var material) ? material.Sound : "";

    private static string Struck(Look look) => look.Material switch
    {
        "wood" => "a wooden block", "metal" => "a metal plate", "glass" => "a glass jar", "stone" => "a stone", "skin" => "a drum", _ => "a block",
    };

    private static string Knocked(Look look) => look.Material == "glass" ? "a glass pane" : $"a {Adjective(look)}door";

    private static string Way(Look look) => look.Direction switch { > 0 => " to the right", < 0 => " to the left", _ => "" };

    private static bool IsRun(Look look) => look.Rate > 2.3; // steps a second
}
