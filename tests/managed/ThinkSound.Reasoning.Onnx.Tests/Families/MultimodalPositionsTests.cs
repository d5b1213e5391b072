using ThinkSound.Reasoning.Onnx.Families;

namespace ThinkSound.Reasoning.Onnx.Tests.Families;

public class MultimodalPositionsTests
{
    private static long[] Axis(Positions positions, int axis) => positions.Ids[(axis * positions.Ids.Length / 3)..((axis + 1) * positions.Ids.Length / 3)];

    private static void Check(Positions positions, long[] time, long[] row, long[] column, long next)
    {
        Assert.That(positions.Axes, Is.EqualTo(3));
        Assert.That(Axis(positions, 0), Is.EqualTo(time), "time");
        Assert.That(Axis(positions, 1), Is.EqualTo(row), "row");
        Assert.That(Axis(positions, 2), Is.EqualTo(column), "column");
        Assert.That(positions.Next, Is.EqualTo(next));
    }

    [Test]
    public void Text_counts_on_along_all_axes() => Check(MultimodalPositions.Of(4, []), [0, 1, 2, 3], [0, 1, 2, 3], [0, 1, 2, 3], 4);

    [Test]
    public void A_picture_spreads_over_rows_and_columns_and_text_goes_on_past_the_larger() => Check(
        // Two of text, 2 rows of 3 columns, two of text. The picture begins at 2 and reaches to 4, its third column: text goes on at 5.
        MultimodalPositions.Of(10, [new TokenGrid(2, 1, 2, 3, 1)]),
        [0, 1, 2, 2, 2, 2, 2, 2, 5, 6],
        [0, 1, 2, 2, 2, 3, 3, 3, 5, 6],
        [0, 1, 2, 3, 4, 2, 3, 4, 5, 6], 7); // 10 tokens, but the next position is 7: the delta of decoding is −3

    [Test]
    public void Each_picture_begins_where_the_text_before_it_ended() => Check(
        // One of text, 2 × 2 from 1 to 2, one of text at 3, 1 × 2 from 4 to 5, and the prompt ends with it.
        MultimodalPositions.Of(8, [new TokenGrid(1, 1, 2, 2, 1), new TokenGrid(6, 1, 1, 2, 1)]),
        [0, 1, 1, 1, 1, 3, 4, 4],
        [0, 1, 1, 2, 2, 3, 4, 4],
        [0, 1, 2, 1, 2, 3, 4, 5], 6);

    [Test]
    public void A_video_counts_its_steps() => Check(
        // Three steps of 2 × 2: 0, 1, 2 in time, so text goes on at 3.
        MultimodalPositions.Of(14, [new TokenGrid(0, 3, 2, 2, 1)]),
        [0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 4],
        [0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 3, 4],
        [0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1, 3, 4], 5);

    [Test]
    public void A_video_in_real_time_is_cut_to_whole_positions_step_by_step() => Check(
        // 1.25 s to a step, 2 positions a second: 0, 2.5, 5 → 0, 2, 5 past the text; what follows is past the last step.
        MultimodalPositions.Of(5, [new TokenGrid(1, 3, 1, 1, 2.5)]),
        [0, 1, 3, 6, 7],
        [0, 1, 1, 1, 7],
        [0, 1, 1, 1, 7], 8);
}
