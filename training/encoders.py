"""Trains what sees and reads: CLIP vision tower, Synchformer and recogniser on drawn scenes, CLIP text tower and T5
encoder on their captions and chains of thought. Nothing is pre-trained: each tower learns to foretell the sound.

    python3 -m encoders build/training/train-4s --minutes 25 -o build/training/encoders

| tower | learns to foretell |
|---|---|
| Synchformer | of the two frames that a row is about: onsets in quarters of a frame; of each quarter the level of eight bands, and by how much it stands out |
| vision | classes, materials, the spectrum's mean and spread over the clip |
| text, T5 | the same, and the coarse envelope of the loudness (from the times that a chain of thought names) |

Moving pictures and stills with words are two losses with no tower in common (the recogniser reads the vision tower's
features as they are). All heads but the recogniser's are dropped afterwards.
"""
import argparse
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

import model
import scenes
from clips import Lines
from evaluation import moments
from loop import Loop, fast_products
from resident import Resident, wait_for
from twin.recogniser import Mlp

FPS, SEGMENT, HOP, QUARTERS = 24, 16, 8, 4     # pictures a second, frames of a segment and between segments
BANDS, STATS, ENVELOPE = 8, 48, 16             # of a quarter; mean and spread of 24 bands; steps of a coarse envelope
SEGMENTS, CLIP_FRAMES = 4, 4                   # drawn from each clip: segments one after the other, frames anywhere
TUBE = model.SYNCHFORMER["temporal_patch"]     # frames that a row of sync features is about
STILLS, TEXTS = 4, 32                          # clips for the vision tower to each one for Synchformer; texts a step
MEL_RATE = 44100 / 256
NEAR = (0.3, 0.7, 1.0, 0.7, 0.3)               # what an onset asks of the quarters around its own


def onset_curves(lines: list[dict], length: int, rate_hz: float) -> np.ndarray:
    """f32 [n, length], `rate_hz` values a second: NEAR around each event that can be seen, 0 elsewhere."""
    curves, reach = np.zeros((len(lines), length + len(NEAR) - 1), np.float32), len(NEAR) // 2
    for curve, line in zip(curves, lines):
        for at in (int(event["time_s"] * rate_hz) for event in line["events"] if event["visible"]):
            if 0 <= at < length:
                curve[at : at + len(NEAR)] = np.maximum(curve[at : at + len(NEAR)], NEAR)
    return curves[:, reach:-reach]


