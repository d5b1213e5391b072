namespace ThinkSound.Projects.Editing;

/// <summary>Loads the model that edits when something first asks for it, and keeps it for the next. One call at a time.</summary>
public sealed class EditModels : IDisposable
{
    private readonly EngineOptions _options;
    private ThinkSoundEngine? _engine;
    private (string? Video, GenerateOptions Options, NativeEditModel Model)? _last;

    /// <summary>See <see cref="NativeEditModel.MustChoose"/>.</summary>
    public bool MustChoose { get; init; }

    /// <summary>Of one bundle; loads nothing yet.</summary>
    public EditModels(EngineOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        _options = options;
    }

    /// <summary>A model for a sound.</summary>
    /// <param name="video">What the sound belongs to; null if nothing is to be seen.</param>
    /// <param name="options">Steps, guidance and candidates.</param>
    /// <param name="cancellationToken">Stops loading.</param>
    /// <exception cref="UnsupportedException">The bundle has no encoder for sound, so that nothing that is there can be edited.</exception>
    public async Task<IEditModel> LoadAsync(string? video, GenerateOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (_last is { } last && last.Video == video && last.Options == options) return last.Model;
        BundleComponents wanted = BundleComponents.All & ~BundleComponents.Recogniser;
        if (video is null) wanted &= ~(BundleComponents.ClipVision | BundleComponents.Synchformer);
        if (_engine is null || video is not null && _last is { Video: null }) // the towers that watch are not loaded yet
        {
            Release();
            _engine = await ThinkSoundEngine.LoadAsync(_options with { Components = _options.Components & wanted }, cancellationToken: cancellationToken).ConfigureAwait(false);
            if (!_engine.Info.Components.HasFlag(BundleComponents.VaeEncoder))
                throw new UnsupportedException($"the model {_engine.Info.Name} has no encoder for sound, so it cannot edit one: take a bundle with both halves of its codec");
        }
        _last?.Model.Dispose();
        var model = new NativeEditModel(_engine, options, video) { MustChoose = MustChoose };
        _last = (video, options, model);
        return model;
    }

    /// <summary>For <see cref="EditRenderer"/>: a model for a project's video, or without one where the video is missing.</summary>
    public Task<IEditModel> ForProjectAsync(ProjectVideo video, GenerationSettings settings, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(video);
        ArgumentNullException.ThrowIfNull(settings);
        return LoadAsync(video.FoundAt ?? throw new ProjectException(ProjectFailure.VideoMissing, $"{video.Path}: the project's video is missing, and what is made goes by what is seen"),
                         settings.ToOptions(TimeSpan.FromSeconds(8), 0), cancellationToken);
    }

    /// <summary>Gives the model back.</summary>
    public void Dispose() => Release();

    private void Release()
    {
        _last?.Model.Dispose();
        _engine?.Dispose();
        (_last, _engine) = (null, null);
    }
}
