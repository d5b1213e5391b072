namespace ThinkSound.Reasoning.Onnx.Text;

/// <summary>A prompt before it is tokens: what the template says, in which special tokens are special, and what people said, in which
/// they are plain text.</summary>
internal sealed class PromptText
{
    private readonly List<(string Text, bool IsTemplate)> _parts = [];

    public IReadOnlyList<(string Text, bool IsTemplate)> Parts => _parts;

    public PromptText Template(string text) => Add(text, isTemplate: true);

    public PromptText Literal(string text) => Add(text, isTemplate: false);

    private PromptText Add(string text, bool isTemplate)
    {
        if (text.Length > 0) _parts.Add((text, isTemplate));
        return this;
    }

    public override string ToString() => string.Concat(_parts.Select(part => part.Text));
}
