"""The benchmark: its baseline computes what the twin computes, its arithmetic is the product's, a part that dies hurts no other,
and the whole program runs on a CPU at tiny sizes."""
import copy
import json
import os
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import torch

from support import ROOT, relative_l2
import product
from timing import inference, parts, sizes
from timing.baseline import built
from twin.clip_text import ClipText
from twin.clip_vision import ClipVision
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.oobleck import Oobleck
from twin.sampler import euler, guided_flow
from twin.synchformer import Synchformer, SynchformerConfig
from twin.t5 import T5Config, T5Encoder

SMALL, CPU = sizes.SIZES["small"], torch.device("cpu")


@torch.no_grad()
def drawn(make) -> torch.nn.Module:
    """A network none of whose parameters is what it begins as."""
    torch.manual_seed(1)
    network = built(make, CPU)
    for weight in network.parameters():
        weight.add_(0.1 * torch.randn_like(weight))
    return network


class InferenceTest(unittest.TestCase):
    """float32 either way; the order of sums differs, and complex turns against real ones."""

    @torch.no_grad()
    def test_a_prepared_network_answers_as_the_twin(self):
        networks = {
            "decoder": (lambda: Oobleck({"decoder": SMALL["vae"]["decoder"]}).decoder, torch.randn(1, 64, 9)),
            "clip_vision": (lambda: ClipVision(SMALL["clip_vision"]), torch.randn(3, 3, 28, 28)),
            "synchformer": (lambda: Synchformer(SynchformerConfig(**SMALL["synchformer"])), torch.randn(2, 16, 3, 32, 32)),
            "clip_text": (lambda: ClipText(SMALL["clip_text"]), torch.randint(100, (1, 77))),
            "t5": (lambda: T5Encoder(T5Config(**SMALL["t5"])), torch.randint(100, (1, 77))),
        }
        for name, (make, given) in networks.items():
            with self.subTest(name):
                network = drawn(make)
                prepared = inference.prepared(copy.deepcopy(network), "cudnn")
                self.assertFalse([module for module in prepared.modules() if type(module) in inference.FORMS])
                ours, twin = prepared(given), network(given)
                self.assertLess(relative_l2(*((ours[0], twin[0]) if isinstance(ours, tuple) else (ours, twin))), 2e-6)

    @torch.no_grad()
    def test_the_sampling_loop_follows_the_twins_flow(self):
        clip, c = sizes.Clip(2, 4, 5.0), SMALL["mmdit"]
        network = drawn(lambda: Mmdit(MmditConfig(**c)))
        features = Features(*(torch.randn(2, rows, width) for rows, width in (
            (clip.clip_len, c["clip_dim"]), (clip.sync_len, c["sync_dim"]), (77, c["clip_text_dim"]), (77, c["text_dim"]))))
        noise = torch.randn(2, clip.latent_len, c["latent_dim"])
        twin = euler(guided_flow(network, features, clip.latent_len, clip.cfg), noise, clip.steps)
        for convolutions in inference.CONVOLUTIONS:
            prepared = inference.prepared(copy.deepcopy(network), convolutions)
            self.assertFalse([module for module in prepared.modules() if type(module) in inference.FORMS])
            self.assertLess(relative_l2(inference.SamplingLoop(prepared, clip, CPU)(noise, features), twin), 2e-5, convolutions)


class SizesTest(unittest.TestCase):
    def test_arithmetic_is_what_the_products_own_benchmark_counts(self):
        told = json.loads((ROOT / "bench/results/xeon-avx512-fp16-2-cores/published-9s-bf16-products.json").read_text(encoding="utf-8"))
        clip, names = sizes.Clip(9, 24, 5.0), {"text_clip", "text_t5", "sample_loop", "decode", "generate", "end_to_end"}
        counted = {stage["name"]: stage["gflop"] for stage in told["stages"] if stage["name"] in names}
        self.assertEqual(set(counted), names)
        for name, gflop in counted.items():
            self.assertAlmostEqual(sizes.flop("published", clip, name) / 1e9 / gflop, 1, 6, name)
        self.assertEqual(sizes.flop("published", clip, "sample_loop_x16"), 16 * sizes.flop("published", clip, "sample_loop"))


WORKER = """
import os, signal, sys, time
sys.path.insert(0, {training!r})
from timing import parts
def answer(name):
    if "dies" in name: os.kill(os.getpid(), signal.SIGSEGV)
    if "hangs" in name: time.sleep(60)
    if "raises" in name: raise ValueError("no good\\nand more")
    if "lost" in name: raise parts.Lost("the card is gone")
    print("noise on standard output")
    return {{"pid": os.getpid()}}
parts.serve(((name, 2, lambda: answer(name)) for name in sys.argv[2:]), int(sys.argv[1]))
"""


