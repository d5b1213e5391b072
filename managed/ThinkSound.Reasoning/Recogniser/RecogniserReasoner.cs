using System.Runtime.CompilerServices;
using ThinkSound.Reasoning.Recogniser;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Reasoning;

/// <summary>The reasoner that needs nothing but the model itself: what its recogniser sees and when, measures of the frames and a
/// small lexicon, put together by rules. No language model: it says what it knows with the number that it knows it by, and
/// "uncertain" where it does not. The same request gives the same result. Any thread, several at once.</summary>
public sealed class RecogniserReasoner : IReasoner
{
    /// <summary>What results call it.</summary>
    public const string Name = "recogniser";

    /// <summary>What the engine must have loaded to watch a video.</summary>
    public const BundleComponents Components = BundleComponents.ClipVision | BundleComponents.Synchformer | BundleComponents.Recogniser;

    private readonly Func<CancellationToken, Task<ThinkSoundEngine>> _engine;

    /// <summary>With an engine that is there; the caller disposes of it.</summary>
    public RecogniserReasoner(ThinkSoundEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _engine = _ => Task.FromResult(engine);
    }

    /// <summary>With an engine that is loaded when a video is first to be watched; words alone need none.</summary>
    /// <param name="engine">Gives the engine, the same each time or another; who gives it disposes of it.</param>
    public RecogniserReasoner(Func<CancellationToken, Task<ThinkSoundEngine>> engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        _engine = engine;
    }

    /// <inheritdoc/>
    public string Provider => Name;

    /// <summary>With a video, words, an instruction or an earlier reasoning.</summary>
    public bool Accepts(ReasoningRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        return request is { Video: not null } or { Caption.Length: > 0 } or { Instruction.Length: > 0 } or { Previous: not null };
    }

    /// <inheritdoc/>
    /// <exception cref="ReasoningException">The engine has no recogniser, or an instruction is not understood.</exception>
    public IAsyncEnumerable<ReasoningStep> ReasonAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress = null,
                                                       CancellationToken cancellationToken = default)
    {
        if (!Accepts(request)) throw new ArgumentException("there is nothing to think about: give a video, a caption, an instruction or a saved reasoning", nameof(request));
        return ThinkAsync(request, progress, cancellationToken);
    }

    private async IAsyncEnumerable<ReasoningStep> ThinkAsync(ReasoningRequest request, IProgress<ReasoningProgress>? progress,
                                                             [EnumeratorCancellation] CancellationToken cancel)
    {
        RequestSubject about = await RequestSubject.OfAsync(request, cancel).ConfigureAwait(false);
        string model = "";
        VideoReading? video = null;
        // An edit or a region is about one place; what is heard of a long video changes with its scenes.
        bool isLong = about.Media is not null && request.Stage != ReasoningStage.Edit && about.Watched > LongVideo.LongestAtOnce;
        ThinkSoundEngine? engine = null;
        if (about.Media is { } media)
        {
            engine = await EngineAsync(cancel).ConfigureAwait(false);
            model = engine.Info.Name;
            // Others see the whole picture, and to the end of the sound.
            bool seesTheSame = request.Region is null && about.Watched == about.Subject.Duration;
            if (!isLong) video = await VideoReading.OfAsync(engine, media.Path, request.Start, about.Watched, request.Region, seesTheSame ? request.Watch : null, progress, cancel).ConfigureAwait(false);
            if (video is not null && request.Scene is { } scene) video = await video.InAsync(engine, scene, progress, cancel).ConfigureAwait(false);
        }
        progress?.Report(new ReasoningProgress(ReasoningActivity.Thinking, null, ""));
        string? words = request.Caption is { Length: > 0 } caption ? caption : about.Media is null && request.Previous is { Caption.Length: > 0 } previous ? previous.Caption : null;
        var evidence = new Evidence
        {
            Subject = about.Subject,
            Stage = request.Stage,
            Video = video,
            Words = words is null ? null : UserWords.Of(words),
            Excluded = words is not null ? [] : [.. request.Existing.SelectMany(sound => UserWords.Of($"{sound.Name} {sound.Description}").Kinds).Select(kind => kind.Name).Distinct()],
        };
        var notes = new List<string>();
        Reasoning reasoning;
        if (request.Stage == ReasoningStage.Edit)
        {
            EditInstruction edit = EditInstruction.Of(request.Instruction ?? "", request.Operation, about.Subject.Duration);
            reasoning = EditRules.Apply(evidence, edit, request.Instruction ?? "", request.EditRange, request.Previous);
            if (edit.HasMore) notes.Add($"\"{request.Instruction}\" asks for several changes; only the first is made");
            if (edit.Target.IsUnknown && edit.Words.Length > 0) notes.Add($"uncertain: \"{edit.Words}\" names no known sound and is taken as it is");
        }
        else if (isLong) reasoning = await LongVideo.ReasonAsync(engine!, about.Media!.Path, evidence, about.Watched, progress, cancel).ConfigureAwait(false);
        else reasoning = Rules.Apply(evidence);
        reasoning = reasoning with { Model = model, ChainOfThought = request.ChainOfThought is { Length: > 0 } own ? own : reasoning.ChainOfThought };

        if (reasoning.Caption.Length == 0 && reasoning.ChainOfThought.Length == 0)
            notes.Add("uncertain: nothing is sure enough for a caption or a chain of thought, so the picture alone decides; a caption of yours would help");
        foreach (var (kind, text) in reasoning.Thoughts.InOrder)
            if (text.Length > 0) yield return new ReasoningStep(kind, text);
        foreach (string note in notes) yield return new ReasoningStep(ReasoningStepKind.Note, note);
        if (request.Tokens is { } tokens)
        {
            progress?.Report(new ReasoningProgress(ReasoningActivity.Checking, null, ""));
            reasoning = TextFitter.Fit(reasoning, tokens);
        }
        yield return new ReasoningStep(ReasoningStepKind.Result, "") { Result = reasoning };
    }

    private async Task<ThinkSoundEngine> EngineAsync(CancellationToken cancel)
    {
        ThinkSoundEngine engine = await _engine(cancel).ConfigureAwait(false);
        if ((engine.Info.Components & Components) == Components) return engine;
        throw new ReasoningException(ReasoningFailure.NotConfigured,
            $"the model {engine.Info.Name} has no {Components & ~engine.Info.Components} loaded, so the recogniser cannot watch: take a bundle that has it, give words alone, or ask a chat model");
    }
}
