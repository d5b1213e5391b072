namespace ThinkSound.Reasoning.Onnx.Text;

/// <summary>Byte-pair merging: of all neighbours that may merge, the pair with the lowest rank does, the leftmost of equals first,
/// until none is left. n log n in the length of the piece.</summary>
internal sealed class BytePairMerges
{
    private readonly Dictionary<(int Left, int Right), (int Rank, int Merged)> _merges = [];

    public void Add(int left, int right, int merged) => _merges.TryAdd((left, right), (_merges.Count, merged));

    /// <summary>Merges what can be merged, in place.</summary>
    public void Apply(List<int> tokens)
    {
        if (tokens.Count < 2) return;
        // A linked list over the places of the piece; a place that was merged away holds −1.
        int count = tokens.Count;
        int[] next = new int[count], previous = new int[count];
        var queue = new PriorityQueue<(int Place, int Left, int Right, int Merged), (int Rank, int Place)>();
        for (int i = 0; i < count; i++) (previous[i], next[i]) = (i - 1, i + 1);
        for (int i = 0; i + 1 < count; i++) Offer(i);
        while (queue.TryDequeue(out var pair, out _))
        {
            int right = next[pair.Place];
            if (tokens[pair.Place] != pair.Left || right >= count || tokens[right] != pair.Right) continue; // an older neighbour has merged
            tokens[pair.Place] = pair.Merged;
            tokens[right] = -1;
            next[pair.Place] = next[right];
            if (next[right] < count) previous[next[right]] = pair.Place;
            Offer(pair.Place);
            if (previous[pair.Place] >= 0) Offer(previous[pair.Place]);
        }
        tokens.RemoveAll(token => token < 0);

        void Offer(int place)
        {
            if (next[place] < count && _merges.TryGetValue((tokens[place], tokens[next[place]]), out var merge))
                queue.Enqueue((place, tokens[place], tokens[next[place]], merge.Merged), (merge.Rank, place));
        }
    }
}
