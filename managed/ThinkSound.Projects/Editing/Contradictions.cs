using ThinkSound.Projects.Editing.Grammar;

namespace ThinkSound.Projects.Editing;

/// <summary>Finds clauses that undo each other.</summary>
internal static class Contradictions
{
    private static readonly (EditAction One, EditAction Other)[] Opposites =
        [(EditAction.Louder, EditAction.Softer), (EditAction.Earlier, EditAction.Later), (EditAction.Add, EditAction.Remove), (EditAction.Extend, EditAction.Remove), (EditAction.Replace, EditAction.Remove)];

    /// <exception cref="EditException">Some do.</exception>
    public static void Check(EditClause[] wanted, EditClause[] forbidden, SoundPhrase[] spared)
    {
        for (int i = 0; i < wanted.Length; i++)
        {
            for (int k = i + 1; k < wanted.Length; k++)
            {
                EditClause a = wanted[i], b = wanted[k];
                if (!OverlapInTime(a, b)) continue;
                bool undone = Opposites.Any(pair => (a.Action == pair.One && b.Action == pair.Other) || (a.Action == pair.Other && b.Action == pair.One)) && Share(About(a), About(b));
                bool isGone = a.Action == EditAction.Remove && b.Action != EditAction.Add && b.Action != EditAction.Remove && Share(a.Targets, b.Targets) && !a.IsAllBut;
                if (undone || isGone) throw Contradiction($"\"{a.Text}\" and \"{b.Text}\" contradict each other");
            }
            foreach (EditClause no in forbidden)
                if (no.Action == wanted[i].Action && Share(About(no), About(wanted[i]))) throw Contradiction($"\"{wanted[i].Text}\" and \"{no.Text}\" contradict each other");
            if (spared.FirstOrDefault(sound => wanted[i].Targets.Any(target => !target.IsAll && Same(target, sound))) is { } kept)
                throw Contradiction($"\"{wanted[i].Text}\" would change \"{kept.Words}\", which is to be left alone");
        }
    }

    private static IReadOnlyList<SoundPhrase> About(EditClause clause) => clause.Action == EditAction.Add ? clause.With : clause.Targets;

    private static bool Share(IReadOnlyList<SoundPhrase> a, IReadOnlyList<SoundPhrase> b) => a.Any(one => b.Any(other => Same(one, other)));

    private static bool Same(SoundPhrase a, SoundPhrase b) =>
        a.IsAll && b.IsAll || !a.IsAll && !b.IsAll && (a.Ordinal is null || b.Ordinal is null || a.Ordinal == b.Ordinal) && (a.Words == b.Words || Names.Match(a, b.Words) || Names.Match(b, a.Words));

    /// <summary>Where both tell their times in seconds and these are apart, there is nothing to contradict.</summary>
    private static bool OverlapInTime(EditClause a, EditClause b)
    {
        if (a.When is not { } one || b.When is not { } other) return a.When is null && (b.When is null || a.Action == EditAction.Remove);
        if (one == other) return true;
        return one is { From: { } from, To: { } to } && other is { From: { } start, To: { } end } && from < end && start < to;
    }

    private static EditException Contradiction(string what) => new(EditProblem.Contradictory, $"{what}: leave one of them out");
}
