using System.CommandLine;
using ThinkSound.Projects;
using ThinkSound.Reasoning;

namespace ThinkSound.Cli;

/// <summary>What is pointed at in a picture: clicks, a box or a polygon, a moment and a range.</summary>
internal sealed class SelectionArguments
{
    private readonly Option<string[]> _at = new("--at") { Description = "A click on the object: fractions of the picture from the left and from above, such as 0.4,0.6. May be given several times.", HelpName = "X,Y" };
    private readonly Option<string[]> _beside = new("--beside") { Description = "A click on what does not belong to it; may be given several times.", HelpName = "X,Y" };
    private readonly Option<string?> _box = new("--box") { Description = "A box around it: left, top, width, height as fractions.", HelpName = "X,Y,W,H" };
    private readonly Option<string?> _polygon = new("--polygon") { Description = "Its outline, three corners or more: 0.1,0.1;0.3,0.1;0.2,0.4.", HelpName = "X,Y;X,Y;…" };
    private readonly Option<double> _time = new("--time") { Description = "The moment of the picture that is pointed at.", HelpName = "SECONDS" };
    private readonly Option<string?> _range = new("--range") { Description = "Where it is followed, such as 1.5..4. Default: to the ends of its shot.", HelpName = "A..B" };

    private const double LatestS = 1e6;

    public void AddTo(Command command)
    {
        foreach (Option option in (Option[])[_at, _beside, _box, _polygon, _time, _range]) command.Add(option);
        foreach (Option<string[]> clicks in (Option<string[]>[])[_at, _beside])
            clicks.Require(texts => texts is null || texts.All(text => NumberText.List(text, ",") is [_, _]), $"{clicks.Name} is x,y as fractions of the picture, such as 0.4,0.6");
        _box.Require(text => text is null || NumberText.List(text, ",") is [_, _, _, _], "--box is left,top,width,height as fractions of the picture, such as 0.5,0.2,0.3,0.3");
        _polygon.Require(text => text is null || Corners(text) is not null, "--polygon is corners x,y with semicolons between them, such as 0.1,0.1;0.3,0.1;0.2,0.4");
        _time.Require(t => Math.Abs(t) <= LatestS, "--time is seconds from the begin of the video");
        _range.Require(text => text is null || Range(text) is not null, "--range is two times in seconds, such as 1.5..4");
    }

    /// <exception cref="UsageException">Nothing is pointed at.</exception>
    public ObjectSelection Read(ParseResult parsed)
    {
        ClickPoint[] clicks = [.. Clicks(_at, true), .. Clicks(_beside, false)];
        var selection = new ObjectSelection
        {
            Time = TimeSpan.FromSeconds(parsed.GetValue(_time)),
            Points = clicks,
            Box = parsed.GetValue(_box) is { } box && NumberText.List(box, ",") is [var x, var y, var width, var height] ? new VideoRegion(x, y, width, height) : null,
            Polygon = parsed.GetValue(_polygon) is { } polygon ? Corners(polygon)! : [],
            Range = parsed.GetValue(_range) is { } range ? Range(range) : null,
        };
        if (!clicks.Any(click => click.IsOn) && selection is { Box: null, Polygon.Count: 0 }) throw new UsageException("point at the object: --at X,Y, --box X,Y,W,H or --polygon X,Y;X,Y;…, with --time SECONDS");
        return selection;

        IEnumerable<ClickPoint> Clicks(Option<string[]> option, bool isOn) => (parsed.GetValue(option) ?? []).Select(text => NumberText.List(text, ",")!).Select(n => new ClickPoint(n[0], n[1], isOn));
    }

    private static PicturePoint[]? Corners(string text)
    {
        double[]?[] corners = [.. text.Split(';').Select(part => NumberText.List(part, ","))];
        return corners.All(corner => corner is [_, _]) ? [.. corners.Select(corner => new PicturePoint(corner![0], corner[1]))] : null;
    }

    private static TimeRange? Range(string text) =>
        NumberText.List(text, "..") is [var from, var to] && Math.Abs(from) <= LatestS && Math.Abs(to) <= LatestS ? new TimeRange(TimeSpan.FromSeconds(from), TimeSpan.FromSeconds(to)) : null;
}
