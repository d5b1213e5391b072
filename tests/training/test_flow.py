"""The flow trainer: gradients over threads, resuming, adapters, data of both kinds."""
import contextlib
import io
import json
import tempfile
import unittest
from pathlib import Path

import numpy as np
import torch

from support import GoldenTestCase

import flow
import flow_data
import sync_stream
from encoders import onset_curves
from twin import lora, safetensors
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.objective import DropRates

CONFIG = dict(latent_dim=4, clip_dim=6, sync_dim=5, text_dim=8, clip_text_dim=8, hidden_dim=16, depth=2, fused_depth=1, num_heads=2,
              latent_seq_len=22, clip_seq_len=8, sync_seq_len=24, text_seq_len=3, v2=True, kernel_size=3)
FLOW = 3e-5  # float noise of a flow, goldens' README


def network(seed: int = 1) -> Mmdit:
    """A small network in which nothing is zero."""
    torch.manual_seed(seed)
    model = Mmdit(MmditConfig(**CONFIG))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model


def write_shards(folder: Path, count: int = 12, pictures: bool = True, seed: int = 0) -> Path:
    """One second of sound a clip; latents that words and pictures foretell."""
    random = np.random.default_rng(seed)
    folder.mkdir(parents=True)
    meaning = random.standard_normal((count, 1, 4))
    arrays = {"latents": np.repeat(meaning, 22, 1), "clip_text": np.tile(meaning, (1, 3, 2)), "t5": random.standard_normal((count, 3, 8)),
              "clip": random.standard_normal((count, 8, 6)), "sync": random.standard_normal((count, 24, 5)), "video_exist": np.ones(count, np.uint8)}
    for name, array in arrays.items():
        if pictures or name not in ("clip", "sync"):
            np.save(folder / f"{name}.npy", array.astype(np.float16) if name != "video_exist" else array)
    return folder


def features(batch: int = 2) -> Features:
    generator = torch.Generator().manual_seed(5)
    return Features(*(torch.randn(batch, *shape, generator=generator) for shape in ((8, 6), (24, 5), (3, 8), (3, 8))))


