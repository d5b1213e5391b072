"""Arrays of clips or features as tensors where the training is: memory-mapped beside a CPU, copied to a GPU, and followed
while another program is still making them.

    data = Resident(folder, ("mel", "frames"), device)
    rows = data.draw(16)                          # rows that are there, each as likely as the others
    batch = data.frames[rows]

A folder that is being made holds arrays of their full size and the file `ready` with the number of rows that are whole.
"""
import threading
import time
from pathlib import Path

import numpy as np
import torch

CHUNK = 64                   # rows a copy
COPYING = threading.Lock()   # held while a graph is captured: copies from another thread would break into it


def ready(folder: Path) -> int:
    """Rows of a folder that are whole; 0 while there is none."""
    try:
        return int((folder / "ready").read_text())
    except (FileNotFoundError, ValueError):  # ValueError: caught between opening and writing
        return 0


def mark_ready(folder: Path, count: int) -> None:
    partial = folder / "ready.tmp"
    partial.write_text(str(count))
    partial.replace(folder / "ready")


def wait_for(folder: Path, rows: int = 1, patience_s: float = 600) -> int:
    """Blocks until `rows` rows of the folder are whole; returns how many there are."""
    began = time.monotonic()
    while (count := ready(folder)) < rows:
        if time.monotonic() - began > patience_s:
            raise TimeoutError(f"{folder}: {count} rows are ready after {patience_s:.0f} s, {rows} were waited for; is the program that makes them running?")
        time.sleep(0.2)
    return count


class Resident:
    """`describe(first, last)` gives more arrays about rows first … last − 1, {name: [rows, ...]}: targets, tokens."""

    def __init__(self, folder: Path, names, device="cpu", describe=None, at_least: int = 1):
        self.folder, self.device, self.describe = Path(folder), torch.device(device), describe
        there = wait_for(self.folder, at_least)
        self.sources = {name: np.load(self.folder / f"{name}.npy", mmap_mode="c") for name in names if (self.folder / f"{name}.npy").exists()}
        self.capacity = min(len(source) for source in self.sources.values())
        self.tensors, self.copied = {}, 0
        self.stream = torch.cuda.Stream(self.device) if self.device.type == "cuda" else None  # copies do not queue up behind steps
        self.count = torch.zeros((), dtype=torch.long, device=self.device)
        if self.device.type == "cpu":
            self.tensors = {name: torch.from_numpy(source) for name, source in self.sources.items()}
        while self.copied < min(there, self.capacity):
            self._copy(min(there, self.capacity))
        if self.copied < self.capacity:
            threading.Thread(target=self._follow, daemon=True).start()

    def __len__(self) -> int:
        return self.copied

    def __getattr__(self, name: str) -> torch.Tensor:
        try:
            return self.__dict__["tensors"][name]
        except KeyError:
            raise AttributeError(f"{self.__dict__.get('folder')}: no array {name}") from None

    def __contains__(self, name: str) -> bool:
        return name in self.tensors

    def draw(self, size: int, weights: torch.Tensor | None = None) -> torch.Tensor:
        """i64 [size] on the device. Nothing waits: the number of rows is a tensor there. With `weights` [capacity], of four
        rows at hand one is taken in proportion to its weight."""
        if weights is None:
            return (torch.rand(size, device=self.device) * self.count).long()
        rows = self.draw(4 * size).reshape(size, 4)
        shares = weights[rows].cumsum(1) / weights[rows].sum(1, keepdim=True)
        pick = (shares < torch.rand(size, 1, device=self.device)).sum(1, keepdim=True).clamp(max=3)
        return rows.gather(1, pick)[:, 0]

    def _place(self, name: str, first: int, values: torch.Tensor) -> None:
        if name not in self.tensors:
            self.tensors[name] = torch.zeros((self.capacity, *values.shape[1:]), dtype=values.dtype, device=self.device)
        self.tensors[name][first : first + len(values)] = values.to(self.device)

    def _copy(self, there: int) -> None:
        first, last = self.copied, min(self.copied + CHUNK, there)
        more = {name: torch.as_tensor(values) for name, values in (self.describe(first, last) if self.describe else {}).items()}
        if self.device.type != "cpu":
            more |= {name: torch.from_numpy(np.array(source[first:last])) for name, source in self.sources.items()}
        with COPYING, torch.cuda.stream(self.stream):
            for name, values in more.items():
                self._place(name, first, values)
            if self.stream:
                self.stream.synchronize()
            self.count.fill_(last)
        self.copied = last

    def _follow(self) -> None:
        while self.copied < self.capacity:
            there = min(ready(self.folder), self.capacity)
            if there > self.copied:
                self._copy(there)
            else:
                time.sleep(0.5)
