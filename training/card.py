"""Writes a bundle's MODEL_CARD.md: what it is, data, recipe, measured quality, limits.

    python3 -m card models/foley-small --model build/training [--before codec=build/training/codec-first] [--note "..."]

Figures come from scores.json, the checkpoints of the training folder and training/data/manifest.jsonl; nothing is typed by
hand, so a threshold that is not met is said to be not met, with what would close it.
"""
import argparse
import json
import math
from collections import Counter
from pathlib import Path

import torch

import scenes
from evaluation import report
from twin import safetensors

DATA = Path(__file__).parent / "data"
NETWORKS = {"mmdit": "MM-DiT, the flow", "vae": "mel codec", "t5": "T5 encoder", "clip_text": "CLIP text tower", "clip_vision": "CLIP vision tower",
            "synchformer": "Synchformer", "recogniser": "recogniser of classes, materials and onsets",
            "listener": "listener, which chooses among candidates"}
STAGES = {"codec": "mel codec: log-mel L1 and a little KL", "encoders": "vision tower, Synchformer, recogniser, text towers: foretell the sound",
          "flow": "MM-DiT: rectified flow, conditions dropped at random"}
REMEDIES = {
    "right_sound": "longer training of the flow and of the encoders; more real recordings of the classes that are confused",
    "sync_f1": "longer training of Synchformer and flow on short events; finer latents for fast series",
    "sync_chance": "longer training of Synchformer and flow on short events",
    "sync_error": "a codec with finer time steps, or phases that keep attacks sharper",
    "lag": "longer training of Synchformer; clips with a single event",
    "codec": "longer training of the codec, most of all on tonal and very high sounds; more latents a second, or an Oobleck decoder trained on a large GPU",
    "variety": "other guidance: less of it gives more variety, more of it less",
    "words_steer": "training clips whose words contradict the picture; more guidance",
    "hygiene": "longer training; clips of silence in the codec's training; a rule of loudness that leaves silence silent",
    "speed": "fewer steps of the sampler, or distillation",
    "memory": "smaller parts of the decoder",
    "parity": "a fault in the library or the twin: find the first stage that differs with `thinksound verify`",
}


def size_table(bundle: Path) -> str:
    counts = Counter()
    for path in sorted(bundle.glob("*.safetensors")):
        entries, _, _ = safetensors.read_header(path)
        for name, entry in entries.items():
            if not (name.endswith(".scale") and name[: -len(".scale")] in entries):
                counts[name.split(".")[0]] += math.prod(entry["shape"])
    rows = [f"| {NETWORKS.get(name, name)} | {count / 1e6:.2f} M |" for name, count in counts.most_common()]
    total, stored = sum(counts.values()), sum(path.stat().st_size for path in bundle.iterdir() if path.suffix != ".md")
    return "\n".join(["| network | parameters |", "|---|---|", *rows, f"| in all | {total / 1e6:.2f} M, {stored / 1e6:.1f} MB of files |"])


def scene_lines(model: Path) -> list[str]:
    lines = []
    for path in sorted(model.glob("*/clips.jsonl")):
        with open(path, encoding="utf-8") as file:
            count = sum(1 for _ in file)
        lines.append(f"{count} clips in `{path.parent.name}`")
    return lines


def recordings() -> tuple[str, str]:
    """(how many of which licence, attributions that are due)."""
    rows = [json.loads(line) for line in (DATA / "manifest.jsonl").read_text(encoding="utf-8").splitlines()]
    heard = [row for row in rows if row["split"] == "train"]
    licences = Counter(row["license"] for row in heard)
    summary = (f"{len(heard)} real recordings, {sum(row['duration_s'] for row in heard):.0f} s in all ({', '.join(f'{count} {name}' for name, count in licences.most_common())}), "
               f"sound in up to a quarter of the scenes; {len(rows) - len(heard)} more, by other authors, are heard only in the evaluation.")
    due = sorted({(row["attribution"], row["origin"], row["license"], row["license_url"], row["changes"]) for row in heard if not row["license"].startswith("CC0")})
    return summary, "\n".join(f"- {who}, {origin}, [{name}]({url}); changes: {changes}" for who, origin, name, url, changes in due)


def recipe(model: Path, before: list[tuple[str, Path]]) -> str:
    """`before`: (stage, folder) of runs that a stage of the training folder went on from."""
    runs = [(stage, folder, " (went on below)") for stage, folder in before] + [(stage, model / stage, "") for stage in STAGES]
    rows = []
    for stage, folder, remark in sorted(runs, key=lambda run: list(STAGES).index(run[0])):
        checkpoint = folder / "checkpoint.pt"
        if not checkpoint.exists():
            raise FileNotFoundError(f"{checkpoint} is missing: a card names the steps and hours of every stage; give the training folder by --model")
        state = torch.load(checkpoint, map_location="cpu")
        rows.append(f"| `{stage}`{remark} | {STAGES[stage]} | {state['step']} | {state['spent_s'] / 3600:.2f} |")
    return "\n".join(["| stage | | steps | hours |", "|---|---|---|---|", *rows])


