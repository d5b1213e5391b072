namespace ThinkSound.Rendering.Foley;

/// <summary>A window in latent steps.</summary>
/// <param name="Begin">First step.</param>
/// <param name="End">The step after the last.</param>
/// <param name="Known">Steps from <paramref name="Begin"/> that the window before has made; 0 where nothing is carried over.</param>
internal readonly record struct LatentWindow(int Begin, int End, int Known)
{
    /// <summary>Steps.</summary>
    public int Length => End - Begin;
}

/// <summary>Divides a long sound into windows: pure functions of numbers.</summary>
internal static class WindowPlan
{
    /// <summary>Windows that cover every step, in order. Each but the last has more than half of <paramref name="window"/>; where one
    /// can end at a cut, it ends at the last one that it reaches, and the next begins anew there. Else the next begins
    /// <paramref name="overlap"/> steps before the end, and the last as early as makes it whole.</summary>
    /// <param name="length">Steps in all, at least <paramref name="least"/>.</param>
    /// <param name="window">Steps of a window at most, at least 2 · <paramref name="least"/>.</param>
    /// <param name="overlap">Steps that the next window is given, at most half of <paramref name="window"/>.</param>
    /// <param name="cuts">First steps of scenes, rising.</param>
    /// <param name="least">Steps of the shortest sound that can be made, a second.</param>
    public static IReadOnlyList<LatentWindow> Of(int length, int window, int overlap, IReadOnlyList<int> cuts, int least)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(length, least);
        ArgumentOutOfRangeException.ThrowIfLessThan(window, 2 * least);
        ArgumentOutOfRangeException.ThrowIfNegative(overlap);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(overlap, window / 2);
        var windows = new List<LatentWindow>();
        int begin = 0, made = 0, cut = 0; // made: steps that windows so far cover
        while (made < length)
        {
            if (length - begin <= window)
            {
                // A whole window for the end, as far as the last one made what it would begin with.
                if (begin > 0 && cut == 0) begin = Math.Max(windows[^1].Begin, length - window);
                windows.Add(new LatentWindow(begin, length, made - begin));
                break;
            }
            cut = LastCut(cuts, begin + window / 2, begin + window, length - least);
            int end = cut > 0 ? cut : begin + window;
            windows.Add(new LatentWindow(begin, end, made - begin));
            made = end;
            begin = cut > 0 ? cut : end - overlap;
        }
        return windows;
    }

    /// <summary>The last cut after <paramref name="from"/> and up to <paramref name="to"/>, but not beyond <paramref name="end"/>, which leaves
    /// enough for another window; 0 for none.</summary>
    private static int LastCut(IReadOnlyList<int> cuts, int from, int to, int end)
    {
        int found = 0;
        foreach (int cut in cuts)
            if (cut > from && cut <= to && cut <= end) found = cut;
        return found;
    }
}
