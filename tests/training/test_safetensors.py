"""Files as the product reads them: round trips of every type, 8-bit rows, refusals."""
import struct
import tempfile
import unittest
from pathlib import Path

import torch

import support  # noqa: F401, finds the twin
from twin import safetensors
from twin.safetensors import Rows8


class SafetensorsTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.path = Path(folder.name) / "file.safetensors"

    def test_every_type_comes_back_bit_for_bit(self):
        torch.manual_seed(1)
        tensors = {f"a.{dtype}": (torch.randn(3, 5) * 40).to(dtype) for dtype in safetensors.NAMES}
        tensors["scalar"], tensors["empty"] = torch.tensor(1.5), torch.zeros(0, 4)
        safetensors.write(self.path, tensors, {"who": "thé"})
        read, metadata = safetensors.read(self.path)
        self.assertEqual(metadata, {"who": "thé"})
        self.assertEqual(set(read), set(tensors))
        for name, tensor in tensors.items():
            self.assertEqual((read[name].dtype, read[name].shape), (tensor.dtype, tensor.shape))
            self.assertTrue(torch.equal(read[name], tensor), name)
        self.assertEqual(list(self.path.parent.iterdir()), [self.path])

    def test_rows_of_eight_bits_are_within_half_a_step(self):
        weight = torch.randn(6, 4, 3, generator=torch.Generator().manual_seed(2)) * torch.logspace(-6, 3, 6)[:, None, None]
        weight[2] = 0
        rows = Rows8.of(weight)
        safetensors.write(self.path, {"layer.weight": rows})
        entries, _, _ = safetensors.read_header(self.path)
        self.assertEqual({name: (e["dtype"], e["shape"]) for name, e in entries.items()},
                         {"layer.weight": ("I8", [6, 4, 3]), "layer.weight.scale": ("F32", [6])})
        read, _ = safetensors.read(self.path)
        self.assertEqual(list(read), ["layer.weight"])
        self.assertTrue(torch.equal(read["layer.weight"], rows.stored))
        half_step = weight.abs().amax((1, 2)) / 127 / 2
        self.assertTrue(bool(((read["layer.weight"] - weight).abs().amax((1, 2)) <= half_step * 1.001).all()))

    def test_a_prefix_chooses_and_is_taken_off(self):
        safetensors.write(self.path, {"a.x": torch.ones(1), "b.x": torch.zeros(1), "a.y": Rows8.of(torch.ones(2, 2))})
        self.assertEqual(set(safetensors.read(self.path, "a.")[0]), {"x", "y"})

    def test_damaged_files_are_refused_by_name(self):
        safetensors.write(self.path, {"x": torch.ones(8)})
        whole = self.path.read_bytes()
        for damaged in (b"", whole[:5], whole[:20], whole[:-1], struct.pack("<Q", 1 << 60) + whole[8:], whole.replace(b"F32", b"F99"), b"\x02" + b"\0" * 7 + b"[{"):
            self.path.write_bytes(damaged)
            with self.assertRaisesRegex(ValueError, "file.safetensors"):
                safetensors.read(self.path)


if __name__ == "__main__":
    unittest.main()
