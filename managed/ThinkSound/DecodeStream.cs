using ThinkSound.Interop;

namespace ThinkSound;

/// <summary>Latents that come piece by piece, to sound: of any length, in constant memory, and without a trace of the pieces.
/// The samples are those of <see cref="ThinkSoundSession.DecodeAsync"/> for all latents in a row, bit for bit. It works in its
/// session, which it keeps alive: one call at a time there. A stream that failed or was cancelled takes no more.</summary>
/// <seealso cref="ThinkSoundSession.OpenDecodeStream"/>
public sealed class DecodeStream : IDisposable
{
    private readonly ThinkSoundSession _session;
    private readonly ts_decode_stream _handle;

    internal DecodeStream(ThinkSoundSession session, ts_decode_stream handle) => (_session, _handle) = (session, handle);

    /// <summary>Takes the next latents and gives the sound that they finish. The decoder looks ahead, so some wait for the next
    /// call.</summary>
    /// <param name="latent">Steps that follow the last ones; null for none.</param>
    /// <param name="isLast">Nothing follows: everything that is left comes.</param>
    /// <param name="progress">Told of each chunk, on the thread that works.</param>
    /// <param name="cancellationToken">Stops within one chunk.</param>
    /// <returns>Samples that follow those of the last call; perhaps none.</returns>
    /// <exception cref="ArgumentException">The latent has other channels than the model's, or the stream is over.</exception>
    /// <exception cref="OperationCanceledException">Cancelled, or the session was disposed of.</exception>
    /// <exception cref="InvalidOperationException">The session is at work already.</exception>
    public Task<AudioClip> PushAsync(Latent? latent, bool isLast = false, IProgress<GenerateProgress>? progress = null,
                                     CancellationToken cancellationToken = default) =>
        _session.PushAsync(_handle, latent, isLast, progress, cancellationToken);

    /// <summary>Gives up what waits.</summary>
    public void Dispose() => _handle.Dispose();
}
