"""The recogniser learns to name single objects, too, from what the program shows of them; into a bundle.

    python3 -m naming models/foley-small --regions build/training/regions --clips build/training/train-4s \\
        --features build/training/features/train-4s -o build/training/naming

It has learned whole scenes. Of region videos, in which all is at rest but one thing, it names what that thing is most like in a
scene: a still stretch of background, a shorter time, half a body. Here the network that names classes and materials learns four things
side by side, from features that do not change: whole clips, the stretch of a scene in which a thing is followed, its region video, of which
the name is the thing's alone, and the same at rest, which must show everything but the thing. Onsets are named by another network, which stays.
"""
import argparse
import os
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"

import numpy as np
import torch
from torch.nn import functional as F

import export
import model
import scenes
from clips import Lines
from loop import Loop
from regions import Regions
from twin import safetensors

BATCH = 48             # of each kind
NOISE = 0.3            # of a feature's standard deviation
HELD_EVERY = 5         # every fifth scene is held out
AT_REST = 0.8          # as docs/objects.md weighs
NOT_SAID = -100        # of a material


class Examples:
    """Features [n, views, width], of a view and its mirror image; classes [n, classes]; materials [n], NOT_SAID where they do not count."""

    def __init__(self, rows, classes, materials=None):
        self.rows, self.classes = rows, classes
        self.materials = torch.full((len(rows),), NOT_SAID) if materials is None else materials

    def draw(self, size: int, spread: torch.Tensor):
        chosen = torch.randint(len(self.rows), (size,))
        rows = self.rows[chosen, torch.randint(self.rows.shape[1], (size,))]
        return rows + NOISE * spread * torch.randn_like(rows), self.classes[chosen], self.materials[chosen]


def whole_clips(recogniser, clips: Path, features: Path) -> Examples:
    arrays = (torch.from_numpy(np.load(features / f"{name}.npy")).float() for name in ("clip", "sync"))
    rows = recogniser.summary(*arrays)
    lines = Lines(clips).take(len(rows))
    return Examples(rows[:, None], model.class_rows([line["classes"] for line in lines]), model.material_numbers([line["material"] for line in lines]))


def of_things(regions: Regions, chosen: np.ndarray) -> list[Examples]:
    """Region, scene and picture at rest of some things."""
    lines = [regions.lines[k] for k in chosen]
    region, scene, still = (torch.from_numpy(regions.rows[view][chosen]).float() for view in ("region", "scene", "still"))
    own, all_ = model.class_rows([[line["name"]] for line in lines]), model.class_rows([line["classes"] for line in lines])
    return [Examples(region, own, model.material_numbers([line["material"] for line in lines])), Examples(scene, all_), Examples(still, all_ - own)]


@torch.no_grad()
def named(head, things: list[Examples]) -> float:
    """Share of things whose likeliest name, held against the scene as the program does, is theirs."""
    region, scene, still = (torch.sigmoid(head(some.rows[:, 0])[:, : len(scenes.CLASSES)]) for some in things)
    return float(things[0].classes.gather(1, (region * scene.sqrt() * (1 - AT_REST * still)).argmax(1, keepdim=True)).mean())


@torch.no_grad()
def seen(head, clips: Examples) -> float:
    """Share of clips whose likeliest class is one of theirs."""
    return float(clips.classes.gather(1, head(clips.rows[:, 0])[:, : len(scenes.CLASSES)].argmax(1, keepdim=True)).mean())


def into_bundle(head, bundle: Path) -> None:
    path = bundle / "model.safetensors"
    tensors, metadata = safetensors.read_stored(path)
    safetensors.write(path, tensors | {f"recogniser.scene.{name}": export.stored(name, value, False) for name, value in head.state_dict().items()}, metadata)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python3 -m naming", description=__doc__.split("\n")[0])
    parser.add_argument("bundle", type=Path)
    parser.add_argument("--regions", type=Path, required=True, help="made by regions")
    parser.add_argument("--clips", type=Path, required=True, help="whole clips, made by clips")
    parser.add_argument("--features", type=Path, required=True, help="of these clips, by the bundle's towers")
    parser.add_argument("--steps", type=int, default=1000)
    parser.add_argument("--dry-run", action="store_true", help="only tell how it fares")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    recogniser, regions = model.of_bundle(options.bundle).recogniser, Regions(options.regions)
    head, clips = recogniser.scene.train(), whole_clips(recogniser, options.clips, options.features)
    held_out = np.array([line["seed"] % HELD_EVERY == 0 for line in regions.lines])
    learned, held = (of_things(regions, np.nonzero(mask)[0]) for mask in (~held_out, held_out))
    spread = clips.rows.flatten(0, 1).std(0)

    def figures() -> dict:
        return {"named": named(head, held), "seen": seen(head, clips)}
    print(f"before: {figures()}", flush=True)
    loop = Loop(head, options.output, minutes=30, steps=options.steps, lr=1e-3)

    def work():
        loss = 0
        for some in (clips, *learned):
            rows, classes, materials = some.draw(BATCH, spread)
            logits = head(rows)
            loss = loss + 8 * F.binary_cross_entropy_with_logits(logits[:, : len(scenes.CLASSES)], classes)
            if (materials != NOT_SAID).any():
                loss = loss + 0.2 * F.cross_entropy(logits[:, len(scenes.CLASSES) :], materials, ignore_index=NOT_SAID)
        return loss, {}
    loop.run([work], watch=figures)
    print(f"after, {len(held[0].rows)} things held out: {loop.averaged(figures)}", flush=True)
    if not options.dry_run:
        head.load_state_dict(loop.ema_state)
        into_bundle(head, options.bundle)


if __name__ == "__main__":
    main()
