"""The shipped codec encodes in the units in which the flow makes latents, and `latent_units` can put one right that does not."""
import shutil
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from support import ROOT
import clips
import latent_units
import model
import product
import scenes
from twin import safetensors

BUNDLE = Path(ROOT, "models", "foley-small")


class LatentUnitsTest(unittest.TestCase):
    def test_codec_and_flow_agree(self):
        if not product.library_path().exists():
            self.skipTest("the native library is not built (scripts/build.sh --native cpu)")
        # Of 4 sounds a standard deviation is known to a third or so; the channels that were wrong once were so by 1.5 to 20.
        factors = latent_units.measure(BUNDLE, 4)
        self.assertLess(np.abs(np.log(factors)).max(), np.log(1.6), f"channels {np.argsort(-np.abs(np.log(factors)))[:5]}: python3 -m latent_units {BUNDLE}")

    def test_rescaling_leaves_the_codec_as_it_is(self):
        factors = torch.ones(model.LATENT_DIM)
        factors[[3, 25]] = torch.tensor([2.0, 0.5])
        y = torch.from_numpy(clips.log_mel(scenes.generate(5, 2.0, split="val", pictures=False).audio))[None]
        with tempfile.TemporaryDirectory() as folder, torch.no_grad():
            bundle = Path(folder, "bundle")
            shutil.copytree(BUNDLE, bundle)
            latent_units.rescale(bundle, factors)
            before, after = (model.of_bundle(at).codec for at in (BUNDLE, bundle))
            old, new = (codec.encode(y).chunk(2, -1)[0] for codec in (before, after))
            # The rows' scales are float32, biases float16: 2⁻¹¹ of the bias.
            bias = before.encoder.out.bias[: model.LATENT_DIM].abs().max() * factors.max() * 2**-10
            torch.testing.assert_close(new, old * factors, rtol=1e-5, atol=float(bias) + 1e-5)
            # Columns of the decoder are rounded anew, to half a step of their rows: 1/254 of a row's largest weight.
            stored = safetensors.read_stored(BUNDLE / "model.safetensors", "vae.decoder.in.weight")[0][""]
            step = 0.5 * float(stored.scale.max()) * 3 * float((old * factors).abs().amax((0, 1))[[3, 25]].sum())
            entered = [getattr(codec.decoder, "in")(latents.transpose(1, 2)) for codec, latents in ((before, old), (after, new))]
            self.assertLess(float((entered[0] - entered[1]).abs().max()), step + 1e-3)


if __name__ == "__main__":
    unittest.main()
