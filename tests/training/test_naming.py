"""Things are named as the program names them, and what the recogniser learns from is what the program shows."""
import unittest
from types import SimpleNamespace

import numpy as np
import torch
from torch import nn

import support
import model
import naming
import objects
import product
import regions
import scenes

BUNDLE = support.ROOT / "models" / "foley-small"


class NamingTest(unittest.TestCase):
    def test_a_name_is_held_against_the_scene_and_against_what_is_there_at_rest(self):
        # Rows are logits here. In the region fire is as likely as the ball, and more so at rest; a bell is likelier, and not in the scene.
        logits = {"region": (2.0, 2.1, 3.0), "scene": (3.0, 3.0, -9.0), "still": (-4.0, 4.0, -9.0)}
        names = ("bounce", "fire", "bell")
        things = []
        for view in regions.VIEWS:
            rows = torch.full((1, 2, len(scenes.CLASSES) + len(scenes.MATERIALS)), -12.0)
            rows[..., [scenes.CLASSES.index(name) for name in names]] = torch.tensor(logits[view])
            things.append(naming.Examples(rows, model.class_rows([["bounce"]])))
        self.assertEqual(naming.named(nn.Identity(), things), 1.0)
        things[0].classes = model.class_rows([["bell"]])
        self.assertEqual(naming.named(nn.Identity(), things), 0.0)

    def test_what_a_picture_at_rest_must_show_is_all_but_the_thing(self):
        lines = [{"name": "bounce", "classes": ["bounce", "fire"], "material": "rubber"}, {"name": "bell", "classes": ["bell"], "material": "metal"}]
        made = SimpleNamespace(lines=lines, rows={view: np.zeros((2, 2, 4), np.float32) for view in regions.VIEWS})
        region, scene, still = naming.of_things(made, np.arange(2))
        self.assertEqual([scenes.CLASSES[k] for k in region.classes.argmax(1)], ["bounce", "bell"])
        self.assertTrue(torch.equal(scene.classes, model.class_rows([["bounce", "fire"], ["bell"]])))
        self.assertTrue(torch.equal(still.classes, model.class_rows([["fire"], []])))
        self.assertEqual([scenes.MATERIALS[k] for k in region.materials], ["rubber", "metal"])
        self.assertTrue((scene.materials == naming.NOT_SAID).all())

    @unittest.skipUnless(objects.PROGRAM.exists() and product.library_path().is_file(), "needs scripts/build.sh --cli")
    def test_a_ball_is_clicked_in_the_program_and_named(self):
        regions._begin(BUNDLE)
        [(line, rows)] = regions.things((0, "val"))[:1]
        self.assertEqual((line["name"], line["classes"][0]), ("bounce", "bounce"))
        self.assertLess(line["begin_s"], line["end_s"])
        head = model.of_bundle(BUNDLE).recogniser.scene
        for view in regions.VIEWS:
            self.assertEqual(rows[view].shape, (2, head.fc1.in_features))
        thing = naming.of_things(SimpleNamespace(lines=[line], rows={view: rows[view][None] for view in regions.VIEWS}), np.arange(1))
        self.assertEqual(naming.named(head, thing), 1.0)


if __name__ == "__main__":
    unittest.main()
