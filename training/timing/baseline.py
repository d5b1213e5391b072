"""The same work in PyTorch, and the card's ceilings. Times are of CUDA events around a call, inputs already on the card.

Parts are "VARIANT/STAGE" (`variants`). Conditions and timestep embeddings are computed once a clip, as in the product;
guidance is one batch of two. Weights are random: powers and clocks depend on data, and zeros are easy.
"""
import time
from contextlib import nullcontext

import torch

from timing.inference import SamplingLoop, prepared
from timing.parts import Lost, measure
from timing.sizes import SIZES, TEXT_LEN, Clip
from timing.variants import VARIANTS, Variant
from twin.clip_text import ClipText
from twin.clip_vision import ClipVision
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.oobleck import Oobleck
from twin.synchformer import Synchformer, SynchformerConfig
from twin.t5 import T5Config, T5Encoder

def built(make, device: torch.device) -> torch.nn.Module:
    """The network on the device, every weight drawn at a size that keeps activations alive."""
    with torch.device(device) if hasattr(torch.nn.Module, "compile") else nullcontext():
        network = make().to(device).eval()
    with torch.no_grad():
        for name, weight in network.named_parameters():
            if weight.dim() > 1 and not name.endswith("weight_g"):
                weight.normal_(std=(weight.shape[0] / weight.numel()) ** 0.5)
    return network


