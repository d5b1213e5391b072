"""What `speed` measured, as JSON and as tables. Everything computed here comes from the medians in the JSON."""
import json
import os
from pathlib import Path

from timing.kernels import PREFIX
from timing.sizes import Clip, flop
from timing.variants import NOTES

STAGES = {
    "sample_loop": "sampling loop", "sample_loop_x16": "sampling loop, batch of 16", "clip_vision": "MetaCLIP vision", "synchformer": "Synchformer",
    "text_clip": "CLIP text", "text_t5": "T5", "decode": "VAE decode", "decode_whole": "VAE decode in one piece", "first_block": "decode to first block",
    "generate": "features to sound", "first_pcm": "features to first block", "end_to_end": "frames and words to sound",
}
SUMMED = ("sample_loop", "decode", "clip_vision", "synchformer", "text_clip", "text_t5")  # what a baseline's end_to_end is made of


class Report:
    """Grows part by part; `save` may come after any of them."""

    def __init__(self, settings: dict, environment: dict):
        self.settings, self.environment = settings, environment
        self.ceilings, self.engines, self.memory, self.kernels, self.failed = {}, {}, {}, [], []
        self.stages = []  # of all, in the order they came

    def add(self, source: str, part: str, answer: dict) -> None:
        """`source` "ours" or "baseline"; part "variant/stage"."""
        variant, stage = part.split("/")
        if variant == "ceiling" and stage == "describe":
            self.environment |= answer
        elif variant == "ceiling":
            self.ceilings[stage] = answer | {"per_s": (answer.get("flop") or answer["bytes"]) / answer["median_s"]}
        elif stage == "load":
            self.engines[variant] = answer
        elif stage == "memory":
            self.memory[variant] = answer
        elif stage.startswith(PREFIX):
            self.kernels.append({"variant": variant, "stage": stage.removeprefix(PREFIX), **answer})
        else:
            work = flop(self.settings["size"], Clip(**self.settings["clip"]), stage)
            rate = work / answer["median_s"] if work else None
            self.stages.append({"source": source, "variant": variant, "stage": stage, **answer, "gflop": work and work / 1e9, "gflops": rate and rate / 1e9})

    def fail(self, source: str, part: str, why: str) -> None:
        variant, stage = part.split("/")
        self.failed.append({"source": source, "variant": variant, "stage": stage, "why": why})

    def median(self, source: str, variant: str, stage: str) -> float | None:
        return next((row["median_s"] for row in self.stages if (row["source"], row["variant"], row["stage"]) == (source, variant, stage)), None)

    def variants(self, source: str) -> list[str]:
        return list(dict.fromkeys(row["variant"] for row in self.stages if row["source"] == source))

    def best(self, source: str, stage: str) -> tuple[str, float] | None:
        """(variant, seconds) of the fastest; of a baseline's whole path the sum over the fastest of its stages."""
        if source == "baseline" and stage in ("end_to_end", "generate"):
            parts = [self.best(source, part) for part in (SUMMED if stage == "end_to_end" else SUMMED[:2])]
            return ("sum of the fastest stages", sum(seconds for _, seconds in parts)) if all(parts) else None
        found = [(self.median(source, variant, stage), variant) for variant in self.variants(source)]
        # Other precisions are for the reader who wants them, not for a comparison with bf16.
        found = [(seconds, variant) for seconds, variant in found if seconds is not None and "precision=" not in variant]
        return (min(found)[1], min(found)[0]) if found else None

    def comparison(self) -> list[dict]:
        peak, rows = self.ceilings.get("product", {}).get("per_s"), []
        for stage in STAGES:
            ours, theirs = self.best("ours", stage), self.best("baseline", "decode" if stage == "decode_whole" else stage)
            if not ours and not theirs:
                continue
            work = flop(self.settings["size"], Clip(**self.settings["clip"]), stage)
            row = {"stage": stage, "gflop": work and work / 1e9}
            for name, best in (("ours", ours), ("baseline", theirs)):
                if best:
                    row |= {f"{name}_variant": best[0], f"{name}_s": best[1], f"{name}_of_ceiling": work / best[1] / peak if work and peak else None}
            if ours and theirs:
                row["times_as_fast"] = theirs[1] / ours[1]
            rows.append(row)
        return rows

    def json(self) -> dict:
        return {"format": "thinksound-speed", "version": 1, "settings": self.settings, "environment": self.environment, "ceilings": self.ceilings,
                "engines": self.engines, "memory": self.memory, "stages": self.stages, "comparison": self.comparison(), "kernels": self.kernels, "failed": self.failed}

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        for file, text in ((path, json.dumps(self.json(), indent=1, ensure_ascii=False) + "\n"), (path.with_suffix(".md"), self.markdown())):
            partial = file.with_name(file.name + ".tmp")
            partial.write_text(text, encoding="utf-8")
            os.replace(partial, file)

    # Tables

    def markdown(self) -> str:
        on, clip = self.environment, self.settings["clip"]
        text = [f"{self.settings['size']} sizes on {on.get('card') or on['device']}: {clip['duration_s']:g} s of sound, {clip['steps']} steps, guidance {clip['cfg']:g}. "
                f"Driver {on.get('driver') or '–'}, CUDA {on.get('cuda') or '–'}, PyTorch {on.get('torch') or '–'}; commit {on['commit'] or '–'}, {on['time']}. "
                "Medians; ours by the host's clock around calls of the C ABI, PyTorch by events, its inputs on the card."]
        if self.ceilings:
            text.append("Ceilings: " + ", ".join(
                f"bf16 product of {c['side']}³ {_digits(c['per_s'] / 1e12)} TFLOP/s" if name == "product" else f"copy {_digits(c['per_s'] / 1e9)} GB/s"
                for name, c in self.ceilings.items()) + ".")
        rows = [[STAGES[row["stage"]], _tera(row["gflop"]), _ms(row.get("ours_s")), row.get("ours_variant", ""), _percent(row.get("ours_of_ceiling")),
                 _ms(row.get("baseline_s")), row.get("baseline_variant", ""), _percent(row.get("baseline_of_ceiling")), _digits(row.get("times_as_fast"))]
                for row in self.comparison()]
        text.append(_table(["stage", "TFLOP", "ours, ms", "setting", "of ceiling", "PyTorch, ms", "the fastest", "of ceiling", "PyTorch / ours"], rows))
        for source, title in (("ours", "Ours, ms"), ("baseline", "PyTorch, ms")):
            variants = self.variants(source)
            if variants:
                stages = [stage for stage in STAGES if any(self.median(source, variant, stage) for variant in variants)]
                text += [title + ":", _table(["stage", *variants], [[STAGES[stage], *(_ms(self.median(source, variant, stage)) for variant in variants)] for stage in stages])]
        if self.variants("baseline"):
            text.append(f"{NOTES} The mode of the last: {self.settings['compile_mode']}. Weights are laid out once, conditions and timestep embeddings computed once a clip.")
        if self.memory:
            text += ["Memory, GB: weights and arena as the library plans them; the card's own count has the driver's context and code in it.",
                     _table(["setting", "weights", "arena", "both", "on the card"],
                            [[name, *(_gb(memory[key]) for key in ("weights_bytes", "arena_bytes", "total_bytes", "card_bytes"))] for name, memory in self.memory.items()])]
        if self.kernels:
            text += ["Where the card's time goes, in one watched call: the kernels that take most.",
                     _table(["stage", "ms with anything running", "launches", "kernel", "grid", "ms"],
                            [[STAGES[stage["stage"]], _digits(stage["busy_us"] / 1e3), str(stage["launches"]), f"{row['count']} × {row['name'][:90]}",
                              "×".join(map(str, row["grid"])), _digits(row["us"] / 1e3)] for stage in self.kernels for row in stage["kernels"][:6]])]
        if self.failed:
            together = {}
            for row in self.failed:
                together.setdefault((row["variant"], row["why"]), []).append(row["stage"])
            text += ["Failed or not tried:", _table(["what", "stages", "why"], [[variant, ", ".join(stages), why] for (variant, why), stages in together.items()])]
        return "\n\n".join(text) + "\n"


def _table(columns: list[str], rows: list[list[str]]) -> str:
    cells = [columns, ["---"] * len(columns), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in cells)


def _digits(value: float | None) -> str:
    """Four that count."""
    if value is None:
        return ""
    return f"{value:.4g}" if abs(value) < 1000 else f"{value:.0f}"


def _ms(seconds):
    return _digits(None if seconds is None else 1e3 * seconds)


def _tera(gflop):
    return _digits(None if gflop is None else gflop / 1e3)


def _gb(count):
    return "" if count is None else f"{count / 1e9:.2f}"


def _percent(part):
    return "" if part is None else f"{100 * part:.0f} %"
