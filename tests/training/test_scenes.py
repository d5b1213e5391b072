"""The scene generator: the same seed gives the same scene, splits share nothing, sound and picture obey one plan."""
import json
import unittest

import numpy as np

import support  # noqa: F401  puts training/ on the path
import scenes
from scenes import onsets, recordings
from scenes.kinds import KINDS
from scenes.kinds.base import Kind
from scenes.quality import decibels
from scenes.words import CLASH

DURATION_S = 2.0


def make(seed, name=None, split="train", **options):
    return scenes.generate(seed, options.pop("duration_s", DURATION_S), name, split, pictures=False, **options)


def seen_motion(frames):
    """Mean over the eight fastest of 16 × 16 cells of the change since the frame before, [num_frames]."""
    grey = frames.astype(np.float32).mean(-1).reshape(len(frames), 16, frames.shape[1] // 16, 16, -1).mean((2, 4))
    change = np.abs(np.diff(grey, axis=0)).reshape(len(frames) - 1, -1)
    return np.append(0, np.sort(change, 1)[:, -8:].mean(1))


class Contract(unittest.TestCase):
    def test_shapes_ranges_and_words_of_every_class(self):
        for name in scenes.CLASSES:
            with self.subTest(name):
                scene = scenes.generate(5, 1.3, name)
                self.assertEqual((scene.frames.shape, scene.frames.dtype), ((round(scenes.FPS * 1.3), 64, 64, 3), np.uint8))
                self.assertEqual((scene.audio.shape, scene.audio.dtype), ((2, round(44100 * 1.3)), np.float32))
                self.assertTrue(np.isfinite(scene.audio).all())
                self.assertEqual(scene.class_name, name)
                self.assertEqual(scene.classes[0], name)
                self.assertIn(scene.material, scenes.MATERIALS)
                self.assertTrue(2 <= len(scene.cot.split(". ")) <= 4, scene.cot)
                self.assertTrue(scene.caption and not scene.caption.endswith("."))
                self.assertEqual([e.time_s for e in scene.events], sorted(e.time_s for e in scene.events))
                for event in scene.events:
                    self.assertTrue(0 <= event.time_s < 1.3 and 0 < event.strength <= 1, event)

    def test_the_same_arguments_give_the_same_scene(self):
        for name in scenes.CLASSES:
            with self.subTest(name):
                one, two = scenes.generate(11, 1.0, name), scenes.generate(11, 1.0, name)
                self.assertEqual(one.as_dict(), two.as_dict())
                self.assertTrue(np.array_equal(one.audio, two.audio))
                self.assertTrue(np.array_equal(one.frames, two.frames))

    def test_the_order_of_reading_does_not_matter(self):
        one, two = make(3, "drip"), make(3, "drip")
        one.frames
        self.assertTrue(np.array_equal(one.audio, two.audio))
        self.assertTrue(np.array_equal(one.frames, two.frames))

    def test_a_larger_picture_shrinks_to_the_smaller(self):
        for name in ("bounce", "footsteps", "rain", "siren", "typing", "wind"):
            with self.subTest(name):
                scene = make(2, name, duration_s=0.6, companions=False)
                small = scene.render(64).astype(np.float32)
                shrunk = scene.render(256).astype(np.float32).reshape(len(small), 64, 4, 64, 4, 3).mean((2, 4))
                # Edges of one pixel against edges of a quarter: what remains is there, far below the picture's own contrast.
                self.assertLess(np.abs(small - shrunk).mean(), 6.0)

    def test_refuses_what_it_cannot_make(self):
        for arguments in ((1, 4.0, "piano"), (1, 4.0, None, "dev"), (1, 0.1), (1, 90.0), (-1, 4.0)):
            with self.assertRaises(ValueError):
                scenes.generate(*arguments)
        with self.assertRaises(ValueError):
            scenes.generate(1, size=4)


class Splits(unittest.TestCase):
    def test_one_seed_gives_other_scenes_in_other_splits(self):
        for name in ("bounce", "rain", "engine"):
            three = [make(1, name, split) for split in scenes.SPLITS]
            for a, b in ((0, 1), (1, 2), (0, 2)):
                self.assertFalse(np.array_equal(three[a].audio, three[b].audio))

    def test_streams_of_the_splits_never_meet(self):
        states = {
            tuple(make(seed, "bounce", split).streams["plan"].generate_state(4))
            for split in scenes.SPLITS
            for seed in range(50)
        }
        self.assertEqual(len(states), 150)

    def test_no_author_is_heard_in_two_splits(self):
        rows = (recordings.DATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        self.assertEqual(len(rows), len(recordings.decoded()[0]))
        authors = {}
        for row in map(json.loads, rows):
            authors.setdefault(row["author"], set()).add(row["split"])
        self.assertTrue(all(len(s) == 1 for s in authors.values()))
        held_out = sum("test" in s for s in authors.values())
        self.assertTrue(0.15 <= held_out / len(authors) <= 0.3, held_out / len(authors))

    def test_training_scenes_use_only_files_for_training(self):
        split_of = {t.file: t.split for t in recordings.decoded()[0]}
        used = {split: {f for seed in range(150) for f in make(seed, None, split).real} for split in scenes.SPLITS}
        self.assertEqual({split_of[f] for f in used["train"] | used["val"]}, {"train"})
        self.assertEqual({split_of[f] for f in used["test"]}, {"test"})


class Recordings(unittest.TestCase):
    def test_one_shots_begin_at_once_and_beds_are_level(self):
        rng = np.random.Generator(np.random.PCG64(0))
        for take in recordings.decoded()[0]:
            if take.use.startswith(("impact", "footstep", "door", "glass")):
                level = np.abs(take.one_shot())
                self.assertAlmostEqual(float(level.max()), 1.0, places=5)
                self.assertGreater(level[: int(0.008 * 44100)].max(), 0.2, take.file)
            elif take.use in ("rain_light", "rain_heavy", "wind", "engine", "fire"):
                self.assertAlmostEqual(float(np.sqrt(np.mean(take.bed(rng, 44100) ** 2))), 1.0, places=3)

    def test_a_quarter_of_the_scenes_that_can_use_them(self):
        can = ("bounce", "strike", "footsteps", "knock", "wind", "thunder", "fire", "engine")
        used = [bool(make(seed, can[seed % len(can)], companions=False).real) for seed in range(160)]
        # Binomial(160, ¼): 0.25 ± 3 · 0.034.
        self.assertTrue(0.14 <= np.mean(used) <= 0.36, np.mean(used))


class Levels(unittest.TestCase):
    def test_peaks_loudness_and_silence(self):
        for name in scenes.CLASSES:
            with self.subTest(name):
                for seed in range(4):
                    audio = make(seed, name, "val").audio
                    self.assertLessEqual(np.abs(audio).max(), 10 ** (-1 / 20) + 1e-6)
                    self.assertLess(np.abs(audio.mean(1)).max(), 1e-3)
                    if name == "silence":
                        self.assertEqual(np.abs(audio).max(), 0)
                    elif KINDS[name].bed and len(make(seed, name, "val").classes) == 1:
                        # Twice the span asked of beds, for gusts, gates and light rain: −50 … −14 dBFS rms.
                        self.assertTrue(-50 < decibels(float(np.sqrt(np.mean(audio**2)))) < -14)

    def test_the_faster_impact_is_the_louder(self):
        scene = make(4, "bounce", companions=False, duration_s=3.0)
        strong = [e for e in scene.events if e.strength > 0.1]
        self.assertGreaterEqual(len(strong), 2)
        self.assertEqual(sorted((e.strength for e in strong), reverse=True), [e.strength for e in strong])
        peaks = [np.abs(scene.audio[:, int(44100 * e.time_s) : int(44100 * (e.time_s + 0.03))]).max() for e in strong[:2]]
        self.assertGreater(peaks[0], peaks[1])

    def test_a_source_on_the_left_sounds_on_the_left(self):
        for name in ("bounce", "strike", "drip"):
            for seed in range(12):
                scene = make(seed, name, companions=False)
                if scene.events and abs(scene.events[0].x) > 0.25:
                    left, right = (scene.audio**2).sum(1)
                    self.assertEqual(right > left, scene.events[0].x > 0, (name, seed))


class PictureAndSound(unittest.TestCase):
    def test_the_ball_touches_the_floor_when_it_sounds(self):
        for seed in range(10):
            source = make(seed, "bounce", companions=False, duration_s=4.0).sources[0]
            times = np.array([e.time_s for e in source.events])
            _, height = source.path(times)
            self.assertLess(height.max(initial=0), 1e-6)
            _, before = source.path(times[:1] - 0.05)
            self.assertGreater(before.max(initial=1), 0.02)

    def test_the_foot_is_down_and_the_door_shut_when_they_sound(self):
        for seed in range(10):
            walk = make(seed, "footsteps", companions=False, duration_s=4.0).sources[0]
            for parity in (0, 1):
                landings = walk.step_times[parity::2]
                self.assertLess(walk.foot(landings, parity)[1].max(initial=0), 1e-6)
            door = make(seed, "door", companions=False, duration_s=4.0).sources[0]
            self.assertLess(door.angle(np.array([e.time_s for e in door.events])).max(initial=0), 1e-6)

    def test_pictures_change_when_it_sounds(self):
        """Much more changes in the first two pictures that can show an event than shortly before it."""
        for name in ("strike", "knock", "clock", "bell", "stream", "thunder", "siren", "bird", "insects"):
            at, before = [], []
            for seed in range(8):
                scene = scenes.generate(seed, 4.0, name, "val", companions=False)
                motion = seen_motion(scene.frames)
                for event in scene.events:
                    frame = int(np.ceil(event.seen_s * scenes.FPS - 1e-9))
                    if 6 <= frame < len(motion) - 2:
                        at.append(motion[frame : frame + 2].max())
                        before.append(np.median(motion[frame - 6 : frame - 2]))
            self.assertGreater(len(at), 1, name)
            self.assertGreater(np.mean(at), 1.25 * np.mean(before), name)

    def test_drops_and_doors_move_before_the_sound_not_after(self):
        for name in ("door", "drip"):
            before, after = [], []
            for seed in range(16):
                scene = scenes.generate(seed, 4.0, name, "val", companions=False)
                if np.any(np.diff([e.time_s for e in scene.events]) < 0.9) and name == "drip":
                    continue
                motion = seen_motion(scene.frames)
                for event in scene.events[:1]:
                    frame = int(np.ceil(event.seen_s * scenes.FPS))
                    if 4 < frame < len(motion) - 12:
                        before.append(motion[frame - 3 : frame].mean())
                        after.append(motion[frame + 8 : frame + 11].mean())
            self.assertGreater(len(before), 2)
            self.assertGreater(np.mean(before), 1.2 * np.mean(after), name)

    def test_more_streaks_more_rain_and_thunder_comes_after_light(self):
        light, heavy = [], []
        for seed in range(24):
            scene = make(seed, "rain", companions=False)
            source = scene.sources[0]
            (heavy if source.density > 0.6 else light).append(np.sqrt(np.mean(scene.audio**2)) / source.level)
        self.assertGreater(np.mean(heavy), 1.5 * np.mean(light))
        for seed in range(8):
            for event in make(seed, "thunder", companions=False, duration_s=4.0).events:
                self.assertGreater(event.time_s, event.seen_s)

    def test_what_is_outside_the_picture_is_not_seen(self):
        hidden = 0
        for seed in range(200):
            scene = make(seed)
            if len(scene.sources) == 2 and not scene.sources[1].stage.visible:
                hidden += 1
                self.assertTrue(all(not e.visible for e in scene.sources[1].events))
                self.assertRegex(scene.caption, "out of view|off screen")
        # Binomial(200, 0.1 · 21/22): 19 ± 3 · 4.2.
        self.assertTrue(6 <= hidden <= 32, hidden)


class Text(unittest.TestCase):
    def test_nothing_that_sounds_is_forbidden(self):
        for seed in range(400):
            scene = make(seed, split="val")
            last = scene.cot.rsplit(". ", 1)[-1]
            for phrase, name in CLASH.items():
                if name in scene.classes and any(
                    phrase in w.absent for s in scene.sources for w in (s.words(np.random.default_rng(0)),)
                ):
                    self.assertNotRegex(last, rf"\b{phrase}\b", scene.cot)

    def test_captions_vary(self):
        for name in scenes.CLASSES:
            self.assertGreater(len({make(seed, name).caption for seed in range(30)}), 5, name)

    def test_every_kind_is_complete(self):
        for name, kind in KINDS.items():
            self.assertTrue(issubclass(kind, Kind) and kind.name == name)
            for method in ("sound", "draw", "words"):
                self.assertIn(method, vars(kind), name)


class Onsets(unittest.TestCase):
    def test_events_are_heard_where_they_are_said_to_be(self):
        sharp = ("bounce", "strike", "knock", "clock", "bell", "typing", "drip", "scrape")
        made = [make(seed, sharp[seed % len(sharp)], "val", companions=False, duration_s=4.0) for seed in range(24)]
        true, mismatched = onsets.anchors(made)
        self.assertGreater(true.f1, 0.9)
        self.assertLess(true.median_error_s, 0.005)  # one frame of the detector
        self.assertLess(true.median_lag_s, 0.0101)
        self.assertGreater(true.f1, 2 * mismatched.f1)


if __name__ == "__main__":
    unittest.main()
