using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using System.Text.Json;
using ThinkSound.Bundles;
using ThinkSound.Networks;

namespace ThinkSound.Reasoning.Texts;

/// <summary>Counters of real models.</summary>
public static class TokenCounter
{
    private const int PublishedLength = 77; // of both encoders, in every published configuration

    /// <summary>The tokenizers of a loaded model. It must not be disposed of while the counter is used.</summary>
    public static ITokenCounter Of(ThinkSoundEngine engine)
    {
        ArgumentNullException.ThrowIfNull(engine);
        return new EngineCounter(engine);
    }

    /// <summary>The tokenizers of a bundle, without its networks: milliseconds, whatever the size of the model. What it has no
    /// tokenizer for is not counted.</summary>
    /// <exception cref="ThinkSoundException">A tokenizer's file is missing or damaged.</exception>
    public static ITokenCounter Of(BundleDescription bundle)
    {
        ArgumentNullException.ThrowIfNull(bundle);
        return new VocabularyCounter(bundle.Find("t5")?.Tokenizer, bundle.Find("clip_text")?.Tokenizer, LengthOf(bundle));
    }

    /// <summary>What the velocity network reads of either text, specials included.</summary>
    private static int LengthOf(BundleDescription bundle)
    {
        if (bundle.Find("mmdit")?.Config is not { } config) return PublishedLength;
        using JsonDocument parsed = JsonDocument.Parse(config);
        return parsed.RootElement.TryGetProperty("text_seq_len", out JsonElement length) && length.TryGetInt32(out int value) ? value : PublishedLength;
    }

    /// <summary>The tokenizers of two vocabulary files.</summary>
    /// <param name="t5">A SentencePiece model; null leaves the chain of thought uncounted.</param>
    /// <param name="clip">CLIP's merges; null leaves captions uncounted.</param>
    /// <exception cref="ThinkSoundException">A file is missing or damaged.</exception>
    public static ITokenCounter OfVocabularies(string? t5, string? clip) => new VocabularyCounter(t5, clip, PublishedLength);

    /// <summary>What opens and closes a text: CLIP's begin and end, T5's end.</summary>
    private static int Special(TextEncoder encoder) => encoder == TextEncoder.Clip ? 2 : 1;

    private sealed class EngineCounter(ThinkSoundEngine engine) : ITokenCounter
    {
        public int? Count(TextEncoder encoder, string text)
        {
            try
            {
                return engine.Tokenize(encoder, text).Count - Special(encoder);
            }
            catch (UnsupportedException)
            {
                return null; // this bundle has no such encoder
            }
        }

        public int Limit(TextEncoder encoder) => engine.Info.TextLength - Special(encoder);
    }

    private sealed class VocabularyCounter : ITokenCounter
    {
        private readonly int _length;
        private readonly ConcurrentDictionary<TextEncoder, NetworkRunner> _tokenizers = new();
        private readonly Lock _lock = new(); // a tokenizer does one thing at a time

        public VocabularyCounter(string? t5, string? clip, int length)
        {
            _length = length;
            if (t5 is not null) _tokenizers[TextEncoder.T5] = Load("t5_tokens", t5);
            if (clip is not null) _tokenizers[TextEncoder.Clip] = Load("clip_tokens", clip);
        }

        public int? Count(TextEncoder encoder, string text)
        {
            ArgumentNullException.ThrowIfNull(text);
            if (!_tokenizers.TryGetValue(encoder, out NetworkRunner? tokenizer)) return null;
            int count = 0;
            string settings = $"{{\"text\": {JsonText(text)}, \"text_len\": {_length}}}";
            lock (_lock)
                tokenizer.Run("encode", [], settings, tensor =>
                {
                    if (tensor.Name == "num_tokens") count = MemoryMarshal.Read<int>(tensor.Data);
                });
            return count - Special(encoder);
        }

        public int Limit(TextEncoder encoder) => _length - Special(encoder);

        private static NetworkRunner Load(string kind, string file) =>
            NetworkRunner.Create(new NetworkOptions { Kind = kind, Config = $"{{\"file\": {JsonText(file)}}}" });

        private static string JsonText(string text) => $"\"{JsonEncodedText.Encode(text)}\"";
    }
}
