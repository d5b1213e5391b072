"""What the tests of the twin share: golden files, their tolerances, comparison.

`THINKSOUND_GOLDENS` names a folder with the full files; without it the committed subset is read, and a test that needs
more says so and is skipped.
"""
import json
import os
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "training"))

import torch

from twin import safetensors

FOLDER = Path(os.environ.get("THINKSOUND_GOLDENS") or ROOT / "tests" / "golden")


class Golden:
    """One golden file; see tests/golden/README.md for its keys."""

    def __init__(self, name: str, folder: Path = FOLDER):
        self.path = folder / f"{name}.safetensors"
        if not self.path.exists():
            raise unittest.SkipTest(f"{name} needs the full golden files (THINKSOUND_GOLDENS)")
        self.tensors, self.metadata = safetensors.read(self.path)

    def json(self, key: str):
        return json.loads(self.metadata[key]) if key in self.metadata else None

    def __contains__(self, key: str) -> bool:
        return key in self.tensors

    def __getitem__(self, key: str) -> torch.Tensor:
        """A tensor, what was stored as float16 as float32."""
        tensor = self.tensors[key]
        return tensor.float() if tensor.dtype == torch.float16 else tensor

    def get(self, key: str):
        return self[key] if key in self else None

    def weights(self, prefix: str = "w.") -> dict[str, torch.Tensor]:
        return {key[len(prefix) :]: self[key] for key in self.tensors if key.startswith(prefix)}

    def floor(self, case: str, name: str) -> float | None:
        """The measured float32 noise of an intermediate, as relative L2."""
        floors = self.json("floors") or {}
        floors = floors.get(case, {}) if case else floors
        return floors.get(name, {}).get("rel_l2") if isinstance(floors.get(name), dict) else None


def relative_l2(ours: torch.Tensor, reference: torch.Tensor) -> float:
    """‖ours − reference‖ / ‖reference‖ in double; against zeros, the largest difference."""
    ours, reference = ours.detach().double(), reference.double()
    size = reference.norm()
    return float((ours - reference).norm() / size if size > 1e-6 else (ours - reference).abs().max())


class GoldenTestCase(unittest.TestCase):
    def assert_close(self, ours: torch.Tensor, reference: torch.Tensor, tolerance: float, what: str = "") -> None:
        """Relative L2 within `tolerance`, shapes equal."""
        self.assertEqual(list(ours.shape), list(reference.shape), what)
        error = relative_l2(ours, reference)
        self.assertLessEqual(error, tolerance, f"{what}: relative L2 {error:.2e}")