class FlowTest(GoldenTestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.config = self.folder / "network.json"
        self.config.write_text(json.dumps(CONFIG))

    def run_flow(self, *arguments) -> str:
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            flow.main([str(argument) for argument in arguments])
        return printed.getvalue()

    def train(self, data: Path, output: Path, steps: int, *more) -> str:
        return self.run_flow("train", data, "--config", self.config, "--steps", steps, "--batch", 4, "--device", "cpu", "--workers", 1,
                             "--schedule", "inverse", "-o", output, *more)

    def test_threads_share_a_batch_without_changing_its_gradients(self):
        model = network()
        trained = [p for p in model.parameters() if p.requires_grad]
        batch = flow_data.Shards(write_shards(self.folder / "a"), model.config).batch(np.arange(5))
        results = [flow.Objective(model, trained, DropRates(), seed=3, workers=workers).gradients(7, batch) for workers in (1, 2, 3)]
        for loss, gradients in results[1:]:
            self.assert_close(loss, results[0][0], 2e-6)
            for ours, alone in zip(gradients, results[0][1]):
                self.assert_close(ours, alone, 5e-5)

    def test_the_projection_learns_to_say_when_something_strikes(self):
        """Row 8g + j tells of frame 8g + 2j, as Synchformer's rows do."""
        folder, random = write_shards(self.folder / "s", count=256), np.random.default_rng(3)
        times = random.uniform(0.1, 0.9, 256)
        lines = [{"events": [{"time_s": float(time), "visible": True}]} for time in times]
        frames = 8 * (np.arange(24) // 8) + 2 * (np.arange(24) % 8)
        sync = 0.1 * random.standard_normal((256, 24, 5))
        sync[..., 0] += np.abs(frames - (times * 24)[:, None]) < 1.5
        np.save(folder / "sync.npy", sync.astype(np.float16))
        np.save(folder / "onsets.npy", onset_curves(lines, 88, 4 * 44100 / 2048).astype(np.float16))
        data, model = flow_data.opened(folder, MmditConfig(**CONFIG)), Mmdit(MmditConfig(**CONFIG))

        def error_s() -> float:
            """Mean error of the moment that a linear reading, fitted to the stream, finds likeliest."""
            rows = np.arange(256)
            with torch.no_grad():
                stream = model.sync_stream(data.batch(rows).features.sync, 22).flatten(0, 1).double()
                stream = torch.cat([stream, torch.ones(len(stream), 1)], 1)
                struck = data.onsets(rows).unflatten(1, (22, 4)).amax(-1).flatten().double()
                fit = torch.linalg.lstsq(stream.T @ stream + 1e-3 * torch.eye(17), stream.T @ struck).solution
                found = (stream @ fit).reshape(256, 22).argmax(1).numpy() * 2048 / 44100
            return float(np.abs(found + 0.023 - times).mean())
        before = error_s()
        with contextlib.redirect_stdout(io.StringIO()):
            sync_stream.teach(model, [data], 150, seed=1)
        self.assertLess(error_s(), 0.5 * before)
        with self.assertRaisesRegex(ValueError, "onsets.npy"):
            sync_stream.teach(model, [flow_data.opened(write_shards(self.folder / "t"), model.config)], 1, seed=1)

    def test_a_run_that_was_stopped_goes_on_as_if_it_had_not(self):
        data = write_shards(self.folder / "a")
        self.train(data, self.folder / "whole", 6)
        self.train(data, self.folder / "parts", 3)
        printed = self.train(data, self.folder / "parts", 6)
        self.assertIn("at step 3", printed)
        whole, parts = (torch.load(self.folder / name / "checkpoint.pt") for name in ("whole", "parts"))
        for kind in ("model", "ema"):
            for name, value in whole[kind].items():
                self.assertTrue(torch.equal(value, parts[kind][name]), f"{kind}: {name}")
        self.assertTrue((self.folder / "whole" / "loss.png").stat().st_size > 0)
        self.assertEqual(list(self.folder.rglob("*.tmp*")), [])

    def test_training_lowers_the_loss_on_held_out_clips(self):
        data, held_out = write_shards(self.folder / "a", 64), write_shards(self.folder / "b", 16, seed=1)
        printed = self.train(data, self.folder / "run", 150, "--validate", held_out, "--lr", 3e-3, "--ema", 0.9)
        history = torch.load(self.folder / "run" / "checkpoint.pt")["history"]
        first = flow.Validation([flow_data.opened(held_out, MmditConfig(**CONFIG))], 128, 4).loss(Mmdit(MmditConfig(**CONFIG)))
        last = float(printed.split("validation loss")[1])
        self.assertLess(last, 0.8 * first)
        self.assertIn("val_loss", history[-1][1])
        weights, _ = safetensors.read(self.folder / "run" / "mmdit.safetensors")
        self.assertEqual(set(weights), set(network().state_dict()))

    def test_adapters_train_alone_and_merge_into_what_they_computed(self):
        model = network()
        safetensors.write(self.folder / "base.safetensors", {f"model.model.{k}": v for k, v in model.state_dict().items()})
        data = write_shards(self.folder / "a")
        self.run_flow("finetune", data, "--base", self.folder / "base.safetensors", "--config", self.config, "--lora", 2, "--alpha", 4, "--steps", 4,
                      "--batch", 4, "--lr", 1e-2, "--ema", 0.5, "--device", "cpu", "-o", self.folder / "tuned")
        file = self.folder / "tuned" / "adapter.safetensors"
        tensors, metadata = safetensors.read(file)
        self.assertEqual(metadata["alpha"], "4")
        self.assertEqual(list(tensors["joint_blocks.0.text_block.attn.qkv.lora_A"].shape), [2, 16])
        self.assertEqual(list(tensors["joint_blocks.0.text_block.attn.qkv.lora_B"].shape), [48, 2])
        self.assertTrue(all(name.startswith(lora.BLOCKS) for name in tensors))
        self.assertGreater(tensors["fused_blocks.0.adaLN_modulation.1.lora_B"].abs().max(), 0)

        self.run_flow("merge", "--base", self.folder / "base.safetensors", "--config", self.config, "--adapter", file, "-o", self.folder / "merged.safetensors")
        merged, _ = safetensors.read(self.folder / "merged.safetensors", "model.model.")
        changed = {name for name, value in model.state_dict().items() if not torch.equal(value, merged[name])}
        self.assertEqual(changed, {name.replace("lora_A", "weight") for name in tensors if name.endswith("lora_A")})
        adapted = network()
        adapters = lora.Adapters(adapted, 2, 4)
        adapters.load_state_dict({"layers." + "/".join(n.split(".")[:-1]) + "." + n.split(".")[-1]: v for n, v in tensors.items()})
        x, t = torch.randn(2, 22, 4), torch.rand(2)
        with torch.no_grad():
            self.assert_close(Mmdit.from_state(adapted.config, merged)(x, t, features()), adapted(x, t, features()), FLOW)

    def test_a_fresh_adapter_changes_nothing_and_one_of_another_network_is_refused(self):
        model = network()
        state = {name: value.clone() for name, value in model.state_dict().items()}
        adapters = lora.Adapters(model, 2, 2)
        merged = lora.merge(state, adapters.tensors(), 2)
        self.assertTrue(all(torch.equal(merged[name], value) for name, value in state.items()))
        foreign = {"fused_blocks.0.attn.qkv.lora_A": torch.zeros(2, 17), "fused_blocks.0.attn.qkv.lora_B": torch.zeros(48, 2)}
        with self.assertRaisesRegex(ValueError, r"made for \[48, 17\], the layer is \[48, 16\]"):
            lora.merge(state, foreign, 2)
        with self.assertRaisesRegex(ValueError, "no such layer"):
            lora.merge(state, {"fused_blocks.7.attn.qkv.lora_A": torch.zeros(2, 16), "fused_blocks.7.attn.qkv.lora_B": torch.zeros(48, 2)}, 2)

    def test_full_fine_tuning_keeps_the_names_of_a_published_checkpoint(self):
        model = network()
        torch.save({f"model.model.{k}": v for k, v in model.state_dict().items()}, self.folder / "light.ckpt")
        self.run_flow("finetune", write_shards(self.folder / "a"), "--base", self.folder / "light.ckpt", "--config", self.config, "--steps", 2,
                      "--batch", 4, "--lr", 1e-3, "--ema", 0.5, "--device", "cpu", "-o", self.folder / "tuned")
        tuned, _ = safetensors.read(self.folder / "tuned" / "mmdit.safetensors", "model.model.")
        self.assertEqual(set(tuned), set(model.state_dict()))
        self.assertTrue(torch.equal(tuned["empty_t5_feat"], model.empty_t5_feat))
        self.assertFalse(torch.equal(tuned["final_layer.conv.weight"], model.final_layer.conv.weight))

    def test_schedules_are_the_references(self):
        rate = flow.inverse_rate(5e-5)
        self.assertAlmostEqual(rate(0), 5e-7, delta=1e-12)
        self.assertAlmostEqual(rate(1_000_000), 5e-5 / 2**0.5, delta=1e-12)
        self.assertEqual([flow.reference_ema(step) for step in (1, 2)], [0, 0])
        self.assertAlmostEqual(flow.reference_ema(17), 1 - 16**-0.75)
        self.assertEqual(flow.reference_ema(10**7), 0.9999)


class FlowDataTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.config = MmditConfig(**CONFIG)

    def write_item(self, name: str, **changes) -> None:
        random = np.random.default_rng(len(name))
        item = {"metaclip_features": random.standard_normal((8, 6)), "sync_features": random.standard_normal((24, 5)),
                "metaclip_text_features": random.standard_normal((3, 8)), "t5_features": random.standard_normal((3, 8)),
                "latent": random.standard_normal((4, 22)), **changes}
        item = {key: value.astype(np.float32) for key, value in item.items() if value is not None}
        if name.endswith(".npz"):
            np.savez(self.folder / name, caption="a dog", **item)
        else:
            torch.save({key: torch.from_numpy(value) for key, value in item.items()} | {"id": "7"}, self.folder / name)

    def test_both_kinds_of_feature_files_are_read(self):
        self.write_item("a.npz")
        self.write_item("bb.pth")
        data = flow_data.opened(self.folder, self.config)
        self.assertIsInstance(data, flow_data.FeatureFiles)
        batch = data.batch(np.arange(2))
        self.assertEqual([list(x.shape) for x in (batch.sound, batch.features.clip, batch.features.t5)], [[2, 22, 4], [2, 8, 6], [2, 3, 8]])
        np.testing.assert_array_equal(batch.sound[0].numpy().T, np.load(self.folder / "a.npz")["latent"])
        self.assertTrue(batch.video_exist.all())

    def test_missing_latents_are_zeros_and_sounds_without_pictures_say_so(self):
        self.write_item("a.npz", latent=None)
        self.write_item("b.npz", metaclip_features=None, sync_features=None)
        batch = flow_data.opened(self.folder, self.config).batch(np.arange(2))
        self.assertEqual(float(batch.sound[0].abs().max()), 0)
        self.assertEqual(batch.video_exist.tolist(), [True, False])
        self.assertEqual(list(batch.features.sync.shape), [2, 24, 5])

    def test_an_extra_folder_overrides_and_a_split_chooses(self):
        self.write_item("a.npz")
        self.write_item("b.npz")
        extra = self.folder / "extra"
        extra.mkdir()
        torch.save({"t5_features": torch.full((3, 8), 9.0)}, extra / "b.pth")
        (self.folder / "split.txt").write_text("b.pth\n")  # the name of a file that there is only as .npz
        data = flow_data.opened(self.folder, self.config, split=self.folder / "split.txt", extra_cot=extra)
        self.assertEqual(len(data), 1)
        self.assertTrue(bool((data.batch(np.arange(1)).features.t5 == 9).all()))

    def test_faults_name_the_file(self):
        self.write_item("a.npz")
        self.write_item("b.npz", latent=np.zeros((4, 44)))
        with self.assertRaisesRegex(ValueError, "b.npz: latents is not as long"):
            flow_data.opened(self.folder, self.config).batch(np.arange(2))
        self.write_item("a.npz", t5_features=None)
        with self.assertRaisesRegex(ValueError, "a.npz: no t5_features"):
            flow_data.opened(self.folder, self.config).batch(np.arange(1))
        (self.folder / "a.npz").write_bytes(b"PK nothing")
        with self.assertRaisesRegex(ValueError, "a.npz: cannot be read"):
            flow_data.FeatureFiles(self.folder, self.config).batch(np.arange(1))

    def test_shards_without_pictures_get_lengths_of_their_own(self):
        data = flow_data.opened(write_shards(self.folder / "s", pictures=False), self.config)
        batch = data.batch(np.array([3, 1]))
        self.assertFalse(batch.video_exist.any())
        self.assertEqual([batch.features.clip.shape[1], batch.features.sync.shape[1]], [8, 24])
        self.assertEqual(flow_data.visual_lens(194), (72, 216))

    def test_latents_beside_an_onset_count_more(self):
        folder = write_shards(self.folder / "s")
        self.assertTrue(bool((flow_data.opened(folder, self.config).batch(np.arange(3)).emphasis == 1).all()))
        lines = [{"events": [{"time_s": 0.5, "visible": True}, {"time_s": 0.9, "visible": False}]}] + 11 * [{"events": []}]
        np.save(folder / "onsets.npy", onset_curves(lines, 4 * 22, 4 * 44100 / 2048).astype(np.float16))
        emphasis = flow_data.opened(folder, self.config).batch(np.arange(3)).emphasis
        self.assertEqual((emphasis[0] > 1).nonzero().flatten().tolist(), [9, 10, 11])  # 0.5 s is within latent 10
        self.assertAlmostEqual(float(emphasis[0, 10] / emphasis[0, 0]), flow_data.STRIKE, delta=0.01)
        np.testing.assert_allclose(emphasis.mean(1), 1, atol=1e-3)

    def test_shards_as_npz_hold_the_same(self):
        plain = write_shards(self.folder / "plain")
        arrays = {path.stem: np.load(path) for path in plain.glob("*.npy")}
        (self.folder / "packed").mkdir()
        for i, rows in enumerate((slice(0, 5), slice(5, 12))):
            np.savez(self.folder / "packed" / f"{i}.npz", **{name: array[rows] for name, array in arrays.items()})
        batches = [flow_data.opened(folder, self.config).batch(np.array([2, 7, 11])) for folder in (plain, self.folder / "packed")]
        self.assertTrue(torch.equal(batches[0].sound, batches[1].sound))
        self.assertTrue(torch.equal(batches[0].features.sync, batches[1].features.sync))

    def test_shards_that_do_not_fit_are_refused(self):
        folder = write_shards(self.folder / "s")
        np.save(folder / "t5.npy", np.zeros((12, 3, 9), np.float16))
        with self.assertRaisesRegex(ValueError, r"t5 is \[12, 3, 9\], the model takes 8"):
            flow_data.opened(folder, self.config)
        np.save(folder / "t5.npy", np.zeros((11, 3, 8), np.float16))
        with self.assertRaisesRegex(ValueError, "differ in their number of clips"):
            flow_data.opened(folder, self.config)

    def test_batches_come_from_folders_in_proportion(self):
        data = [flow_data.opened(write_shards(self.folder / name, count), self.config) for name, count in (("s", 30), ("t", 10))]
        mixture = flow_data.Mixture(data, seed=1)
        np.testing.assert_allclose(mixture.chances, [0.75, 0.25])
        self.assertTrue(torch.equal(mixture.batch(5, 4).sound, flow_data.Mixture(data, seed=1).batch(5, 4).sound))
        self.assertFalse(torch.equal(mixture.batch(5, 4).sound, mixture.batch(6, 4).sound))


if __name__ == "__main__":
    unittest.main()