class PartsTest(unittest.TestCase):
    def run_group(self, names: list[str], seconds: float = 30):
        done, failed = {}, {}
        group = parts.Group([sys.executable, "-c", WORKER.format(training=str(ROOT / "training"))], names)
        group.run(time.monotonic() + seconds, done.__setitem__, failed.__setitem__)
        self.assertEqual(set(done) | set(failed), set(names))
        return done, failed

    def test_a_part_that_raises_leaves_its_process_to_the_others(self):
        done, failed = self.run_group(["a/one", "a/raises", "a/two"])
        self.assertEqual(failed, {"a/raises": "ValueError: no good"})
        self.assertEqual(done["a/one"], done["a/two"])

    def test_a_part_that_dies_hangs_or_loses_its_device_costs_only_itself(self):
        done, failed = self.run_group(["a/one", "a/dies", "a/two", "b/hangs", "b/lost", "c/three"])
        self.assertEqual(set(done), {"a/one", "a/two", "c/three"})
        self.assertEqual(len({answer["pid"] for answer in done.values()}), 3)
        self.assertIn("SIGSEGV", failed["a/dies"])
        self.assertIn("noise on standard output", failed["a/dies"])
        self.assertEqual((failed["b/hangs"], failed["b/lost"]), ("no answer in time", "the card is gone"))

    def test_a_variant_that_goes_on_dying_is_given_up(self):
        done, failed = self.run_group(["a/dies", "a/dies too", "a/one", "b/one"])
        self.assertEqual((set(done), failed["a/one"]), ({"b/one"}, "not tried after 2 such failures"))

    def test_what_comes_too_late_is_not_tried(self):
        done, failed = self.run_group(["a/one", "b/one"], seconds=-1)
        self.assertEqual((done, set(failed.values())), ({}, {"not tried: the time was over"}))

    def test_samples_are_summed_up(self):
        times = iter([9.0, 3.0, 1.0, 2.0])
        told = parts.measure(lambda: next(times), seconds=0)
        self.assertEqual((told["cold_s"], told["samples_s"], told["min_s"], told["median_s"]), (9.0, [3.0, 1.0, 2.0], 1.0, 2.0))


class SpeedTest(unittest.TestCase):
    def test_the_whole_program_runs_on_a_cpu(self):
        if not product.library_path().exists():
            self.skipTest("the native library is not built (scripts/build.sh --native cpu)")
        with tempfile.TemporaryDirectory() as folder:
            output = Path(folder, "speed.json")
            run = subprocess.run(
                [sys.executable, "-m", "speed", "--device", "cpu", "--size", "small", "--duration", "1", "--steps", "2", "--seconds", "0", "--compile-mode", "none",
                 "--setting", "default", "--setting", "separate attention=mma", "--minutes", "3", "--commit", "0123abc", "-o", str(output)],
                cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT / "training")}, capture_output=True, text=True, timeout=300)
            self.assertEqual(run.returncode, 0, run.stdout + run.stderr)
            told, text = json.loads(output.read_text(encoding="utf-8")), output.with_suffix(".md").read_text(encoding="utf-8")
        why = {f"{row['variant']}/{row['stage']}": row["why"] for row in told["failed"]}
        # Debian's PyTorch 1.13 cannot do the bf16 transposed convolutions of a CPU.
        self.assertEqual({reason for part, reason in why.items() if part != "eager bf16/decode"}, {"RuntimeError: recording needs a card"})
        found = {(row["source"], row["variant"], row["stage"]): row for row in told["stages"]}
        for part in (("ours", "default", "end_to_end"), ("ours", "default", "first_pcm"), ("ours", "separate attention=mma", "sample_loop"), ("ours", "precision=f32", "decode"),
                     ("ours", "default", "sample_loop_x16"), ("baseline", "eager bf16", "sample_loop"), ("baseline", "eager fp16 autocast", "decode")):
            self.assertGreater(found[part]["median_s"], 0, part)
            self.assertEqual(len(found[part]["samples_s"]), 3, part)
        self.assertEqual(told["engines"]["precision=f32"]["precision"], "f32")
        self.assertGreater(told["memory"]["default"]["weights_bytes"], 0)
        self.assertEqual((told["environment"]["commit"], told["environment"]["torch"]), ("0123abc", torch.__version__))
        self.assertGreater(told["ceilings"]["product"]["per_s"], 0)
        loop = next(row for row in told["comparison"] if row["stage"] == "sample_loop")
        self.assertAlmostEqual(loop["times_as_fast"], loop["baseline_s"] / loop["ours_s"])
        self.assertAlmostEqual(loop["ours_of_ceiling"], loop["gflop"] * 1e9 / loop["ours_s"] / told["ceilings"]["product"]["per_s"])
        self.assertIn("| sampling loop |", text)


if __name__ == "__main__":
    unittest.main()
