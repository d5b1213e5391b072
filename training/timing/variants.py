"""The ways in which PyTorch is run as a baseline, and the stages of each."""
from dataclasses import dataclass

BATCH = 16
BATCHED = f"sample_loop_x{BATCH}"


@dataclass(frozen=True)
class Variant:
    """How a network is run. `compiled`: None, "blocks" (each kind of DiT block once, default tuning) or "whole" (as the options say)."""
    autocast: bool = False
    convolutions: str = "cudnn"
    recorded: bool = False
    compiled: str | None = None


NOTES = ("eager fp16 autocast: float32 weights, as the reference runs; bf16: weights too; products: the DiT's convolutions as matrix products, else cuDNN's; "
         "recorded: the whole call as a CUDA graph; compiled blocks: torch.compile of each kind of DiT block, default tuning; compiled: of the whole step or decoder.")
VARIANTS = {
    "eager fp16 autocast": Variant(autocast=True),  # float32 weights, as the reference runs
    "eager bf16": Variant(),
    "eager bf16 products": Variant(convolutions="products"),
    "recorded bf16": Variant(recorded=True),  # a CUDA graph of the whole call
    "recorded bf16 products": Variant(convolutions="products", recorded=True),
    "compiled blocks recorded": Variant(convolutions="products", recorded=True, compiled="blocks"),
    "compiled": Variant(convolutions="products", compiled="whole"),
}
TOWERS = ("clip_vision", "synchformer", "text_clip", "text_t5")


def baseline_parts(with_batch: bool) -> dict[str, list[str]]:
    """Parts by what they are for: "eager", which has what is recorded with it, and "compiled"; the batches last."""
    stages = {name: ["sample_loop", *(["decode", *TOWERS] if variant.convolutions == "cudnn" else [])] for name, variant in VARIANTS.items() if not variant.compiled}
    eager = [f"{name}/{stage}" for name, of in stages.items() for stage in of]
    compiled = ["compiled blocks recorded/sample_loop", "compiled/sample_loop", "compiled/decode"]
    if with_batch:
        eager += [f"{name}/{BATCHED}" for name in stages if name != "eager bf16"]
        compiled.insert(1, f"compiled blocks recorded/{BATCHED}")
    return {"eager": eager, "compiled": compiled}
