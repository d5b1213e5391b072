"""The recogniser: its golden file, and the network written out in double."""
import math
import unittest

import numpy as np
import torch

from support import ROOT, Golden, GoldenTestCase
from twin.recogniser import Recogniser, RecogniserConfig

FLOAT = 3e-6  # relative L2, goldens' README


def plainly(weights: dict, clip: np.ndarray, sync: np.ndarray) -> tuple[list, list]:
    """One item, clip [C, ·] and sync [S, ·]: the scene's logits, the onsets' logits of each row."""
    def mlp(name, x):
        w1, b1, w2, b2 = (weights[f"{name}.{layer}"].double().numpy() for layer in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias"))
        hidden = [z * (1 + math.erf(z / math.sqrt(2))) / 2 for z in w1 @ x + b1]
        return w2 @ np.array(hidden) + b2
    return mlp("scene", np.concatenate([clip.mean(0), sync.mean(0), sync.max(0)])), [mlp("onset", row) for row in sync]


class RecogniserTest(GoldenTestCase):
    @torch.no_grad()
    def test_golden_file_still_holds_and_is_the_network_written_out(self):
        golden = Golden("recogniser_small", ROOT / "tests" / "golden")
        model = Recogniser(RecogniserConfig(**golden.json("config")))
        model.load_state_dict(golden.weights())
        for case in golden.json("cases"):
            clip, sync = golden[f"in.{case}.clip"], golden[f"in.{case}.sync"]
            for name, ours in zip(("classes", "materials", "onsets"), model(clip, sync)):
                self.assert_close(ours, golden[f"out.{case}.{name}"], FLOAT, f"{case}: {name}")
            for item in range(len(clip)):
                scene, onsets = plainly(golden.weights(), clip[item].double().numpy(), sync[item].double().numpy())
                stored = torch.cat([golden[f"out.{case}.classes"][item], golden[f"out.{case}.materials"][item]])
                self.assert_close(stored, torch.from_numpy(scene), FLOAT, case)
                self.assert_close(golden[f"out.{case}.onsets"][item], torch.from_numpy(np.array(onsets)), FLOAT, case)


if __name__ == "__main__":
    unittest.main()