class Baseline:
    def __init__(self, options: dict):
        self.options, self.clip, self.configs = options, Clip(**options["clip"]), SIZES[options["size"]]
        self.device = torch.device(options["device"])
        self.is_card = self.device.type == "cuda"
        self.key, self.network = None, None
        torch.backends.cudnn.benchmark = True
        torch.manual_seed(1)

    def network_of(self, stage: str, variant: Variant) -> torch.nn.Module:
        """The one network that is kept, or a new one in its place."""
        name = stage.partition("_x")[0]
        key = (name, variant.autocast, variant.convolutions, variant.compiled)
        if key != self.key:
            self.key, self.network = None, None
            if self.is_card:
                torch.cuda.empty_cache()
            c = self.configs
            make = {"sample_loop": lambda: Mmdit(MmditConfig(**c["mmdit"])), "decode": lambda: Oobleck({"decoder": c["vae"]["decoder"]}),
                    "clip_vision": lambda: ClipVision(c["clip_vision"]), "synchformer": lambda: Synchformer(SynchformerConfig(**c["synchformer"])),
                    "text_clip": lambda: ClipText(c["clip_text"]), "text_t5": lambda: T5Encoder(T5Config(**c["t5"]))}[name]
            with torch.no_grad():
                network = prepared(built(make, self.device), variant.convolutions)
            self.network = network if variant.autocast else network.to(torch.bfloat16)
            self.key = key
        return self.network

    def work(self, stage: str, variant: Variant):
        """A function without arguments that does the stage once, on the device."""
        network, dtype = self.network_of(stage, variant), torch.float32 if variant.autocast else torch.bfloat16

        def random(*shape):
            return torch.randn(shape, device=self.device, dtype=dtype)
        if stage.startswith("sample_loop"):
            batch, c = int(stage.partition("_x")[2] or 1), self.configs["mmdit"]
            features = Features(clip=random(batch, self.clip.clip_len, c["clip_dim"]), sync=random(batch, self.clip.sync_len, c["sync_dim"]),
                                text=random(batch, TEXT_LEN, c.get("clip_text_dim", 1024)), t5=random(batch, TEXT_LEN, c["text_dim"]))
            noise = torch.randn((batch, self.clip.latent_len, c["latent_dim"]), device=self.device)
            loop = SamplingLoop(network, self.clip, self.device)
            if variant.compiled == "blocks":
                from torch._dynamo import config as dynamo
                dynamo.recompile_limit = 64  # a kind of block is compiled once, but each block asks
                for block in (*network.joint_blocks, *network.fused_blocks):
                    block.compile(dynamic=False)
            elif variant.compiled:
                step = torch.compile(loop.step, mode=self.compile_mode(), dynamic=False)

                def fresh(*arguments):  # what a recorded step returned is overwritten by the next
                    torch.compiler.cudagraph_mark_step_begin()
                    return step(*arguments).clone()
                loop.step = fresh
            return lambda: loop(noise, features)
        config = self.configs[{"text_clip": "clip_text", "text_t5": "t5", "decode": "vae"}.get(stage, stage)]
        if stage == "decode":
            run, given = network.decode, random(1, 64, self.clip.latent_len)
        elif stage == "clip_vision":
            side = config["vision_config"]["image_size"]
            run, given = network, random(self.clip.clip_len, 3, side, side)
        elif stage == "synchformer":
            run, given = network, random(self.clip.segments, config["frames_per_segment"], 3, config["image"], config["image"])
        else:
            words = config["text_config"]["vocab_size"] if stage == "text_clip" else config["vocab_size"]
            run, given = network, torch.randint(words, (1, TEXT_LEN), device=self.device)
        if variant.compiled:
            run = torch.compile(run, mode=self.compile_mode(), dynamic=False)
        return lambda: run(given)

    def compile_mode(self) -> str | None:
        return None if self.options["compile_mode"] == "default" else self.options["compile_mode"]

    def run(self, name: str, stage: str) -> dict:
        variant = VARIANTS[name]
        try:
            return self.run_variant(variant, stage)
        except RuntimeError as error:
            # A fault of the card, or of what is recorded, stays for the rest of the process.
            if self.is_card and (variant.recorded or "CUDA error" in str(error)):
                raise Lost(str(error)) from error
            raise

    def run_variant(self, variant: Variant, stage: str) -> dict:
        if variant.recorded and not self.is_card:
            raise RuntimeError("recording needs a card")
        if variant.compiled and not hasattr(torch, "compile"):
            raise RuntimeError(f"PyTorch {torch.__version__} has no torch.compile")
        short = torch.float16 if self.is_card else torch.bfloat16  # the CPU's autocast knows bf16 alone
        with torch.no_grad(), torch.autocast(self.device.type, short) if variant.autocast else nullcontext():
            began = time.perf_counter()
            work = self.work(stage, variant)
            answer = work()  # compiles, tunes and fills tables, none of which can be recorded
            if not torch.isfinite(answer[0] if isinstance(answer, tuple) else answer).all():
                raise ValueError("the answer has values that are no numbers")
            cold = time.perf_counter() - began
            return measure(self.timed(self.recorded(work) if variant.recorded else work), seconds=self.options["seconds"]) | {"cold_s": cold}

    def recorded(self, work):
        """`work` as one launch; its results stay where the recording put them."""
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            work()
        torch.cuda.current_stream().wait_stream(side)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph):
            work()
        return graph.replay

    def timed(self, work):
        """`work`, answering its seconds on a card; the host's clock is right on a CPU."""
        if not self.is_card:
            def alone():
                work()
            return alone

        def run() -> float:
            begin, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
            begin.record()
            work()
            end.record()
            end.synchronize()
            return begin.elapsed_time(end) / 1e3
        return run

    # Ceilings

    def product(self) -> dict:
        """One bf16 product, 8192³ on a card."""
        side = 8192 if self.is_card else 512
        a, b = (torch.randn((side, side), device=self.device, dtype=torch.bfloat16) for _ in range(2))
        c = torch.empty_like(a)
        return measure(self.timed(lambda: torch.mm(a, b, out=c)), warm_up=10, seconds=1, most=200) | {"side": side, "flop": 2 * side**3}

    def copy(self) -> dict:
        """A copy on the device, far larger than its caches; bytes read and written."""
        count = 2**30 if self.is_card else 2**26
        source = torch.randint(0, 256, (count,), device=self.device, dtype=torch.uint8)
        target = torch.empty_like(source)
        return measure(self.timed(lambda: target.copy_(source)), warm_up=5, seconds=0.5, most=100) | {"bytes": 2 * count}

    def describe(self) -> dict:
        told = {"torch": torch.__version__, "cuda": torch.version.cuda, "cudnn": torch.backends.cudnn.version(), "threads": torch.get_num_threads()}
        if self.is_card:
            properties = torch.cuda.get_device_properties(self.device)
            told |= {"card": properties.name, "compute_capability": f"{properties.major}.{properties.minor}", "multiprocessors": properties.multi_processor_count,
                     "memory_bytes": properties.total_memory}
        return told


def worker(options: dict, names: list[str]):
    """`options`: size, clip, device, seconds, part_s, compile_mode, compile_s."""
    baseline = Baseline(options)
    for name in names:
        variant, stage = name.split("/")
        if variant == "ceiling":
            yield name, options["part_s"], getattr(baseline, stage)
        else:
            limit = options["compile_s"] if VARIANTS[variant].compiled else options["part_s"]
            yield name, limit, lambda: baseline.run(variant, stage)
