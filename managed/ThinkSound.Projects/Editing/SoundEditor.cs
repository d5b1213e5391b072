using ThinkSound.Projects.Editing.Grammar;

namespace ThinkSound.Projects.Editing;

/// <summary>Carries out the steps of an edit on sounds in memory, one after the other. Exact arithmetic where a step needs no more; else
/// a model makes the stretch, and it is spliced in. One edit at a time.</summary>
internal sealed class SoundEditor
{
    // What the model sees around a stretch, the longest stretch that it makes at once, and the shortest sound that it makes.
    private const double ContextSeconds = 2, WholeSeconds = 10, LeastSeconds = 1;

    private const double MostMatchDb = 20; // how far a replacement is brought to the level of what it replaces

    private readonly Func<CancellationToken, Task<IEditModel>> _load;
    private readonly Wording _wording;
    private readonly List<EditSound> _sounds;
    private IEditModel? _model;

    /// <param name="sounds">All of one length, rate and number of channels (1 or 2).</param>
    /// <param name="model">Gives the model when a step first needs one.</param>
    /// <param name="wording">Words for it.</param>
    public SoundEditor(IEnumerable<EditSound> sounds, Func<CancellationToken, Task<IEditModel>> model, Wording wording) =>
        (_sounds, _load, _wording) = ([.. sounds], model, wording);

    /// <summary>What there is now; new sounds come last.</summary>
    public IReadOnlyList<EditSound> Sounds => _sounds;

    /// <summary>The model that took part; null if none did.</summary>
    public ModelIdentity? Model => _model?.Identity;

    /// <summary>What else to know.</summary>
    public List<string> Notices { get; } = [];

    /// <summary>What was chosen among candidates, piece by piece.</summary>
    public List<CandidateFits> Candidates { get; } = [];

    /// <summary>Carries out one step.</summary>
    /// <param name="step">What to do.</param>
    /// <param name="thought">Words of a reasoner for what comes new; null leaves them to the rules.</param>
    /// <param name="seed">Of the noise.</param>
    /// <param name="cancel">Stops within one step of the model.</param>
    /// <exception cref="EditException">It cannot be done to this sound.</exception>
    public async Task ApplyAsync(EditStep step, Reasoning.Reasoning? thought, ulong seed, CancellationToken cancel)
    {
        if (step.Action == EditAction.Add)
        {
            await AddAsync(step, thought, seed, cancel).ConfigureAwait(false);
            return;
        }
        int index = IndexOf(step);
        EditSound sound = _sounds[index];
        if (step.Action == EditAction.Extend && step.Range is { } longer && SampleOf(longer.End) > sound.Clip.Samples) Grow(SampleOf(longer.End));
        sound = _sounds[index];
        var (from, to) = Samples(step.Range, sound.Clip);
        _sounds[index] = step.Action switch
        {
            EditAction.Louder => sound.With(Splice.Scale(sound.Clip, Math.Pow(10, step.AmountDb / 20), from, to), from, to),
            EditAction.Softer => sound.With(Splice.Scale(sound.Clip, Math.Pow(10, -step.AmountDb / 20), from, to), from, to),
            EditAction.Earlier => Move(sound, -SampleOf(step.Shift), from, to),
            EditAction.Later => Move(sound, SampleOf(step.Shift), from, to),
            EditAction.Remove when IsExact(step, sound) => sound.With(Splice.Scale(sound.Clip, 0, from, to), from, to) with { IsGone = step.Range is null },
            EditAction.Replace when step.Strength >= 1 => await ReplaceAsync(sound, step, thought, seed, from, to, cancel).ConfigureAwait(false),
            _ => await MakeAsync(sound, step, thought, seed, from, to, cancel).ConfigureAwait(false),
        };
    }

    /// <summary>A sound of its own is taken out by taking it away; so is a mix as a whole.</summary>
    private static bool IsExact(EditStep step, EditSound sound) => step.Replacement.Length == 0 && (!sound.IsMix || step.Target.Length == 0);

