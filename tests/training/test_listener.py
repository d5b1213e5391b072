"""The listener: its golden file, and the network written out in double."""
import math
import unittest

import numpy as np
import torch

from support import ROOT, Golden, GoldenTestCase
from twin.listener import Listener, ListenerConfig

FLOAT = 3e-6  # relative L2, goldens' README


def plainly(weights: dict, config: ListenerConfig, latent: np.ndarray, tokens: np.ndarray) -> tuple[np.ndarray, np.ndarray, float]:
    """One latent [N, ·] and the rows [T, ·] of one caption's tokens: unit vectors, logit."""
    w = {name: value.double().numpy() for name, value in weights.items()}

    def convolve(name, x, taps, alone=False):
        padded = np.pad(x, ((taps // 2, taps // 2), (0, 0)))
        windows = np.stack([padded[j : j + len(x)] for j in range(taps)], -1)                    # [N, C, taps]
        kernel = w[f"{name}.weight"]
        return (np.einsum("nct,ct->nc", windows, kernel[:, 0]) if alone else np.einsum("nct,oct->no", windows, kernel)) + w[f"{name}.bias"]

    def norm(name, x):
        centred = x - x.mean(-1, keepdims=True)
        return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * w[f"{name}.weight"] + w[f"{name}.bias"]

    def mlp(name, x):
        hidden = x @ w[f"{name}.fc1.weight"].T + w[f"{name}.fc1.bias"]
        hidden = hidden * (1 + np.vectorize(math.erf)(hidden / math.sqrt(2))) / 2
        return hidden @ w[f"{name}.fc2.weight"].T + w[f"{name}.fc2.bias"]

    h = convolve("in", latent, 3)
    for i in range(config.num_blocks):
        h = h + mlp(f"blocks.{i}", norm(f"blocks.{i}.norm", convolve(f"blocks.{i}.dw", h, 7, alone=True)))
    h = norm("norm", h)
    sound, words = mlp("sound", np.concatenate([h.mean(0), h.max(0)])), mlp("text", tokens.mean(0))
    sound, words = sound / np.linalg.norm(sound), words / np.linalg.norm(words)
    return sound, words, float(w["scale"] * sound @ words + w["bias"])


class ListenerTest(GoldenTestCase):
    @torch.no_grad()
    def test_golden_file_still_holds_and_is_the_network_written_out(self):
        golden = Golden("listener_small", ROOT / "tests" / "golden")
        config = ListenerConfig(**golden.json("config"))
        model = Listener(config)
        model.load_state_dict(golden.weights())
        for case in golden.json("cases"):
            latent, text, mask = (golden[f"in.{case}.{name}"] for name in ("latent", "text", "mask"))
            sound, words = model.of_sound(latent), model.of_text(text, mask)
            for name, ours in (("sound", sound), ("words", words), ("logits", model.logits(sound, words))):
                self.assert_close(ours, golden[f"out.{case}.{name}"], FLOAT, f"{case}: {name}")
            for i in range(len(latent)):
                for j in range(len(text)):
                    tokens = text[j][mask[j].bool()].double().numpy()
                    sound, words, logit = plainly(golden.weights(), config, latent[i].double().numpy(), tokens)
                    self.assert_close(golden[f"out.{case}.sound"][i], torch.from_numpy(sound), FLOAT, case)
                    self.assert_close(golden[f"out.{case}.words"][j], torch.from_numpy(words), FLOAT, case)
                    self.assert_close(golden[f"out.{case}.logits"][i, j], torch.tensor(logit), FLOAT, case)


if __name__ == "__main__":
    unittest.main()
