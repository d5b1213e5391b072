using System.Numerics.Tensors;

namespace ThinkSound.Reasoning.Onnx.Sampling;

/// <summary>Draws tokens: repetition penalty, temperature, the likeliest k, the likeliest that together have p; in this order.</summary>
/// <param name="temperature">0 takes the likeliest, the first of equals.</param>
/// <param name="topP">Above 0, up to 1.</param>
/// <param name="topK">0 is no limit.</param>
/// <param name="repetitionPenalty">1 or more.</param>
/// <param name="seed">Of <see cref="Philox"/>; draw k is its k-th number.</param>
internal sealed class TokenSampler(float temperature, float topP, int topK, float repetitionPenalty, ulong seed)
{
    private readonly HashSet<int> _seen = [];
    private double[] _weights = [];
    private ulong _draws;

    /// <summary>Tokens that the penalty is to hold down.</summary>
    public void See(IEnumerable<int> tokens)
    {
        if (repetitionPenalty > 1) _seen.UnionWith(tokens);
    }

    /// <param name="logits">One for each token; overwritten.</param>
    /// <exception cref="ReasoningModelException">The likeliest is not a finite number.</exception>
    public int Next(Span<float> logits)
    {
        foreach (int token in _seen)
            if ((uint)token < (uint)logits.Length) logits[token] *= logits[token] < 0 ? repetitionPenalty : 1 / repetitionPenalty;
        int best = TensorPrimitives.IndexOfMax(logits);
        if (!float.IsFinite(logits[best])) throw new ReasoningModelException($"the decoder's output for token {best} is {logits[best]}: its weights are damaged, or too large for their precision");
        int next = temperature == 0 ? best : Draw(logits, logits[best]);
        if (repetitionPenalty > 1) _seen.Add(next);
        return next;
    }

    private int Draw(ReadOnlySpan<float> logits, float max)
    {
        if (_weights.Length < logits.Length) _weights = new double[logits.Length];
        double total = 0;
        for (int i = 0; i < logits.Length; i++) total += _weights[i] = Math.Exp(((double)logits[i] - max) / temperature);

        bool limits = topK > 0 && topK < logits.Length;
        if (!limits && topP >= 1) return Pick(Enumerable.Range(0, logits.Length), total);
        int[] candidates = limits ? Largest(topK, logits.Length) : Above((1 - (double)topP) * total / logits.Length, logits.Length);
        Array.Sort(candidates, (a, b) => _weights[a] != _weights[b] ? _weights[b].CompareTo(_weights[a]) : a - b);
        if (limits) total = candidates.Sum(i => _weights[i]);
        double kept = 0;
        int count = 0;
        while (count < candidates.Length && (count == 0 || kept < topP * total)) kept += _weights[candidates[count++]];
        return Pick(candidates.Take(count), kept);
    }

    private int Pick(IEnumerable<int> candidates, double total)
    {
        double left = Philox.Uniform(seed, _draws++) * total;
        int last = -1;
        foreach (int candidate in candidates)
        {
            if (_weights[candidate] > 0) last = candidate; // rounding may leave a little at the end
            if ((left -= _weights[candidate]) < 0) break;
        }
        return last;
    }

    /// <summary>All that can be among the likeliest: whatever is below the floor has, all together, less than what top-p leaves out.</summary>
    private int[] Above(double floor, int count)
    {
        var found = new List<int>();
        for (int i = 0; i < count; i++)
            if (_weights[i] >= floor) found.Add(i);
        return [.. found];
    }

    private int[] Largest(int k, int count)
    {
        // The smallest of the k on top; of equals the later one goes first.
        var heap = new PriorityQueue<int, (double, int)>(k + 1);
        for (int i = 0; i < count; i++)
        {
            if (heap.Count < k) heap.Enqueue(i, (_weights[i], -i));
            else if (_weights[i] > _weights[heap.Peek()]) heap.DequeueEnqueue(i, (_weights[i], -i));
        }
        return [.. heap.UnorderedItems.Select(item => item.Element)];
    }
}
