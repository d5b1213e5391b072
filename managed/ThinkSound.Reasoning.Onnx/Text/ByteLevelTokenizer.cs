using System.Text;
using System.Text.Json;

namespace ThinkSound.Reasoning.Onnx.Text;

/// <summary>A byte-level BPE tokenizer out of a <c>tokenizer.json</c>. Any thread.</summary>
internal sealed class ByteLevelTokenizer
{
    private readonly Dictionary<string, int> _added = [];
    private readonly Dictionary<char, List<AddedToken>> _addedByFirst = [];
    private readonly BytePairMerges _merges = new();
    private readonly int[] _byteTokens = new int[256];
    private readonly byte[]?[] _bytes;  // of each token; null for a hole
    private readonly HashSet<int> _special = [];
    private readonly PreTokenizer _preTokenizer;
    private readonly bool _normalizes;

    private sealed record AddedToken(string Text, int Id, bool EatsLeft, bool EatsRight, bool IsWord);

    public static ByteLevelTokenizer Read(string path)
    {
        try
        {
            using FileStream file = File.OpenRead(path);
            using JsonDocument document = JsonDocument.Parse(file);
            return new ByteLevelTokenizer(document.RootElement, path);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new ReasoningModelException($"{path} is not a tokenizer file: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new ReasoningModelException($"{path} cannot be read: {e.Message}", e);
        }
    }

    private ByteLevelTokenizer(JsonElement file, string path)
    {
        JsonElement model = file.Required("model");
        if (model.TryGetProperty("type", out JsonElement type) && !type.ValueEquals("BPE")) throw Unsupported($"the model {type}");
        foreach (string option in (string[])["dropout", "continuing_subword_prefix", "end_of_word_suffix", "byte_fallback", "ignore_merges"])
            if (model.TryGetProperty(option, out JsonElement value) && !IsOff(value)) throw Unsupported(option);
        _normalizes = Normalizes(file, "normalizer");
        if (file.TryGetProperty("post_processor", out JsonElement after) && !AddsNothing(after)) throw Unsupported($"the post-processor {after.Required("type")}");
        _preTokenizer = new PreTokenizer(file.Required("pre_tokenizer"), path);

        var vocabulary = new Dictionary<string, int>();
        foreach (JsonProperty entry in model.Required("vocab").EnumerateObject()) vocabulary[entry.Name] = entry.Value.GetInt32();
        JsonElement[] added = file.TryGetProperty("added_tokens", out JsonElement list) ? [.. list.EnumerateArray()] : [];
        int size = 1 + Math.Max(vocabulary.Count == 0 ? 0 : vocabulary.Values.Max(), added.Length == 0 ? 0 : added.Max(token => token.Required("id").GetInt32()));
        if (size > 4_000_000 || vocabulary.Values.Any(id => id < 0)) throw new ReasoningModelException($"{path}: the vocabulary has ids out of range");
        _bytes = new byte[size][];
        foreach ((string token, int id) in vocabulary) _bytes[id] = ByteAlphabet.Bytes(token);
        foreach (JsonElement token in added) AddSpecial(token);
        for (int b = 0; b < 256; b++)
            _byteTokens[b] = vocabulary.TryGetValue(ByteAlphabet.Of((byte)b).ToString(), out int id) ? id
                : throw new ReasoningModelException($"{path}: the vocabulary lacks the byte {b:x2}; other tokenizers than byte-level ones are not supported");
        foreach (JsonElement merge in model.Required("merges").EnumerateArray())
        {
            // "a b", or ["a", "b"] in newer files.
            string[] pair = merge.ValueKind == JsonValueKind.Array ? [.. merge.EnumerateArray().Select(part => part.GetString()!)] : merge.GetString()!.Split(' ');
            if (pair.Length != 2 || !vocabulary.TryGetValue(pair[0], out int left) || !vocabulary.TryGetValue(pair[1], out int right) || !vocabulary.TryGetValue(pair[0] + pair[1], out int merged))
                throw new ReasoningModelException($"{path}: the merge \"{string.Join(' ', pair)}\" is not of tokens that the vocabulary has");
            _merges.Add(left, right, merged);
        }

        ReasoningModelException Unsupported(string what) => new($"{path}: {what} is not supported in a tokenizer");

        static bool AddsNothing(JsonElement after) => after.ValueKind == JsonValueKind.Null || after.Required("type").GetString() switch
        {
            "ByteLevel" => true,
            "TemplateProcessing" => after.TryGetProperty("special_tokens", out JsonElement tokens) && tokens.ValueKind == JsonValueKind.Object && !tokens.EnumerateObject().Any(),
            "Sequence" => after.Required("processors").EnumerateArray().All(AddsNothing),
            _ => false,
        };

        static bool IsOff(JsonElement value) => value.ValueKind is JsonValueKind.Null or JsonValueKind.False || (value.ValueKind == JsonValueKind.String && value.GetString() == "");

        bool Normalizes(JsonElement holder, string key)
        {
            if (!holder.TryGetProperty(key, out JsonElement normalizer) || normalizer.ValueKind == JsonValueKind.Null) return false;
            return normalizer.Required("type").GetString() switch
            {
                "NFC" => true,
                "Sequence" when normalizer.Required("normalizers").EnumerateArray().All(inner => inner.Required("type").ValueEquals("NFC")) => normalizer.Required("normalizers").GetArrayLength() > 0,
                string other => throw Unsupported($"the normalizer {other}"),
                null => throw Unsupported("a normalizer without a type"),
            };
        }
    }

    private void AddSpecial(JsonElement token)
    {
        bool Is(string key) => token.TryGetProperty(key, out JsonElement value) && value.GetBoolean();
        var added = new AddedToken(token.Required("content").GetString()!, token.Required("id").GetInt32(), Is("lstrip"), Is("rstrip"), Is("single_word"));
        if (added.Text.Length == 0) return;
        _added[added.Text] = added.Id;
        _bytes[added.Id] = Encoding.UTF8.GetBytes(added.Text);
        if (Is("special")) _special.Add(added.Id);
        if (!_addedByFirst.TryGetValue(added.Text[0], out List<AddedToken>? sameStart)) _addedByFirst[added.Text[0]] = sameStart = [];
        sameStart.Add(added);
        sameStart.Sort((a, b) => b.Text.Length - a.Text.Length); // the longest that fits wins
    }

    /// <summary>One more than the largest id.</summary>
    public int Size => _bytes.Length;

    /// <summary>The id of an added token by its text.</summary>
    public int? IdOf(string addedToken) => _added.TryGetValue(addedToken, out int id) ? id : null;

    /// <summary>Special tokens are not shown to people.</summary>
    public bool IsSpecial(int id) => _special.Contains(id);

    /// <summary>The bytes of a token; none for an id without one.</summary>
    public ReadOnlySpan<byte> BytesOf(int id) => (uint)id < (uint)_bytes.Length ? _bytes[id] : null;

    /// <summary>Tokens of a prompt. Pieces merge across parts, as in one text; added tokens are found in the template's parts alone.</summary>
    public List<int> Encode(PromptText prompt)
    {
        var text = new StringBuilder();
        var literals = new List<(int Start, int End)>();
        foreach ((string part, bool isTemplate) in prompt.Parts)
        {
            int start = text.Length;
            text.Append(_normalizes ? part.Normalize(NormalizationForm.FormC) : part);
            if (!isTemplate) literals.Add((start, text.Length));
        }
        return Encode(text.ToString(), literals);
    }

    private List<int> Encode(string text, List<(int Start, int End)> literals)
    {
        var ids = new List<int>();
        int plain = 0, literal = 0;
        for (int at = 0; at < text.Length;)
        {
            while (literal < literals.Count && literals[literal].End <= at) literal++;
            int limit = literal < literals.Count ? literals[literal].Start : text.Length; // an added token must end before
            if (limit <= at)
            {
                at = literals[literal].End;
                continue;
            }
            if (Find(text, at, limit) is not { } found)
            {
                at++;
                continue;
            }
            int start = at, end = at + found.Text.Length;
            if (found.EatsLeft) while (start > plain && char.IsWhiteSpace(text[start - 1])) start--;
            if (found.EatsRight) while (end < text.Length && char.IsWhiteSpace(text[end])) end++;
            EncodePlain(text[plain..start], ids);
            ids.Add(found.Id);
            at = plain = end;
        }
        EncodePlain(text[plain..], ids);
        return ids;
    }

    private AddedToken? Find(string text, int at, int limit)
    {
        if (!_addedByFirst.TryGetValue(text[at], out List<AddedToken>? candidates)) return null;
        foreach (AddedToken token in candidates)
        {
            int end = at + token.Text.Length;
            if (end > limit || string.CompareOrdinal(text, at, token.Text, 0, token.Text.Length) != 0) continue;
            if (token.IsWord && ((at > 0 && IsWordPart(text[at - 1])) || (end < text.Length && IsWordPart(text[end])))) continue;
            return token;
        }
        return null;

        static bool IsWordPart(char c) => char.IsLetterOrDigit(c) || c == '_';
    }

    private void EncodePlain(string text, List<int> ids)
    {
        if (text.Length == 0) return;
        var tokens = new List<int>();
        foreach (string piece in _preTokenizer.Split(text))
        {
            tokens.Clear();
            foreach (byte b in Encoding.UTF8.GetBytes(piece)) tokens.Add(_byteTokens[b]);
            _merges.Apply(tokens);
            ids.AddRange(tokens);
        }
    }
}
