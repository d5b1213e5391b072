"""T5, both CLIP towers and Synchformer against the reference, inner stages included."""
import unittest

import torch

from support import Golden, GoldenTestCase
from twin.clip_text import ClipText
from twin.clip_vision import ClipVision
from twin.pixels import clip_pixels, sync_pixels
from twin.synchformer import Synchformer, SynchformerConfig
from twin.t5 import T5Config, T5Encoder

ENCODER = 1e-5  # relative L2, goldens' README


def watch(modules: dict) -> dict:
    """Outputs of modules by name, filled by the next forward."""
    seen = {}
    for name, module in modules.items():
        module.register_forward_hook(lambda m, inputs, output, name=name: seen.__setitem__(name, output))
    return seen


class EncoderTest(GoldenTestCase):
    def assert_mids(self, golden, seen):
        for name, ours in seen.items():
            if f"mid.{name}" in golden:
                reference = golden[f"mid.{name}"]
                self.assert_close(ours[tuple(slice(n) for n in reference.shape)], reference, ENCODER, name)

    @torch.no_grad()
    def test_t5_matches_the_reference(self):
        golden = Golden("t5_small")
        model = T5Encoder.from_state(T5Config(**golden.json("config")), golden.weights())
        seen = watch({f"block{i}": block for i, block in enumerate(model.encoder.block)}
                     | {f"block{i}.after_attn": block.layer[0] for i, block in enumerate(model.encoder.block)})
        ids = golden["in.input_ids"].long()
        self.assert_close(model(ids, golden["in.attention_mask"]), golden["out.last_hidden_state"], ENCODER)
        self.assert_mids(golden, seen)
        self.assert_close(model(ids[:, :40]), golden["out.nomask40.last_hidden_state"], ENCODER, "without mask")
        if "mid.position_bias" in golden:
            self.assertTrue(torch.equal(model.position_bias(77), golden["mid.position_bias"]))

    @torch.no_grad()
    def test_clip_text_matches_the_reference(self):
        golden = Golden("clip_text_small")
        model = ClipText.from_state(golden.json("config"), golden.weights())
        seen = watch({"text.embeddings": model.text_model.embeddings}
                     | {f"text.layer{i}": layer for i, layer in enumerate(model.text_model.encoder.layers)})
        ids = golden["in.input_ids"].long()
        for case, mask in (("", golden["in.attention_mask"]), ("nomask.", None)):
            hidden, pooled = model(ids, mask)
            if f"out.{case}last_hidden_state" in golden:
                self.assert_close(hidden, golden[f"out.{case}last_hidden_state"], ENCODER, case)
            self.assert_close(pooled, golden[f"out.{case}text_features"], ENCODER, case)
            if not case:
                self.assert_mids(golden, seen)

    @torch.no_grad()
    def test_clip_vision_matches_the_reference(self):
        golden = Golden("clip_vision_small")
        model = ClipVision.from_state(golden.json("config"), golden.weights())
        tower = model.vision_model
        seen = watch({"vision.embeddings": tower.embeddings, "vision.pre_layrnorm": tower.pre_layrnorm, "vision.pooled": tower}
                     | {f"vision.layer{i}": layer for i, layer in enumerate(tower.encoder.layers)})
        self.assert_close(model(golden["in.pixel_values"]), golden["out.image_features"], ENCODER)
        self.assert_mids(golden, seen)

    @torch.no_grad()
    def test_synchformer_matches_the_reference(self):
        golden = Golden("synchformer_small")
        model = Synchformer.from_state(SynchformerConfig(**golden.json("config")), golden.weights())
        tower = model.vfeat_extractor
        seen = watch({"patch_embed_3d": tower.patch_embed_3d.proj, "norm_no_cls": tower.norm}
                     | {f"block{i}": block for i, block in enumerate(tower.blocks)}
                     | {f"block{i}.{name}": getattr(block, name) for i, block in enumerate(tower.blocks) for name in ("attn", "timeattn")})
        frames = sync_pixels(golden["in.frames_u8"])
        self.assert_close(model(frames[None, :16])[None], golden["out.segment"], ENCODER)
        seen["embedded"] = tower.embed(frames[None, :16])
        self.assert_mids(golden, seen)
        video = model(model.segments(frames[golden["in.video_index"].long()]))
        self.assert_close(video.flatten(0, 1)[None], golden["out.video"], ENCODER)

    def test_pixels_match_the_reference(self):
        golden = Golden("preprocess")
        for key in (key for key in golden.tensors if key.startswith("out.") and "clip_fast" not in key):
            _, size, name, _ = key.split(".")
            u8 = golden[f"mid.{size}.{'sync_cropped' if name == 'sync' else 'clip_slow_resized'}_u8"]
            ours = (sync_pixels if name == "sync" else clip_pixels)(u8[:1, :, 96:128])
            self.assertLessEqual((ours - golden[key]).abs().max().item(), 2.0**-22, key)  # an ulp of values up to 4


if __name__ == "__main__":
    unittest.main()
