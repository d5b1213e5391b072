using System.Globalization;
using ThinkSound.Projects;

namespace ThinkSound.Objects;

/// <summary>Refuses what is pointed at nowhere, before anything is read.</summary>
internal static class SelectionChecks
{
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(0.05); // containers round

    /// <summary>Whatever the video.</summary>
    /// <exception cref="ArgumentException">It points at nothing, or outside of the picture.</exception>
    public static void Check(this ObjectSelection selection)
    {
        bool hasBox = selection.Box is not null, hasClick = selection.Points.Any(point => point.IsOn), hasPolygon = selection.Polygon.Count > 0;
        if (!hasBox && !hasClick && !hasPolygon) throw new ArgumentException("nothing is pointed at: give a click on the object, a box or a polygon");
        if (hasPolygon && (hasBox || selection.Points.Count > 0)) throw new ArgumentException("a polygon is the object's outline; give it alone, without clicks and boxes");
        foreach (ClickPoint click in selection.Points) Inside(click.X, click.Y, "click");
        foreach (PicturePoint corner in selection.Polygon) Inside(corner.X, corner.Y, "corner");
        if (selection.Polygon.Count is 1 or 2) throw new ArgumentException($"a polygon of {selection.Polygon.Count} corners has no area; give three or more");
        if (hasPolygon && AreaOf(selection.Polygon) < 1e-6) throw new ArgumentException("the polygon has no area: its corners lie on one line");
        if (selection.Box is { Width: 0 } or { Height: 0 }) throw new ArgumentException("the box has no area"); // one that was never made
    }

    /// <summary>Times against those of a video.</summary>
    /// <param name="selection">What is pointed at.</param>
    /// <param name="path">The video, for the message.</param>
    /// <param name="duration">Of its picture.</param>
    /// <exception cref="ArgumentException">A time lies outside.</exception>
    public static void CheckTimes(this ObjectSelection selection, string path, TimeSpan duration)
    {
        double length = duration.TotalSeconds, time = selection.Time.TotalSeconds;
        if (selection.Time < TimeSpan.Zero || selection.Time > duration + Slack)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{path}: there is no picture at {time:0.###} s; it has {length:0.###} s"));
        if (selection.Range is not { } range) return;
        (double start, double end) = (range.Start.TotalSeconds, range.End.TotalSeconds);
        if (range.Start < TimeSpan.Zero || range.End <= range.Start || range.End > duration + Slack)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"{path}: {start:0.###} to {end:0.###} s is no range of its {length:0.###} s"));
        if (selection.Time < range.Start || selection.Time > range.End)
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the object is pointed at, at {time:0.###} s, outside of the range {start:0.###} to {end:0.###} s in which it is followed"));
    }

    private static void Inside(double x, double y, string what)
    {
        if (!(x is >= 0 and <= 1 && y is >= 0 and <= 1)) // NaN, too
            throw new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"the {what} {x},{y} lies outside of the picture: give fractions from 0 to 1"));
    }

    /// <summary>The shoelace formula.</summary>
    private static double AreaOf(IReadOnlyList<PicturePoint> corners)
    {
        double twice = 0;
        for (int i = 0; i < corners.Count; i++)
        {
            (PicturePoint a, PicturePoint b) = (corners[i], corners[(i + 1) % corners.Count]);
            twice += a.X * b.Y - b.X * a.Y;
        }
        return Math.Abs(twice) / 2;
    }
}
