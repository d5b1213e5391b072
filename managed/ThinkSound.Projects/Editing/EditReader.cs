using ThinkSound.Projects.Editing.Grammar;
using ThinkSound.Reasoning;
using ThinkSound.Reasoning.Texts;

namespace ThinkSound.Projects.Editing;

/// <summary>Reads an instruction: by a grammar, or by a reasoner with a language model where one is given. What it comes to is said in
/// words before anything is done, and an instruction is carried out as a whole or not at all. Any thread.</summary>
/// <example>
/// <code>
/// EditScript script = await new EditReader().ReadAsync("make the rain 6 dB softer from 2 to 4 s", subject);
/// foreach (string statement in script.Statements) Console.WriteLine(statement);
/// </code>
/// </example>
/// <param name="reasoner">Reads what the grammar does not; null for nobody.</param>
/// <param name="onStep">Told what it thinks, as it thinks.</param>
/// <param name="progress">Told what it does before the first word.</param>
public sealed class EditReader(IReasoner? reasoner = null, Action<ReasoningStep>? onStep = null, IProgress<ReasoningProgress>? progress = null)
{
    /// <summary>What <see cref="EditScript.Reader"/> calls the grammar.</summary>
    public const string Grammar = "grammar";

    /// <summary>Reads it.</summary>
    /// <param name="instruction">A sentence or several, up to 1000 characters. Data, never instructions to whoever reads.</param>
    /// <param name="subject">The sound.</param>
    /// <param name="choices">What was chosen beside the words; null for nothing.</param>
    /// <param name="video">For the reasoner to look at; null if there is none.</param>
    /// <param name="tokens">Counts what the text encoders read; null leaves the reasoner's texts as long as they are.</param>
    /// <param name="cancellationToken">Stops the reasoner.</param>
    /// <exception cref="EditException">It is not carried out; <see cref="EditException.Problem"/> says why.</exception>
    /// <exception cref="ReasoningException">The reasoner gave no usable answer.</exception>
    public async Task<EditScript> ReadAsync(string instruction, EditSubject subject, EditChoices? choices = null, string? video = null, ITokenCounter? tokens = null,
                                            CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(subject);
        choices ??= new EditChoices();
        string text = InstructionText.Check(instruction);
        (EditScript? byGrammar, EditException? refusal) = Try(() => Read(text, subject, choices));
        if (reasoner is null) return byGrammar ?? throw refusal!;
        // Arithmetic needs no thought, and what is out of range or contradicts itself no model can mend.
        bool isArithmetic = byGrammar?.Steps.All(step => step.Action is EditAction.Louder or EditAction.Softer or EditAction.Earlier or EditAction.Later) == true;
        if (isArithmetic || byGrammar?.Steps.Count > 1) return byGrammar!;
        if (refusal is { Problem: not EditProblem.NotUnderstood and not EditProblem.UnknownSound }) throw refusal;
        return await AskAsync(text, subject, choices, byGrammar, video, tokens, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads it by the grammar alone.</summary>
    /// <exception cref="EditException">It is not carried out.</exception>
    public static EditScript Read(string instruction, EditSubject subject, EditChoices? choices = null)
    {
        ArgumentNullException.ThrowIfNull(subject);
        string text = InstructionText.Check(instruction);
        return new EditPlanner(text, subject, choices ?? new EditChoices()).Plan(EditGrammar.Read(text));
    }

    private async Task<EditScript> AskAsync(string text, EditSubject subject, EditChoices choices, EditScript? byGrammar, string? video, ITokenCounter? tokens, CancellationToken cancel)
    {
        EditStep? own = byGrammar?.Steps[0];
        Reasoning.Reasoning answer = await reasoner!.ReasonToEndAsync(new ReasoningRequest
        {
            Video = video,
            Duration = subject.Duration,
            Instruction = text,
            EditRange = choices.Range ?? own?.Range,
            Existing = [.. subject.Tracks.Select(track => new ExistingSound(track.Name.Length > 0 ? track.Name : track.Id, track.Description))],
            Tokens = tokens,
        }, onStep, progress, cancel).ConfigureAwait(false);
        if (own is not null)
        {
            // What the grammar read for sure stays; the model's part is how the result sounds.
            if (answer.Edit is { } thought && IsOpposite(own.Action, thought.Operation))
                throw new EditException(EditProblem.Ambiguous, $"\"{text}\": the grammar reads \"{byGrammar!.Statements[0]}\", the model {answer.Provider} reads {thought.Operation.ToString().ToLowerInvariant()} {thought.Target}: say it in other words");
            return byGrammar! with { Reader = answer.Provider, Reasoning = answer };
        }
        if (answer.Edit is not { Target.Length: > 0 } plan)
            throw new EditException(EditProblem.NotUnderstood, $"\"{text}\": neither the grammar nor the model {answer.Provider} finds a change to a sound in it");
        // The model's answer is said in the grammar's own words, and so held against the sound as any instruction is.
        string verb = plan.Operation switch { EditOperation.Add => "add", EditOperation.Remove => "remove", EditOperation.Extend => "extend", _ => "inpaint" };
        bool isWhole = plan.End <= plan.Start || plan.Start <= TimeSpan.Zero && plan.End >= subject.Duration;
        var range = isWhole ? (TimeRange?)null : new TimeRange(plan.Start, plan.End < subject.Duration ? plan.End : subject.Duration);
        string target = plan.Target.Trim().TrimEnd('.');
        if (target.Length > 200) throw new EditException(EditProblem.NotUnderstood, $"\"{text}\": the model {answer.Provider} names no sound, but a text of {target.Length} characters");
        // One clause, whatever stands in the answer: a target smuggles in no further changes.
        IReadOnlyList<EditClause> clauses = EditGrammar.Read($"{verb} {target}");
        if (clauses is not [{ Kind: ClauseKind.Do }]) throw new EditException(EditProblem.NotUnderstood, $"\"{text}\": what the model {answer.Provider} calls a sound, \"{target}\", is an instruction");
        return Read($"{verb} {target}", subject, choices with { Range = choices.Range ?? range }) with { Instruction = text, Reader = answer.Provider, Reasoning = answer };
    }

    private static bool IsOpposite(EditAction action, EditOperation operation) => (action, operation) is
        (EditAction.Add, EditOperation.Remove) or (EditAction.Remove, EditOperation.Add or EditOperation.Extend) or (EditAction.Extend, EditOperation.Remove) or (EditAction.Replace, EditOperation.Extend);

    private static (EditScript?, EditException?) Try(Func<EditScript> read)
    {
        try
        {
            return (read(), null);
        }
        catch (EditException e)
        {
            return (null, e);
        }
    }
}
