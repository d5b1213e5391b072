namespace ThinkSound.Projects;

/// <summary>Who renders which kind of operation. Levels (<see cref="MixPayload"/>) are always among them.</summary>
public sealed class OperationRenderers
{
    private readonly Dictionary<string, IOperationRenderer> _byKind = new() { [MixPayload.KindName] = new MixRenderer() };

    /// <summary>One renderer a kind; of two, the later counts.</summary>
    public OperationRenderers(params IEnumerable<IOperationRenderer> renderers)
    {
        ArgumentNullException.ThrowIfNull(renderers);
        foreach (IOperationRenderer renderer in renderers) _byKind[renderer.Kind] = renderer;
    }

    /// <summary>The kinds that can be rendered.</summary>
    public IReadOnlyCollection<string> Kinds => _byKind.Keys;

    /// <summary>Who renders a payload.</summary>
    /// <exception cref="UnsupportedException">Nobody does.</exception>
    public IOperationRenderer For(OperationPayload payload)
    {
        ArgumentNullException.ThrowIfNull(payload);
        return _byKind.GetValueOrDefault(payload.Kind)
            ?? throw new UnsupportedException($"nothing here renders operations of the kind \"{payload.Kind}\"; known are {string.Join(", ", _byKind.Keys.Order())}");
    }
}
