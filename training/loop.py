"""What every training run here has in common: a time budget, a schedule, averaged weights, resumable checkpoints, a
progress line and a plot of the losses.

    loop = Loop(model, folder, minutes=30, lr=1e-3)
    loop.run([watch, read])              # parts of a step, each work() → loss, figures; ends when the budget is spent

A checkpoint holds model, averaged model, optimiser, step, seconds spent and the state of the random generators. It is
written to another name and then renamed, every `save_every_s` seconds and at the end; a run that finds one goes on from it.
"""
import math
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import torch

from resident import COPYING

SHOW_EVERY_S = 20


def fast_products() -> None:
    """Float32 products of a GPU with TF32's 10 bits of mantissa: enough for training, several times as fast."""
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True


class Loop:
    """Iterates until `minutes` of training time (or `steps`) are spent; `step` does clip, update and EMA.

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
        self.captures = self.parameters[0].is_cuda  # then steps are replayed as graphs, whose rate is a number on the device
        self.rate = torch.tensor(float(lr), device=self.parameters[0].device) if self.captures else lr
        self.optimiser = torch.optim.AdamW(self.parameters, lr=self.rate, betas=betas, eps=eps, weight_decay=weight_decay,
                                           **({"capturable": True, "foreach": True} if self.captures else {}))
        self.ema_state = {k: v.detach().clone() for k, v in model.state_dict().items()}
        self.at, self.spent_s, self.history = 0, 0.0, []
        self._averages, self._watched = {}, time.monotonic()
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
            if now - shown >= SHOW_EVERY_S:
                self._show()
                shown = now
            if now - saved >= self.save_every_s:
                self.save()
                saved = time.monotonic()
        self._show()
        self.save()

    def run(self, parts, alternatives=(), chances=None, watch=None, watch_every_s: float = SHOW_EVERY_S) -> None:
        """Steps until the budget is spent. A step is the sum of `parts`, each work() → (loss, figures); where there are
        several kinds of steps, `alternatives` are the parts of the others, and `chances` those of all of them, first to last.
        `watch()` → figures of the averaged weights, to be shown beside the others, every `watch_every_s` seconds.

        On a CPU every part has a thread of its own; on a GPU a step of each kind, from drawing its batch to averaging the
        weights, is captured once and replayed. Parts draw and compute on the model's device and wait for nothing.
        """
        kinds = [list(parts), *map(list, alternatives)]
        stepper = Captured(self, kinds) if self.captures else Threads(self, kinds)
        chooser = np.random.default_rng([1, self.at])
        for _ in self:
            if watch and self._due(watch_every_s):
                for name, value in self.averaged(watch).items():
                    self.note(name, value)
            stepper(int(chooser.choice(len(kinds), p=chances)) if len(kinds) > 1 else 0)

    def _due(self, every_s: float) -> bool:
        now = time.monotonic()
        due = now - self._watched >= every_s
        self._watched = now if due else self._watched
        return due

    @torch.no_grad()
    def averaged(self, work):
        """work() with the averaged weights in place."""
        online = {name: value.clone() for name, value in self.model.state_dict().items()}
        self.model.load_state_dict(self.ema_state)
        try:
            return work()
        finally:
            self.model.load_state_dict(online)

    def step(self, loss, figures: dict, gradients) -> None:
        """One update by the parameters' gradients; a loss that is not finite stops the run with an error."""
        if not torch.isfinite(loss):
            self._not_finite(loss)
        rate = self._rate()
        for group in self.optimiser.param_groups:
            group["lr"] = rate
        for parameter, gradient in zip(self.parameters, gradients):
            parameter.grad = gradient
        if self.clip:
            torch.nn.utils.clip_grad_norm_(self.parameters, self.clip)
        self.optimiser.step()
        self.at += 1
        self.average(1 - self.kept())
        for name, value in {"loss": loss, **figures}.items():
            old = self._averages.get(name)
            self._averages[name] = float(value) if old is None else 0.98 * old + 0.02 * float(value)

    def kept(self) -> float:
        """Of the average, at the step that `at` counts last."""
        return self.ema(self.at) if callable(self.ema) else min(self.ema, (1 + self.at) / (10 + self.at))

    @torch.no_grad()
    def average(self, share) -> None:
        """Moves the averaged weights by `share` of the way, a number or a tensor."""
        state = self.model.state_dict()
        values, averages = zip(*((state[name], average) for name, average in self.ema_state.items() if average.dtype.is_floating_point))
        steps = torch._foreach_sub(values, averages)  # on a GPU three launches for all tensors, not one each
        torch._foreach_mul_(steps, share)
        torch._foreach_add_(averages, steps)
        for name, value in state.items():
            if not value.dtype.is_floating_point:
                self.ema_state[name].copy_(value)

    def _not_finite(self, loss):
        raise RuntimeError(f"the loss is {float(loss)} at step {self.at}; lower the learning rate, or resume from {self.checkpoint}")

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
        for group in self.optimiser.param_groups:
            group["lr"] = self.rate
        self.at, self.spent_s, self.history = state["step"], state["spent_s"], state["history"]
        torch.set_rng_state(state["rng"])
        print(f"going on from {self.checkpoint} at step {self.at}, {self.spent_s / 60:.1f} min spent", flush=True)


