"""What every training run here has in common: a time budget, a schedule, averaged weights, resumable checkpoints, a
progress line and a plot of the losses.

    loop = Loop(model, folder, minutes=30, lr=1e-3)
    for _ in loop:                       # ends when the budget is spent
        loop.step(loss(model, batch), {"l1": ...})

A checkpoint holds model, averaged model, optimiser, step, seconds spent and the state of the random generators. It is
written to another name and then renamed, every `save_every_s` seconds and at the end; a run that finds one goes on from it.
"""
import math
import time
from pathlib import Path

import torch


class Loop:
    """Iterates until `minutes` of training time (or `steps`) are spent; `step` does backward, clip, update and EMA.

    The learning rate warms up linearly over `warmup` steps, stays, and falls by a cosine to a hundredth over the part of
    the budget after `decay_from`; `schedule(step)` instead gives the rate of a step itself. `ema_state` are the averaged
    weights: at most `ema` of them is kept a step, or `ema(step)`. `clip` 0 leaves gradients as they are.
    `model.training` is left to the caller.
    """

    def __init__(self, model, folder: Path, *, minutes: float, lr: float, warmup: int = 50, decay_from: float = 0.4,
                 weight_decay: float = 1e-2, betas=(0.9, 0.99), eps: float = 1e-8, clip: float = 1.0, ema=0.999, steps: int | None = None,
                 save_every_s: float = 240, seed: int = 1, parameters=None, schedule=None):
        torch.manual_seed(seed)
        self.model, self.folder = model, Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.budget_s, self.steps, self.lr, self.warmup, self.decay_from, self.clip = 60 * minutes, steps, lr, warmup, decay_from, clip
        self.ema, self.save_every_s, self.schedule = ema, save_every_s, schedule
        self.parameters = [p for p in (parameters or model.parameters()) if p.requires_grad]
        self.optimiser = torch.optim.AdamW(self.parameters, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay)
        self.ema_state = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.at, self.spent_s, self.history = 0, 0.0, []
        self._averages = {}
        if self.checkpoint.exists():
            self._resume()

    @property
    def checkpoint(self) -> Path:
        return self.folder / "checkpoint.pt"

    def progress(self) -> float:
        """Part of the budget that is spent, 0 to 1."""
        spent = self.spent_s / self.budget_s
        return min(1.0, max(spent, self.at / self.steps if self.steps else 0.0))

    def __iter__(self):
        started = shown = saved = time.monotonic()
        before = self.spent_s
        while self.progress() < 1:
            first = self.at
            yield self.at
            if self.at == first:
                raise RuntimeError("the training loop's body did not call step()")
            now = time.monotonic()
            self.spent_s = before + now - started
            if now - shown >= 20:
                self._show()
                shown = now
            if now - saved >= self.save_every_s:
                self.save()
                saved = time.monotonic()
        self._show()
        self.save()

    def step(self, loss, figures: dict, gradients=None) -> None:
        """One update; a loss that is not finite stops the run with an error. `gradients` of the parameters, if a caller
        has taken them already."""
        if not torch.isfinite(loss):
            raise RuntimeError(f"the loss is {loss.item()} at step {self.at}; lower the learning rate, or resume from {self.checkpoint}")
        rate = self._rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        self.optimiser.zero_grad(set_to_none=True)
        if gradients is None:
            loss.backward()
        else:
            for parameter, gradient in zip(self.parameters, gradients):
                parameter.grad = gradient
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimiser.step()
        self.at += 1
        keep = self.ema(self.at) if callable(self.ema) else min(self.ema, (1 + self.at) / (10 + self.at))
        with torch.no_grad():
            for name, value in self.model.state_dict().items():
                if value.dtype.is_floating_point:
                    self.ema_state[name].lerp_(value, 1 - keep)
                else:
                    self.ema_state[name].copy_(value)
        for name, value in {"loss": loss, **figures}.items():
            old = self._averages.get(name)
            self._averages[name] = float(value) if old is None else 0.98 * old + 0.02 * float(value)

    def note(self, name: str, value: float) -> None:
        """A figure that is shown and plotted as it is, until the next of its name."""
        self._averages[name] = value

    def _rate(self) -> float:
        if self.schedule:
            return self.schedule(self.at)
        progress = self.progress()
        fall = max(0.0, (progress - self.decay_from) / max(1e-9, 1 - self.decay_from))
        return self.lr * min(1.0, (self.at + 1) / self.warmup) * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * fall)))

    def _show(self) -> None:
        self.history.append((self.at, dict(self._averages)))
        figures = "  ".join(f"{name} {value:.4f}" for name, value in self._averages.items())
        left = self.spent_s * (1 / max(self.progress(), 1e-6) - 1) / 60
        print(f"step {self.at}  {figures}  {self.at / max(self.spent_s, 1e-9):.2f} steps/s  {left:.1f} min left", flush=True)

    def save(self) -> None:
        partial = self.checkpoint.with_suffix(".tmp")
        torch.save({"model": self.model.state_dict(), "ema": self.ema_state, "optimiser": self.optimiser.state_dict(), "step": self.at,
                    "spent_s": self.spent_s, "history": self.history, "rng": torch.get_rng_state()}, partial)
        partial.rename(self.checkpoint)
        plot(self.history, self.folder / "loss.png")

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location="cpu")
        self.model.load_state_dict(state["model"])
        self.ema_state = {name: value.to(self.ema_state[name].device) for name, value in state["ema"].items()}
        self.optimiser.load_state_dict(state["optimiser"])
        self.at, self.spent_s, self.history = state["step"], state["spent_s"], state["history"]
        torch.set_rng_state(state["rng"])
        print(f"going on from {self.checkpoint} at step {self.at}, {self.spent_s / 60:.1f} min spent", flush=True)


def plot(history, path: Path) -> None:
    """One curve a figure, over steps, on a logarithmic axis."""
    import matplotlib
    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 4))
    for name in history[-1][1] if history else []:
        points = [(step, figures[name]) for step, figures in history if name in figures and figures[name] > 0]
        axis.plot(*zip(*points), label=name) if points else None
    axis.set(xlabel="step", yscale="log")
    axis.legend()
    partial = path.with_suffix(".tmp.png")
    figure.savefig(partial, dpi=80)
    partial.rename(path)
    pyplot.close(figure)
