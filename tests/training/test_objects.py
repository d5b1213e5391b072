"""Stage two's measurements stand on the truth: the same picture as the scene's own, and what of it moves."""
import base64
import unittest

import numpy as np

import support  # noqa: F401  puts training/ on the path
import objects
import scenes


class ObjectsTest(unittest.TestCase):
    def test_tracing_draws_the_scenes_own_picture_and_covers_the_ball_where_it_is(self):
        scene = scenes.generate(0, 1.0, "bounce", "test", size=64, pictures=False, companions=False)
        ball = scene.sources[0]
        frames, cover = objects.traced(scene, ball)
        self.assertTrue(np.array_equal(frames, scene.render(64)))
        x, height = ball.path(np.arange(len(frames)) / scenes.FPS)
        for k in range(0, len(frames), 6):
            if not cover[k].any():
                continue
            rows, columns = np.nonzero(cover[k])
            self.assertAlmostEqual(columns.mean() / 32 - 1, x[k], delta=0.1)
            self.assertAlmostEqual(1 - rows.mean() / 32, ball.floor_y + height[k] + ball.radius, delta=0.15)
        frame, px, py = objects.click(cover)
        self.assertTrue(cover[frame, int(py * 64), int(px * 64)])

    def test_runs_are_read_as_they_are_written(self):
        mask = np.zeros((3, 200), bool)
        mask[1, 10:190] = True
        track = {"first_frame": 5, "width": 200, "height": 3, "frames": [{"seen": False}, {"seen": True, "mask": base64.b64encode(bytes([210 & 0x7F | 0x80, 1, 180 & 0x7F | 0x80, 1])).decode()}]}
        found = objects.masks_of(track)
        self.assertEqual(list(found), [6])
        self.assertTrue(np.array_equal(found[6], mask))
        clicked, iou, error, seen = objects.against({6: mask}, np.stack([np.zeros_like(mask)] * 6 + [mask]), 6)
        self.assertEqual((clicked, iou, error, seen), (1.0, 1.0, 0.0, 1.0))


if __name__ == "__main__":
    unittest.main()
