using Microsoft.Extensions.AI;
using ThinkSound.Reasoning.Onnx.Pictures;

namespace ThinkSound.Reasoning.Onnx.Families;

internal abstract record Part;

internal sealed record TextPart(string Text) : Part;

internal sealed record PicturePart(RgbImage Picture) : Part;

/// <summary>Frames, as many times, and the duration of the whole, in seconds.</summary>
internal sealed record VideoPart(IReadOnlyList<RgbImage> Frames, IReadOnlyList<double> Times, double Duration) : Part;

/// <summary>What one side said; the role is "system", "user" or "assistant".</summary>
internal sealed record Turn(string Role, IReadOnlyList<Part> Parts)
{
    /// <summary>Chat messages with their pictures read.</summary>
    public static List<Turn> Of(IEnumerable<ChatMessage> messages)
    {
        var turns = new List<Turn>();
        int pictures = 0;
        foreach (ChatMessage message in messages)
        {
            string role = message.Role.Value;
            if (role is not ("system" or "user" or "assistant")) throw new UnsupportedException($"a message of the role \"{role}\": these models know system, user and assistant");
            turns.Add(new Turn(role, [.. message.Contents.Select(Read).OfType<Part>()]));
        }
        if (turns.Count == 0) throw new ArgumentException("there is no message", nameof(messages));
        return turns;

        Part? Read(AIContent content) => content switch
        {
            TextContent text => new TextPart(text.Text),
            DataContent data when data.HasTopLevelMediaType("image") => new PicturePart(PictureReader.Read(data.Data.Span, $"picture {++pictures} ({data.MediaType})")),
            VideoFramesContent video => new VideoPart([.. Enumerable.Range(0, video.Frames.Count).Select(i => RgbImage.Of(video.Frames, i))],
                [.. video.Times.Select(time => time.TotalSeconds)], video.Duration.TotalSeconds),
            DataContent data => throw new UnsupportedException($"content of the type {data.MediaType}: these models take text and pictures"),
            UriContent uri => throw new UnsupportedException($"{uri.Uri} is not fetched: give a picture as DataContent, with its bytes"),
            UsageContent or TextReasoningContent => null, // of an earlier answer; not said to anybody
            _ => throw new UnsupportedException($"content of the kind {content.GetType().Name}: these models take text and pictures"),
        };
    }
}