class Threads:
    """Steps on a CPU: loss and gradients of every part on a thread of its own."""

    def __init__(self, loop: Loop, kinds: list):
        self.loop, self.kinds = loop, kinds
        self.pool = ThreadPoolExecutor(max(map(len, kinds)), initializer=torch.set_num_threads, initargs=(1,))
        torch.set_num_threads(1)

    def _part(self, work):
        loss, figures = work()
        return loss.detach(), {name: float(value.detach()) for name, value in figures.items()}, torch.autograd.grad(loss, self.loop.parameters, allow_unused=True)

    def __call__(self, kind: int) -> None:
        losses, figures, gradients = zip(*self.pool.map(self._part, self.kinds[kind]))
        summed = [None if all(g is None for g in group) else sum(g for g in group if g is not None) for group in zip(*gradients)]
        self.loop.step(sum(losses), {name: value for part in figures for name, value in part.items()}, summed)


class Captured:
    """Steps on a GPU: each kind a graph. Figures are averaged on the device and read when they are shown."""
    WARM_UP, READ_EVERY = 3, 50

    def __init__(self, loop: Loop, kinds: list):
        device = loop.parameters[0].device
        self.loop = loop
        self.share = torch.zeros((), device=device)
        self.figures = [None] * len(kinds)
        side = torch.cuda.Stream(device)
        side.wait_stream(torch.cuda.current_stream(device))
        with torch.cuda.stream(side):
            for kind, parts in enumerate(kinds):
                for _ in range(self.WARM_UP):
                    self._set()
                    self._step(kind, parts)
                    loop.at += 1
        torch.cuda.current_stream(device).wait_stream(side)
        torch.cuda.synchronize(device)
        self.replays = []
        try:
            self._capture(kinds)
        except RuntimeError as error:
            print(f"a step cannot be captured ({error}); each is launched anew, which is slower", flush=True)
            torch.cuda.synchronize(device)
            self.replays = [lambda kind=kind, parts=parts: self._step(kind, parts) for kind, parts in enumerate(kinds)]

    def _capture(self, kinds: list) -> None:
        pool = None
        for kind, parts in enumerate(kinds):
            graph = torch.cuda.CUDAGraph()
            with COPYING, torch.cuda.graph(graph, pool=pool, capture_error_mode="thread_local"):
                self._step(kind, parts)
            pool = graph.pool()
            self.replays.append(graph.replay)

    def _set(self) -> None:
        """The numbers that change from step to step."""
        self.loop.rate.fill_(self.loop._rate())
        self.share.fill_(1 - self.loop.kept())

    def _step(self, kind: int, parts) -> None:
        loop = self.loop
        loop.optimiser.zero_grad(set_to_none=True)
        results = [work() for work in parts]
        loss = sum(loss for loss, _ in results)
        loss.backward()
        if loop.clip:
            torch.nn.utils.clip_grad_norm_(loop.parameters, loop.clip, foreach=True)
        loop.optimiser.step()
        loop.average(self.share)
        named = {"loss": loss.detach(), **{name: value.detach() for _, figures in results for name, value in figures.items()}}
        values = torch.stack([value.float() for value in named.values()])
        if self.figures[kind] is None:
            self.figures[kind] = (list(named), values.clone())
        else:
            self.figures[kind][1].lerp_(values, 0.02)

    def __call__(self, kind: int) -> None:
        self._set()
        self.replays[kind]()
        self.loop.at += 1
        if self.loop.at % self.READ_EVERY == 0:  # so that the device is never far behind
            for names, values in self.figures:
                self.loop._averages |= dict(zip(names, values.tolist()))
            if not math.isfinite(self.loop._averages["loss"]):
                self.loop._not_finite(self.loop._averages["loss"])


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
