using OpenCvSharp;

namespace ThinkSound.Objects;

/// <summary>Where the scene lies, picture by picture, as far as a camera may go: where it has gone too far to be compared with the first
/// picture, it is compared with a later one. One caller at a time.</summary>
/// <param name="first">The first picture, BGR, 8 bits.</param>
internal sealed class CameraPath(Mat first) : IDisposable
{
    private readonly double _reach = CameraShift.ReachOf(first.Width, first.Height);
    private readonly Mat _last = first.Clone();
    private CameraShift? _reference;
    private Point2d _from; // of the reference

    /// <summary>How far the scene of the last picture lies from where it was in the first, in pixels to the right and down.</summary>
    public Point2d Shift { get; private set; }

    /// <summary>The next picture.</summary>
    /// <param name="picture">BGR, 8 bits, of the first one's size.</param>
    /// <param name="told">Its shift, where somebody knows; else it is looked for.</param>
    public void Next(Mat picture, Point2d? told)
    {
        if (told is not null) _reference = null;
        else if ((_reference?.To(picture, Shift - _from, _reach) ?? Renewed(picture)) is { } shift) told = _from + shift;
        Shift = told ?? Shift;
        picture.CopyTo(_last);
    }

    public void Dispose() => _last.Dispose();

    private Point2d? Renewed(Mat picture)
    {
        (_reference, _from) = (new CameraShift(_last), Shift);
        return _reference.To(picture, default, _reach);
    }
}