def missed(measures: list[dict]) -> str:
    lines = []
    for m in measures:
        if m.get("met") is False:
            remedy = next(text for key, text in REMEDIES.items() if m["key"].split(".")[0] == key)
            lines.append(f"- **{m['question']}**, {m['what']}: {report.number(m['value'], m.get('unit', ''))} instead of {report.threshold(m)}. What would close it: {remedy}.")
    return "\n".join(lines) if lines else "Every threshold is met."


def card(bundle: Path, model: Path, before: list[tuple[str, Path]] = (), note: str = "", clips: list[str] = ()) -> str:
    scores, description = report.read(bundle), json.loads((bundle / "bundle.json").read_text(encoding="utf-8"))
    settings, held = scores["settings"], [m for m in scores["measures"] if "met" in m]
    figures = {m["key"]: m for m in scores["measures"]}
    summary, due = recordings()

    def figure(key):
        m = figures.get(key)
        return report.number(m["value"], m.get("unit", "")) if m else "not measured"

    real = figures.get("recorded.right_sound")
    heard_in_real = (f"Where the source is a held-out real recording, it is right in {real['upper']:.0%} of the true sounds and in {real['value']:.0%} of the model's."
                     if real else "Real recordings were not measured.")
    return "\n\n".join([
        f"# {description['name']}",
        f"A small model of the ThinkSound family: video, words or both in, 44.1 kHz stereo sound out. {sum(m['met'] for m in held)} of {len(held)} thresholds are met (below).",
        f"- License: {description['license']}, with the attributions below\n- Guidance and steps that were measured: {settings['cfg']:g}, {settings['steps']}\n"
        "- Examples, failures included: [gallery](../../docs/gallery/README.md)\n- How it is made again: [training](../../training/README.md)",
        size_table(bundle),
        "## Meant for", "Sound effects for short clips of the classes below, tests and demonstrations of the runtime, a start for fine-tuning. Not meant for speech, music or "
        "anything in which a made-up sound could be taken for evidence.",
        "## Data", f"Nothing was pre-trained and nothing was scraped. A generator draws scenes in which physics decides both picture and sound ({', '.join(clips or scene_lines(model))}). {summary}",
        "Attribution:\n\n" + due,
        "## Recipe", recipe(model, list(before)), "`python3 -m train` runs all stages; weights are averaged over steps and stored as 8-bit rows." + (f" {note}" if note else ""),
        "## Measured quality",
        f"`python3 -m evaluate`, {settings['count']} held-out scenes of {settings['duration_s']:g} s, through the native library ({settings['precision']}). The judge is a small classifier "
        "that knows neither the model nor its encoders; it was trained on true sounds of the train split and on the same through the codec. "
        "\"True sound\" is what the scenes themselves sound like, \"chance\" mismatched events, guessing, or silence.",
        report.measures_table(scores["measures"]),
        "## Thresholds that are not met", missed(scores["measures"]), "## By class", report.class_table(scores["per_class"]),
        "## Limits", "\n".join(f"- {limit}" for limit in (
            "Trained on drawings. On real video the words decide what is heard, and the picture decides when only as far as the figures of sync go. Give a caption.",
            *([f"Words that contradict the picture win in {figures['words_steer.against']['value']:.0%} of the clips."] if "words_steer.against" in figures else []),
            f"Judge and scenes share a synthesiser, which flatters the figures above. {heard_in_real}",
            f"{len(scenes.CLASSES)} classes of sound. What it has no words for comes out as the nearest of them.",
            "No speech, no music, no voices; one or two sources at a time.",
            "Learned on clips of 4 and 8 s; longer ones are made, and less sure.",
            f"The codec loses detail of tonal and very high sounds: worst class {figure('codec.worst')}, mean {figure('codec.mean')} (log-mel distance, 1 nat = 8.7 dB).",
            "Pictures are seen at 64×64."))]) + "\n"


def earlier(text: str) -> tuple[str, Path]:
    stage, _, folder = text.partition("=")
    if stage not in STAGES or not folder:
        raise argparse.ArgumentTypeError(f"'{text}' is not STAGE=FOLDER with a stage of {', '.join(STAGES)}")
    return stage, Path(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--model", type=Path, required=True, help="the folder that it was trained in")
    parser.add_argument("--before", type=earlier, action="append", default=[], metavar="STAGE=FOLDER", help="a run that the stage went on from")
    parser.add_argument("--clips", action="append", default=[], help="such as '24000 clips of 4 s', where they are no longer in the training folder")
    parser.add_argument("--note", default="", help="a sentence more on the recipe")
    options = parser.parse_args()
    path = options.bundle / "MODEL_CARD.md"
    path.write_text(card(options.bundle, options.model, options.before, options.note, options.clips), encoding="utf-8")
    print(path)


if __name__ == "__main__":
    main()
