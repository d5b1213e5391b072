"""Measures as tables of Markdown and as scores.json."""
import hashlib
import json
import math
from pathlib import Path

from evaluation.measures import Measure


def number(value, unit: str = "") -> str:
    """Three figures are enough for a reader."""
    if value is None:
        return ""
    if isinstance(value, str) or not math.isfinite(value):  # "inf" as scores.json spells it
        return str(value).replace("inf", "∞")
    if value and abs(value) < 0.001 and not unit:
        return f"{value:.1e}"
    return f"{value:.{0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 3 if not unit else 2}f}{f' {unit}' if unit else ''}"


def threshold(measure: dict) -> str:
    low, high, unit = measure.get("at_least"), measure.get("at_most"), measure.get("unit", "")
    if low is not None and high is not None:
        return f"{number(low)} … {number(high, unit)}"
    return f"≥ {number(low, unit)}" if low is not None else f"≤ {number(high, unit)}" if high is not None else "tracked"


def verdict(measure: dict) -> str:
    return {True: "met", False: "**not met**", None: ""}[measure.get("met")]


def measures_table(measures: list[dict]) -> str:
    lines = ["| question | measure | value | threshold | | true sound | through the codec | chance | clips |", "|---|---|---|---|---|---|---|---|---|"]
    before, questions = None, list(dict.fromkeys(m["question"] for m in measures))
    for m in sorted(measures, key=lambda m: questions.index(m["question"])):
        question = "" if m["question"] == before else m["question"]
        before = m["question"]
        cells = (question, m["what"], number(m["value"], m.get("unit", "")), threshold(m), verdict(m),
                 *(number(m.get(name)) for name in ("upper", "restored", "lower")), str(m.get("clips", "")))
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def class_table(per_class: dict[str, dict]) -> str:
    columns = []
    for row in per_class.values():
        columns += [name for name in row if name not in columns and name != "heard_as"]
    order = sorted(columns, key=lambda name: (("accuracy", "f1", "codec").index(name.split(".")[0]), name.endswith(".true")))
    titles = [name.replace("accuracy.", "right, ").replace("f1.", "F1, ").replace("codec", "codec, nat") for name in order]
    lines = ["| class | " + " | ".join(titles) + " | else heard as |", "|---|" + "---|" * (len(order) + 1)]
    for name, row in per_class.items():
        lines.append(f"| {name} | " + " | ".join(f"{row[column]:.2f}" if column in row else "" for column in order) + f" | {', '.join(row.get('heard_as', []))} |")
    return "\n".join(lines)


def document(scores: dict) -> str:
    s, held = scores["settings"], [m for m in scores["measures"] if "met" in m]
    return "\n\n".join([
        f"# Scores of {scores['model']}",
        f"{sum(m['met'] for m in held)} of {len(held)} thresholds met. Guidance {s['cfg']:g}, {s['steps']} steps, {s['count']} held-out clips of {s['duration_s']:g} s, "
        f"sound by {s['sound']}, {s['precision']}, {s['threads']} threads. \"True sound\": the clips' own; \"through the codec\": the same, encoded and decoded; \"chance\": "
        "mismatched events, guessing, or silence.",
        measures_table(scores["measures"]), "## By class", class_table(scores["per_class"])]) + "\n"


def scores(model: str, settings: dict, measures: list[Measure], per_class: dict, clips: list[dict]) -> dict:
    return {"model": model, "settings": settings, "measures": [m.as_dict() for m in measures], "per_class": per_class, "clips": clips}


def write(path: Path, scores: dict) -> None:
    """JSON with a line a measure, a class and a clip, whole or not at all, and the same as Markdown beside it."""
    def listed(items):
        return "[\n" + ",\n".join("  " + json.dumps(item, ensure_ascii=False) for item in items) + "\n ]"

    classes = "{\n" + ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in scores["per_class"].items()) + "\n }"
    text = (f'{{\n "model": {json.dumps(scores["model"])},\n "settings": {json.dumps(scores["settings"], ensure_ascii=False)},\n'
            f' "measures": {listed(scores["measures"])},\n "per_class": {classes},\n "clips": {listed(scores["clips"])}\n}}\n')
    path.parent.mkdir(parents=True, exist_ok=True)
    for target, content in ((path, text), (path.with_suffix(".md"), document(scores))):
        partial = target.with_name(target.name + ".tmp")
        partial.write_text(content, encoding="utf-8")
        partial.replace(target)


def digest(bundle: Path) -> str:
    """Of the files that a bundle's networks are read from: weights and vocabularies."""
    components = json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))["components"].values()
    names = {name for part in components for name in (*part["files"], *(part.get("tokenizer", {}).get(key) for key in ("file", "vocabulary"))) if name}
    return hashlib.sha256(b"".join(hashlib.sha256((bundle / name).read_bytes()).digest() for name in sorted(names))).hexdigest()[:16]


def read(bundle: Path) -> dict:
    """scores.json of a bundle. Raises ValueError where it does not belong to what lies beside it."""
    path = bundle / "scores.json"
    if not path.exists():
        raise ValueError(f"{path} is missing; `python3 -m evaluate {bundle} -o {path}` measures the bundle")
    scores = json.loads(path.read_text(encoding="utf-8"))
    settings = scores["settings"]
    if settings["bundle_sha256"] != digest(bundle):
        raise ValueError(f"{path} is of other weights; measure the bundle again with `python3 -m evaluate`")
    if settings["sound"] != "product" or settings["quick"]:
        raise ValueError(f"{path} is not a whole measurement of the model's own sound (sound {settings['sound']}, quick {settings['quick']})")
    return scores