    private int IndexOf(EditStep step)
    {
        int index = step.Track is { } id ? _sounds.FindIndex(sound => sound.Id == id)
            : _sounds.FindLastIndex(sound => sound.Id is null && (step.Target.Length == 0 || sound.Name == step.Target || Names.Match(SoundPhrase.Of(step.Target) ?? SoundPhrase.All, sound.Name)));
        if (index < 0 && step.Track is null && _sounds.Count(sound => sound.Id is not null) == 1) index = _sounds.FindIndex(sound => sound.Id is not null);
        return index >= 0 ? index : throw new EditException(EditProblem.UnknownSound, $"there is no track \"{step.Track ?? step.Target}\" to {step.Action.ToString().ToLowerInvariant()}; there are {string.Join(", ", _sounds.Select(sound => $"\"{sound.Name}\""))}");
    }

    private async Task AddAsync(EditStep step, Reasoning.Reasoning? thought, ulong seed, CancellationToken cancel)
    {
        AudioClip like = _sounds[0].Clip;
        var (from, to) = Samples(step.Range, like);
        EditWords words = thought is { Caption.Length: > 0 } ? new EditWords(thought.Caption, thought.ChainOfThought, step.Avoid)
            : await _wording.OfAsync(step.Target, step.Avoid, TimeOf(to - from), cancel).ConfigureAwait(false);
        AudioClip clip = await LayerAsync(like, words, seed, from, to, cancel).ConfigureAwait(false);
        double gain = Splice.Headroom(Mix().Planar.Span, clip.Planar.Span);
        if (gain < 1)
        {
            clip = clip.WithGain((float)gain);
            Notices.Add(FormattableString.Invariant($"\"{step.Target}\" was made {-20 * Math.Log10(Math.Max(gain, 1e-6)):0.#} dB softer, so that nothing clips"));
        }
        _sounds.Add(new EditSound { Id = null, Name = step.Target, Description = words.Caption, Clip = clip, Touched = (from, to) });
    }

    /// <summary>Out with the one, in with the other, which is as loud. A walk from the one to the other would keep too much of the first
    /// (docs/edit-sentences.md has the figures), so that is for strengths below 1.</summary>
    private async Task<EditSound> ReplaceAsync(EditSound sound, EditStep step, Reasoning.Reasoning? thought, ulong seed, int from, int to, CancellationToken cancel)
    {
        // Nothing else is heard: no model is needed to take it out.
        bool isAlone = !sound.IsMix || step.Target.Length == 0 || sound.Description.Length > 0 && Wording.Without(sound.Description, step.Target).Length == 0;
        EditSound left = isAlone ? sound.With(Splice.Scale(sound.Clip, 0, from, to), from, to)
            : await MakeAsync(sound, step with { Action = EditAction.Remove, Replacement = "" }, null, seed, from, to, cancel).ConfigureAwait(false);
        EditWords words = thought is { Caption.Length: > 0 } ? new EditWords(thought.Caption, thought.ChainOfThought, step.Avoid)
            : await _wording.OfAsync(step.Replacement, step.Avoid, TimeOf(to - from), cancel).ConfigureAwait(false);
        AudioClip layer = await LayerAsync(left.Clip, words, seed, from, to, cancel).ConfigureAwait(false);
        double taken = Splice.Power(sound.Clip, from, to) - Splice.Power(left.Clip, from, to), made = Splice.Power(layer, from, to), most = Math.Pow(10, MostMatchDb / 20);
        double gain = taken > 0 && made > 0 ? Math.Clamp(Math.Sqrt(taken / made), 1 / most, most) : 1;
        layer = layer.WithGain((float)gain);
        layer = layer.WithGain((float)Splice.Headroom(left.Clip.Planar.Span, layer.Planar.Span));
        EditSound replaced = sound.With(Splice.Sum(left.Clip, layer, from, to), from, to);
        string now = sound.Description.Length > 0 ? sound.Description : sound.IsMix ? "" : sound.Name;
        if (step.Range is not null) return sound.IsMix ? replaced : replaced with { Description = Also(now, step.Replacement) };
        if (!sound.IsMix) return replaced with { Name = step.Replacement, Description = words.Caption };
        return replaced with { Description = Also(isAlone ? "" : Wording.Without(now, step.Target), step.Replacement) };
    }

    /// <summary>A new sound between two samples, and silence around it.</summary>
    private async Task<AudioClip> LayerAsync(AudioClip like, EditWords words, ulong seed, int from, int to, CancellationToken cancel)
    {
        IEditModel model = await ModelAsync(cancel).ConfigureAwait(false);
        var clip = new AudioClip(like.Channels, like.SampleRate, new float[like.Channels * like.Samples]);
        foreach (var (begin, end) in Pieces(from, to))
        {
            var window = new EditWindow(TimeOf(begin), Math.Max(ModelSamples(end - begin), (int)(LeastSeconds * model.SampleRate)));
            AudioClip made = Fit(await model.GenerateAsync(window, words, seed, cancel).ConfigureAwait(false), end - begin);
            if (model.LastFits is { } fits) Candidates.Add(fits);
            clip = Splice.Into(clip, made, begin, end);
        }
        return clip;
    }

    /// <summary>A stretch by the model, in pieces where it is long: each goes on from what the one before left.</summary>
    private async Task<EditSound> MakeAsync(EditSound sound, EditStep step, Reasoning.Reasoning? thought, ulong seed, int from, int to, CancellationToken cancel)
    {
        IEditModel model = await ModelAsync(cancel).ConfigureAwait(false);
        TimeSpan length = TimeOf(to - from);
        string now = sound.Description.Length > 0 ? sound.Description : sound.IsMix ? "" : sound.Name, target = step.Target.Length > 0 ? step.Target : now;
        string becomes = step.Action switch
        {
            EditAction.Remove when step.Replacement.Length > 0 => step.Replacement, // everything but this
            EditAction.Remove => Wording.Without(now, step.Target),
            EditAction.Replace => Also(Wording.Without(now, step.Target), step.Replacement),
            EditAction.Material or EditAction.Space or EditAction.Style => Also(sound.IsMix && step.Target.Length > 0 ? Wording.Without(now, step.Target) : "", step.Action == EditAction.Material ? Wording.OfMaterial(target, step.Replacement) : target),
            EditAction.Extend => target,
            _ => now.Length > 0 ? now : step.Target,
        };
        if (step.Action == EditAction.Remove && becomes.Length == 0 && now.Length > 0) becomes = "silence"; // nothing else is heard
        EditWords is_ = await _wording.OfAsync(step.Action is EditAction.Remove or EditAction.Replace ? Also(now, Names.Match(SoundPhrase.Of(step.Target) ?? SoundPhrase.All, now) ? "" : step.Target) : target, "", length, cancel).ConfigureAwait(false);
        string avoid = step.Action is EditAction.Remove && step.Replacement.Length == 0 ? Also(step.Target, step.Avoid, ", ") : step.Avoid;
        EditWords shall = thought is { Caption.Length: > 0 } ? new EditWords(thought.Caption, thought.ChainOfThought, avoid)
            : await _wording.OfAsync(becomes, avoid, length, cancel).ConfigureAwait(false);
        if (step.Action is EditAction.Space or EditAction.Style) shall = Wording.Restyled(shall, step.Action, step.Replacement);

        AudioClip clip = sound.Clip;
        foreach (var (begin, end) in Pieces(from, to))
        {
            var (first, last) = WindowOf(begin, end, clip.Samples);
            AudioClip around = ToModel(Cut(clip, first, last));
            var window = new EditWindow(TimeOf(first), around.Samples);
            int free = ModelSamples(begin - first), until = Math.Min(ModelSamples(end - first), around.Samples);
            AudioClip made = step.Action switch
            {
                EditAction.Extend or EditAction.Inpaint => await model.InpaintAsync(window, around, free, until, shall, seed, cancel).ConfigureAwait(false),
                EditAction.Variation => await model.VaryAsync(window, around, free, until, shall, step.Strength, seed, cancel).ConfigureAwait(false),
                _ => await model.ChangeAsync(window, around, free, until, is_, shall, StrengthOf(step), seed, cancel).ConfigureAwait(false),
            };
            if (model.LastFits is { } fits) Candidates.Add(fits);
            AudioClip fitted = Fit(made, last - first);
            if (step.Action == EditAction.Remove) fitted = MixMask.Keep(Cut(clip, first, last), fitted);
            clip = Splice.Into(clip, Cut(fitted, begin - first, end - first), begin, end);
        }
        EditSound edited = sound.With(clip, from, to);
        if (step.Action != EditAction.Replace || sound.IsMix) return sound.IsMix && becomes.Length > 0 && step.Range is null ? edited with { Description = becomes } : edited;
        return step.Range is null ? edited with { Name = step.Replacement, Description = shall.Caption } : edited with { Description = Also(now, step.Replacement) };
    }

    // To take something out of a mix the walk must begin nearly in noise.
    private static double StrengthOf(EditStep step) => step.Action == EditAction.Remove ? 0.85 : step.Strength;

    private EditSound Move(EditSound sound, int shift, int from, int to) =>
        sound.With(Splice.Move(sound.Clip, shift, from, to), Math.Max(0, Math.Min(from, from + shift)), Math.Min(sound.Clip.Samples, Math.Max(to, to + shift)));

    /// <summary>Makes all sounds longer by silence.</summary>
    private void Grow(int samples)
    {
        for (int i = 0; i < _sounds.Count; i++)
        {
            AudioClip clip = _sounds[i].Clip;
            var longer = new float[clip.Channels * samples];
            for (int channel = 0; channel < clip.Channels; channel++) clip.Channel(channel).CopyTo(longer.AsSpan(channel * samples));
            _sounds[i] = _sounds[i] with { Clip = new AudioClip(clip.Channels, clip.SampleRate, longer) };
        }
    }

    /// <summary>The sum of all sounds, in their order.</summary>
    public AudioClip Mix()
    {
        AudioClip first = _sounds[0].Clip;
        var sum = first.Planar.ToArray();
        foreach (EditSound sound in _sounds.Skip(1))
        {
            ReadOnlySpan<float> samples = sound.Clip.Planar.Span;
            var (from, to) = sound.Id is null ? sound.Touched!.Value : (0, first.Samples);
            for (int channel = 0; channel < first.Channels; channel++)
                for (int n = channel * first.Samples + from; n < channel * first.Samples + to; n++) sum[n] += samples[n];
        }
        return new AudioClip(first.Channels, first.SampleRate, sum);
    }

    private (int From, int To) Samples(Reasoning.TimeRange? range, AudioClip clip)
    {
        int from = range is { } stretch ? Math.Clamp(SampleOf(stretch.Start), 0, clip.Samples) : 0, to = range is { } whole ? Math.Clamp(SampleOf(whole.End), 0, clip.Samples) : clip.Samples;
        return from < to ? (from, to) : throw new EditException(EditProblem.OutOfRange, $"the stretch from {InstructionText.Text(range!.Value.Start.TotalSeconds)} to {InstructionText.Text(range.Value.End.TotalSeconds)} s holds no sample of the sound");
    }

    /// <summary>Stretches that the model makes at once. Each begins two fades before the end of the last, where that is all new.</summary>
    private IEnumerable<(int From, int To)> Pieces(int from, int to)
    {
        int most = SampleOf(TimeSpan.FromSeconds(WholeSeconds)), overlap = SampleOf(TimeSpan.FromSeconds(0.04));
        for (int begin = from; ;)
        {
            int end = to - begin <= most + most / 2 ? to : begin + most;
            yield return (begin, end);
            if (end == to) yield break;
            begin = end - overlap;
        }
    }

    private (int First, int Last) WindowOf(int from, int to, int total)
    {
        int context = SampleOf(TimeSpan.FromSeconds(ContextSeconds)), least = SampleOf(TimeSpan.FromSeconds(LeastSeconds));
        int first = Math.Max(0, from - context), last = Math.Min(total, to + context);
        if (total <= SampleOf(TimeSpan.FromSeconds(WholeSeconds))) (first, last) = (0, total);
        if (last - first < least) throw new EditException(EditProblem.Impossible, FormattableString.Invariant($"the sound has {TimeOf(total).TotalSeconds:0.##} s, and the model works on {LeastSeconds} s at least"));
        return (first, last);
    }

    private async Task<IEditModel> ModelAsync(CancellationToken cancel) => _model ??= await _load(cancel).ConfigureAwait(false);

    private int Rate => _sounds[0].Clip.SampleRate;

    private int SampleOf(TimeSpan time) => checked((int)Math.Round(time.TotalSeconds * Rate, MidpointRounding.AwayFromZero));

    private TimeSpan TimeOf(int samples) => TimeSpan.FromSeconds((double)samples / Rate);

    private int ModelSamples(int samples) => (int)Math.Round((double)samples * _model!.SampleRate / Rate, MidpointRounding.AwayFromZero);

    private static AudioClip Cut(AudioClip clip, int from, int to)
    {
        var part = new float[clip.Channels * (to - from)];
        for (int channel = 0; channel < clip.Channels; channel++) clip.Channel(channel)[from..to].CopyTo(part.AsSpan(channel * (to - from)));
        return new AudioClip(clip.Channels, clip.SampleRate, part);
    }

    /// <summary>Stereo at the model's rate.</summary>
    private AudioClip ToModel(AudioClip clip)
    {
        if (clip.SampleRate != _model!.SampleRate) clip = clip.Resample(_model.SampleRate);
        return clip.Channels == 2 ? clip : new AudioClip(2, clip.SampleRate, (float[])[.. clip.Channel(0), .. clip.Channel(0)]);
    }

    /// <summary>Of the sound's rate and channels, and so many samples: cut, or filled up with silence.</summary>
    private AudioClip Fit(AudioClip made, int samples)
    {
        int channels = _sounds[0].Clip.Channels;
        if (made.SampleRate != Rate) made = made.Resample(Rate);
        var fitted = new float[channels * samples];
        for (int channel = 0; channel < channels; channel++)
            for (int n = 0; n < Math.Min(samples, made.Samples); n++)
                fitted[channel * samples + n] = channels == 1 ? 0.5f * (made.Channel(0)[n] + made.Channel(1)[n]) : made.Channel(channel)[n];
        return new AudioClip(channels, Rate, fitted);
    }

    private static string Also(string a, string b, string joint = " and ") => a.Length == 0 ? b : b.Length == 0 ? a : a + joint + b;
}