def targets_of(mel: np.ndarray, lines: list[dict], steps: int) -> dict:
    """What the towers are to foretell of some clips: log-mel [n, M, 2·bands], their lines, sync steps a clip."""
    left, right = np.split(mel.astype(np.float32), 2, -1)
    mono = (left + right) / 2                                              # [n, M, bands]
    n, frames, bands = mono.shape
    quarter = (np.arange(steps * QUARTERS + 1) / (FPS * QUARTERS) * MEL_RATE).astype(int).clip(max=frames - 1)
    grouped = mono.reshape(n, frames, BANDS, bands // BANDS).mean(-1)
    coarse = mono.reshape(n, frames, 24, bands // 24).mean(-1)
    onsets = onset_curves(lines, steps * QUARTERS, FPS * QUARTERS)
    return {"levels": np.stack([grouped[:, a : max(a + 1, b)].mean(1) for a, b in zip(quarter, quarter[1:])], 1),  # [n, 4·T, 8]
            "stats": np.concatenate([coarse.mean(1), coarse.std(1)], -1),  # [n, 48]
            "envelope": np.stack([part.mean((1, 2)) for part in np.array_split(mono, ENVELOPE, 1)], 1),
            "onsets": onsets, "classes": model.class_rows([line["classes"] for line in lines]).numpy(),
            "materials": model.material_numbers([line["material"] for line in lines]).numpy(),
            "share": np.where(onsets.any(1), 1.0, 0.15).astype(np.float32)}  # clips in which nothing strikes teach less


def open_clips(folder: Path, tokenizers: dict, device, at_least: int = 1) -> Resident:
    """Frames, targets and tokens of a folder of clips."""
    wait_for(folder, at_least)
    lines, mel = Lines(folder), np.load(folder / "mel.npy", mmap_mode="r")
    steps = np.load(folder / "frames.npy", mmap_mode="r").shape[1]

    def describe(first, last):
        taken = lines.take(last - first)
        read = {}
        for name, field in (("clip_text", "caption"), ("t5", "cot")):
            read[f"{name}_ids"], read[f"{name}_mask"] = tokenizers[name]([line[field] for line in taken])
        return targets_of(mel[first:last], taken, steps) | read
    return Resident(folder, ("frames",), device, describe, at_least)


def augmented(frames: torch.Tensor) -> torch.Tensor:
    """Brightness, contrast, tint and noise of whole clips; uint8 [B, ..., 64, 64, 3] → float32 in 0 … 255."""
    out = frames.float()
    ones = (1,) * (out.dim() - 2)

    def draw(low, high, channels=3):
        return torch.rand(out.shape[0], *ones, channels, device=out.device) * (high - low) + low
    middle, contrast = out.mean(tuple(range(1, out.dim())), keepdim=True), draw(0.8, 1.2)
    out = out * contrast + (middle * (1 - contrast) + draw(-20, 20))
    return (out + torch.randn_like(out) * draw(0, 6, 1)).clamp(0, 255)


class Pictures:
    """Batches of some segments and some frames of each of a few clips, drawn where the clips lie."""

    def __init__(self, data: Resident):
        self.data, self.steps = data, data.frames.shape[1]

    def _integers(self, high: int, *shape) -> torch.Tensor:
        return (torch.rand(*shape, device=self.data.device) * high).long()

    def _frames(self, rows, chosen, flip) -> torch.Tensor:
        """Frames `chosen` [B, ...] of `rows` [B], mirrored where `flip` [B], augmented; [B, ..., 64, 64, 3]."""
        extra = (1,) * (chosen.dim() - 1)
        frames = self.data.frames[rows.reshape(-1, *extra), chosen]
        return augmented(torch.where(flip.reshape(-1, *extra, 1, 1, 1), frames.flip(-2), frames))

    def _stills(self, rows, flip) -> torch.Tensor:
        return self._frames(rows, self._integers(self.steps // 3, len(rows), CLIP_FRAMES) * 3, flip)

    def _start(self, size: int, weights=None):
        """Rows, which of them to mirror, and their labels."""
        rows = self.data.draw(size, weights)
        return rows, self._integers(2, size) == 1, {"classes": self.data.classes[rows], "materials": self.data.materials[rows]}

    def stills(self, size: int) -> dict:
        rows, flip, labels = self._start(size)
        return {"clip": self._stills(rows, flip), "stats": self.data.stats[rows], **labels}

    def moving(self, size: int) -> dict:
        rows, flip, labels = self._start(size, self.data.share)
        device = rows.device
        segments = self._integers(self.steps // HOP - SEGMENTS + 1, size, 1) + torch.arange(SEGMENTS, device=device)
        chosen = (segments[..., None] * HOP + torch.arange(SEGMENT, device=device)).clamp(max=self.steps - 1)   # the last frame repeats
        cells = torch.arange(SEGMENT * QUARTERS, device=device)
        def at(values, count):
            wanted = segments[..., None] * HOP * QUARTERS + cells[:count]
            there = (wanted < values.shape[1])
            return values[rows[:, None, None], wanted.clamp(max=values.shape[1] - 1)], there
        seen, _ = at(self.data.onsets, HOP * QUARTERS)
        onsets, there = at(self.data.onsets, SEGMENT * QUARTERS)
        levels, _ = at(self.data.levels, SEGMENT * QUARTERS)
        return {"sync": self._frames(rows, chosen, flip), "clip": self._stills(rows, flip),               # [B, G, 16, 64, 64, 3]
                "onsets": seen.flatten(1), "tube_onsets": onsets * there, "levels": levels, **labels}        # [B, G·32]; [B, G, 64(, 8)]


@torch.no_grad()
def accuracy(logits: torch.Tensor, classes: torch.Tensor) -> torch.Tensor:
    """Share of clips whose most likely class is one that they have."""
    return classes.gather(1, logits.argmax(-1, keepdim=True)).mean()


class Learners(nn.Module):
    """The towers that ship and the heads that do not."""

    def __init__(self, networks: model.Networks):
        super().__init__()
        self.vision, self.synchformer, self.recogniser = networks.clip_vision, networks.synchformer, networks.recogniser
        self.clip_text, self.t5 = networks.clip_text, networks.t5
        labels = len(scenes.CLASSES) + len(scenes.MATERIALS)
        self.register_buffer("onset_weight", torch.tensor(3.0), persistent=False)
        self.sync_onsets = nn.Linear(model.SYNC_DIM, TUBE * QUARTERS)
        self.sync_levels = nn.Linear(model.SYNC_DIM, TUBE * QUARTERS * BANDS)
        self.clip_stats = Mlp(model.CLIP_DIM, 96, labels + STATS)
        self.text_heads = nn.ModuleDict({name: Mlp(model.TEXT_DIM, 128, labels + STATS + ENVELOPE) for name in ("clip_text", "t5")})

    def see_moving(self, batch):
        """Synchformer and recogniser: loss and figures."""
        size = batch["sync"].shape[0]
        sync = model.sync_features(self.synchformer, batch["sync"].flatten(0, 1)).reshape(size, SEGMENTS * 8, -1)
        with torch.no_grad():
            clip = model.clip_features(self.vision, batch["clip"].flatten(0, 1)).reshape(size, CLIP_FRAMES, -1)
        classes, materials, onsets = self.recogniser(clip, sync)
        levels, wanted = self.sync_levels(sync).reshape(size, SEGMENTS, -1, BANDS), batch["levels"]
        figures = {
            # Each row for itself: what it says of its own two frames.
            "tube": F.binary_cross_entropy_with_logits(self.sync_onsets(sync).flatten(1), batch["tube_onsets"].flatten(1), pos_weight=self.onset_weight),
            "onset": F.binary_cross_entropy_with_logits(onsets.flatten(1), batch["onsets"], pos_weight=self.onset_weight),
            "levels": (levels - wanted).abs().mean(),
            # Moments: how much a quarter stands out of its segment. Without it the level of the clip is all that is learned.
            "moments": ((levels - levels.mean(2, keepdim=True)) - (wanted - wanted.mean(2, keepdim=True))).abs().mean(),
            "class": F.binary_cross_entropy_with_logits(classes, batch["classes"]), "material": F.cross_entropy(materials, batch["materials"]),
        }
        loss = 4 * figures["onset"] + 4 * figures["tube"] + figures["levels"] + 2 * figures["moments"] + 8 * figures["class"] + 0.2 * figures["material"]
        return loss, {**figures, "accuracy": accuracy(classes, batch["classes"])}

    def see_stills(self, batch):
        """Vision tower: loss and figures."""
        clip = model.clip_features(self.vision, batch["clip"].flatten(0, 1)).reshape(*batch["clip"].shape[:2], -1)
        classes, materials, stats = self.clip_stats(clip.mean(1)).split([len(scenes.CLASSES), len(scenes.MATERIALS), STATS], -1)
        figures = {"still_class": F.binary_cross_entropy_with_logits(classes, batch["classes"]),
                   "still_material": F.cross_entropy(materials, batch["materials"]), "stats": (stats - batch["stats"]).abs().mean()}
        loss = 8 * figures["still_class"] + 0.2 * figures["still_material"] + 0.5 * figures["stats"]
        return loss, {**figures, "still_accuracy": accuracy(classes, batch["classes"])}

    def read(self, name, tokens, mask, classes, materials, stats, envelope):
        features = (model.clip_text_features if name == "clip_text" else model.t5_features)(getattr(self, name), tokens, mask)
        pooled = (features * mask[..., None]).sum(1) / mask.sum(1, keepdim=True)
        out = self.text_heads[name](pooled).split([len(scenes.CLASSES), len(scenes.MATERIALS), STATS, ENVELOPE], -1)
        loss = (2 * F.binary_cross_entropy_with_logits(out[0], classes) + 0.2 * F.cross_entropy(out[1], materials)
                + 0.5 * (out[2] - stats).abs().mean() + 0.5 * (out[3] - envelope).abs().mean())
        return loss, {name: loss.detach()}


    def read_text(self, name: str, data: Resident):
        """One of the two readers, on texts of its own."""
        rows = data.draw(TEXTS)
        return self.read(name, getattr(data, f"{name}_ids")[rows], getattr(data, f"{name}_mask")[rows],
                         *(getattr(data, key)[rows] for key in ("classes", "materials", "stats", "envelope")))


class Validation:
    """How well the recogniser names and times what whole held-out clips show."""

    def __init__(self, folder: Path, device, batch: int = 16):
        self.frames = torch.from_numpy(np.load(folder / "frames.npy"))
        wait_for(folder, len(self.frames))
        self.lines, self.device, self.batch = Lines(folder).take(len(self.frames)), device, batch

    def see(self, vision, synchformer, recogniser):
        """(whether each clip's first class is one of its own, probabilities of its onsets)."""
        right, found = [], []
        for start in range(0, len(self.frames), self.batch):
            frames, lines = self.frames[start : start + self.batch].to(self.device), self.lines[start : start + self.batch]
            classes, _, onsets = recognise(vision, synchformer, recogniser, frames)
            right += [scenes.CLASSES[k] in line["classes"] for k, line in zip(classes.argmax(-1).tolist(), lines)]
            found += list(torch.sigmoid(onsets).flatten(1).cpu().numpy())
        return right, found

    def figures(self, learners: "Learners") -> dict:
        right, found = self.see(learners.vision, learners.synchformer, learners.recogniser)
        return {"held_accuracy": float(np.mean(right)), "held_onset_f1": self.best_f1(found)[0]}

    def best_f1(self, found: list) -> tuple[float, float]:
        """(F1, threshold) of the best threshold."""
        return moments.best_f1(found, self.lines, FPS * QUARTERS)


@torch.no_grad()
def recognise(vision, synchformer, recogniser, frames: torch.Tensor):
    """Logits of the recogniser for whole clips, uint8 [B, T, 64, 64, 3]."""
    starts = torch.arange(frames.shape[1] // HOP, device=frames.device)[:, None] * HOP
    chosen = (starts + torch.arange(SEGMENT, device=frames.device)).clamp(max=frames.shape[1] - 1)
    sync = model.sync_features(synchformer, frames[:, chosen].flatten(0, 1).float()).reshape(len(frames), -1, model.SYNC_DIM)
    clip = model.clip_features(vision, frames[:, :: FPS // model.CLIP_FPS].flatten(0, 1).float()).reshape(len(frames), -1, model.CLIP_DIM)
    return recogniser(clip, sync)


def start_with_motion(synchformer) -> None:
    """Begins as a detector of motion; one that begins at random learns what is there and never when (0.34 F1 after 460 000
    segments), for motion is a small part of a patch, and each norm makes noise on a flat patch as large as a moving thing.

    - Half of the patches are random differences of the brightness between their two frames.
    - Some channels of the positions are large constants, so that norms hardly change scale: a flat patch stays flat.
    - The first MLP adds up the sizes of the differences in the last channel: the motion of the patch.
    - All heads but one of the spatial aggregation begin by looking where that is large.
    """
    tower = synchformer.vfeat_extractor
    width, heads = tower.config.embed_dim, tower.config.num_heads
    half, anchors, motion = width // 2, slice(width * 5 // 6, width - 1), width - 1
    with torch.no_grad():
        patches = tower.patch_embed_3d.proj
        grey = torch.randn(half, 1, 1, *patches.weight.shape[3:]) * 0.7 / 3
        patches.weight[:half, :, :1], patches.weight[:half, :, 1:] = -grey, grey
        for values in (patches.weight, patches.bias):
            values[motion] = 0
        for values in (tower.pos_embed, tower.temp_embed, tower.cls_token):
            values[..., motion] = 0
        tower.pos_embed[..., anchors] = 4 - 8 * (torch.arange(motion - anchors.start) % 2).float()
        mlp, eye = tower.blocks[0].mlp, torch.eye(width)[:half]
        mlp.fc1.weight[: 2 * half], mlp.fc1.bias[: 2 * half] = torch.cat([eye, -eye]), -0.5
        mlp.fc2.weight[:, : 2 * half], mlp.fc2.weight[motion] = 0, 0
        mlp.fc2.weight[motion, : 2 * half] = 0.25
        attention = tower.spatial_attn_agg.self_attn
        for row in range(0, width - width // heads, width // heads):  # the first channel of each head
            attention.in_proj_weight[row], attention.in_proj_bias[row] = 0, 2.4
            attention.in_proj_weight[width + row] = 0
            attention.in_proj_weight[width + row, motion] = 2.4


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path, help="made by clips, or in the making")
    parser.add_argument("--vocabularies", type=Path, required=True)
    parser.add_argument("--validate", type=Path, help="folder of held-out clips")
    parser.add_argument("--base", type=Path, help="bundle to start from; the vocabularies must be its own")
    parser.add_argument("--moving", action="store_true", help="train Synchformer and recogniser, and nothing else")
    parser.add_argument("--renew", action="store_true", help="with --base: the same, and begin both anew")
    parser.add_argument("--minutes", type=float, default=25)
    parser.add_argument("--batch", type=int, default=8, help="clips whose pictures are seen in a step")
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--at-least", type=int, default=1, help="clips to wait for")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    options.moving |= options.renew

    fast_products()
    torch.manual_seed(1)
    networks = model.Networks(model.configurations(options.vocabularies))
    start_with_motion(networks.synchformer)
    if options.base:
        base = model.of_bundle(options.base)
        for name in ("clip_vision", "clip_text", "t5") if options.renew else ("clip_vision", "clip_text", "t5", "synchformer", "recogniser"):
            getattr(networks, name).load_state_dict(getattr(base, name).state_dict())
    learners = Learners(networks).to(options.device).train()
    moving = [*learners.synchformer.parameters(), *learners.recogniser.parameters(), *learners.sync_onsets.parameters(), *learners.sync_levels.parameters()]
    loop = Loop(learners, options.output, minutes=options.minutes, lr=options.lr, parameters=moving if options.moving else None)
    data = open_clips(options.clips, model.text_tokenizers(options.vocabularies), options.device, options.at_least)
    pictures = Pictures(data)
    validation = Validation(options.validate, options.device) if options.validate else None

    def look_and_read():
        loss, figures = learners.see_stills(pictures.stills(STILLS * options.batch))
        for name in ("clip_text", "t5"):
            text_loss, text_figures = learners.read_text(name, data)
            loss, figures = loss + text_loss, {**figures, **text_figures}
        return loss, figures
    halves = 2 if options.device == "cpu" else 1  # a thread each

    def see():
        loss, figures = learners.see_moving(pictures.moving(options.batch // halves))
        return loss / halves, figures
    loop.run([see] * halves + ([] if options.moving else [look_and_read]),
             watch=(lambda: validation.figures(learners)) if validation else None, watch_every_s=20 if halves == 1 else 200)
    if validation:
        print("held out, averaged weights:", loop.averaged(lambda: validation.figures(learners)), flush=True)


if __name__ == "__main__":
    main()
