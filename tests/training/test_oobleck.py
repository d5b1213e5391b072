"""The Oobleck VAE against the reference: both directions, every layer that is stored, folded weights, chunks."""
import unittest

import torch

from support import Golden, GoldenTestCase
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.oobleck import Oobleck, sample
from twin.sampler import euler, guided_flow

VAE = 2e-5  # relative L2, goldens' README


class OobleckTest(GoldenTestCase):
    @torch.no_grad()
    def test_both_directions_match_the_reference(self):
        golden = Golden("vae_small")
        model = Oobleck(golden.json("config")["model"])
        model.load_state_dict(golden.weights())
        seen = {}
        for name, module in model.named_modules():
            module.register_forward_hook(lambda m, inputs, output, name=name: seen.__setitem__(name, output))
        for case in golden.json("cases"):
            with self.subTest(case):
                seen.clear()
                if f"in.{case}.audio" in golden:
                    moments = model.encode(golden[f"in.{case}.audio"])
                    latent, kl = sample(moments, golden[f"in.{case}.noise"], axis=1)
                    mean, scale = moments.chunk(2, 1)
                    for name, ours in (("mean", mean), ("scale", scale), ("latent", latent), ("kl", kl)):
                        self.assert_close(ours, golden[f"out.{case}.{name}"], VAE, f"{case}: {name}")
                else:
                    audio = model.decode(golden[f"in.{case}.latent"])
                    whole = "audio_unchunked" if case == "dec_chunked" else "audio"
                    if f"out.{case}.{whole}" in golden:
                        self.assert_close(audio, golden[f"out.{case}.{whole}"], VAE, case)
                for name, ours in seen.items():
                    if f"mid.{case}.{name}" in golden:
                        self.assert_close(ours, golden[f"mid.{case}.{name}"], VAE, f"{case}: {name}")

    @torch.no_grad()
    def test_the_references_splice_of_chunks_can_be_made_from_the_twin(self):
        golden = Golden("vae_small")
        model = Oobleck({"decoder": golden.json("config")["model"]["decoder"]})
        model.load_state_dict({k: v for k, v in golden.weights().items() if k.startswith("decoder.")})
        case, latent = golden.json("cases")["dec_chunked"], golden["in.dec_chunked.latent"]
        size, overlap, hop, total = case["chunk_size"], case["overlap"], 2048, latent.shape[2]
        starts = list(range(0, total - size + 1, size - overlap))
        starts += [total - size] if starts[-1] + size < total else []
        audio = torch.empty(1, 2, hop * total)
        for start in starts:
            left = 0 if start == 0 else overlap // 2
            right = size if start + size == total else size - overlap // 2
            part = model.decode(latent[:, :, start : start + size])
            audio[..., hop * (start + left) : hop * (start + right)] = part[..., hop * left : hop * right]
        self.assert_close(audio, golden["out.dec_chunked.audio"], VAE)

    def test_folded_weights_match_the_reference(self):
        golden = Golden("vae_small")
        model = Oobleck(golden.json("config")["model"])
        model.load_state_dict(golden.weights())
        modules, prefix = dict(model.named_modules()), "mid.effective_weight."
        names = [key[len(prefix) :] for key in golden.tensors if key.startswith(prefix)]
        self.assertGreaterEqual(len(names), 5)
        for name in names:
            self.assert_close(modules[name].weight, golden[prefix + name], 1e-6, name)

    def test_a_fresh_network_begins_with_its_directions_as_weights(self):
        model = Oobleck(Golden("vae_small").json("config")["model"])
        for module in model.modules():
            if hasattr(module, "weight_g"):
                self.assert_close(module.weight, module.weight_v.detach(), 1e-6)


class PipelineTest(GoldenTestCase):
    @torch.no_grad()
    def test_conditions_and_noise_become_the_references_samples(self):
        golden = Golden("pipeline_small")
        config, weights = golden.json("config"), Golden("vae_small").weights()
        vae = Oobleck(config["vae"]["model"])
        vae.load_state_dict(weights)
        if "in.noise" in golden:
            dit = Mmdit.from_state(MmditConfig(**config["diffusion"]), Golden("mmdit_small").weights())
            features = Features(golden["in.metaclip_features"], golden["in.sync_features"], golden["in.metaclip_text_features"], golden["in.t5_features"])
            missing = ~golden["in.video_exist"].bool()
            features = dit.dropped(features, clip=missing, sync=missing)
            noise = golden["in.noise"].transpose(1, 2)
            latent = euler(guided_flow(dit, features, noise.shape[1], 5.0), noise, 24).transpose(1, 2)
            self.assert_close(latent, golden["mid.latent"], 5e-5)
        else:
            latent = golden["mid.latent"]
        audio = vae.decode(latent)
        if "mid.audio_float" in golden:
            self.assert_close(audio, golden["mid.audio_float"], 2e-4)
        samples = (audio / audio.abs().max()).clamp(-1, 1).mul(32767).to(torch.int16)
        off = (samples.int() - golden["out.audio_int16"].int()).abs()
        self.assertLessEqual(int(off.max()), 12)
        self.assertLess(float((off > 2).float().mean()), 0.05)


if __name__ == "__main__":
    unittest.main()
