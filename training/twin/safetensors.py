"""Safetensors files: read to torch tensors, written whole or not at all.

A file is the length of a JSON header (8 bytes, little-endian), the header, and the tensors' bytes. Beside the plain types
this module knows rows of 8-bit integers: a tensor `NAME` of type I8 with a float tensor `NAME.scale` [rows] stands for
scale[row] · int8, row being the first axis. `read` returns the product; `Rows8` asks `write` to store a tensor so.
"""
import json
import os
import struct
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

NUMPY = {"F64": "<f8", "F32": "<f4", "F16": "<f2", "BF16": "<u2", "I64": "<i8", "I32": "<i4", "I16": "<i2", "I8": "i1", "U8": "u1", "BOOL": "?"}
NAMES = {torch.float64: "F64", torch.float32: "F32", torch.float16: "F16", torch.bfloat16: "BF16", torch.int64: "I64",
         torch.int32: "I32", torch.int16: "I16", torch.int8: "I8", torch.uint8: "U8", torch.bool: "BOOL"}
MAX_HEADER_BYTES = 100_000_000  # the format's own limit


@dataclass
class Rows8:
    """A tensor to be stored as 8-bit rows; `stored` is what a reader will see."""
    values: torch.Tensor  # int8
    scale: torch.Tensor   # float32 [rows]

    @classmethod
    def of(cls, tensor: torch.Tensor) -> "Rows8":
        """Nearest 8-bit rows, −127 … 127, the largest magnitude of a row at 127; a row of zeros has scale 0."""
        rows = tensor.detach().float().reshape(tensor.shape[0], -1)
        scale = rows.abs().amax(1) / 127
        values = torch.round(rows / scale.clamp(min=torch.finfo(torch.float32).tiny)[:, None]).clamp(-127, 127)
        return cls(values.to(torch.int8).reshape(tensor.shape), scale)

    @property
    def stored(self) -> torch.Tensor:
        return self.values.float() * self.scale.reshape(-1, *[1] * (self.values.dim() - 1))


def read_header(path) -> tuple[dict, dict, int]:
    """(entries by name, metadata, position of the data), all checked against the size of the file."""
    path, size = Path(path), os.path.getsize(path)
    with open(path, "rb") as file:
        length = struct.unpack("<Q", file.read(8))[0] if size >= 8 else 0
        if not 2 <= length <= min(size - 8, MAX_HEADER_BYTES):
            raise ValueError(f"{path} is not a safetensors file, or is cut short")
        try:
            header = json.loads(file.read(length))
        except ValueError as error:
            raise ValueError(f"{path}: the header is not JSON: {error}") from None
    metadata = header.pop("__metadata__", {})
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        if entry["dtype"] not in NUMPY:
            raise ValueError(f"{path}: tensor {name} has the type {entry['dtype']}; known are {', '.join(NUMPY)}")
        needed = int(np.prod(entry["shape"], dtype=np.int64)) * np.dtype(NUMPY[entry["dtype"]]).itemsize
        if not 0 <= begin <= end <= size - 8 - length or end - begin != needed:
            raise ValueError(f"{path}: tensor {name} does not fit the file; it is damaged or cut short")
    return header, metadata, 8 + length


def read_stored(path, prefix: str = "") -> tuple[dict, dict[str, str]]:
    """(tensors whose name begins with `prefix`, without it; metadata), as the file has them: 8-bit rows as `Rows8`."""
    entries, metadata, start = read_header(path)
    data = np.memmap(path, np.uint8, "r")
    tensors = {}
    for name, entry in entries.items():
        if not name.startswith(prefix):
            continue
        begin, end = entry["data_offsets"]
        array = data[start + begin : start + end].view(NUMPY[entry["dtype"]]).reshape(entry["shape"])
        if entry["dtype"] == "BF16":
            tensor = torch.from_numpy((array.astype(np.uint32) << 16).view(np.float32)).bfloat16()
        else:
            tensor = torch.from_numpy(np.array(array))
        tensors[name[len(prefix) :]] = tensor
    for name in [n for n in tensors if f"{n}.scale" in tensors and tensors[n].dtype == torch.int8]:
        tensors[name] = Rows8(tensors[name], tensors.pop(f"{name}.scale"))
    return tensors, metadata


def read(path, prefix: str = "") -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """As `read_stored`, but 8-bit rows become float32; other types are kept."""
    tensors, metadata = read_stored(path, prefix)
    return {name: tensor.stored if isinstance(tensor, Rows8) else tensor for name, tensor in tensors.items()}, metadata


def write(path, tensors: dict, metadata: dict[str, str] | None = None) -> None:
    """Writes tensors (torch, numpy or `Rows8`) in the order given, to a temporary name that is renamed at the end."""
    stored = {}
    for name, tensor in tensors.items():
        if isinstance(tensor, Rows8):
            stored[name], stored[f"{name}.scale"] = tensor.values, tensor.scale
        else:
            stored[name] = torch.as_tensor(tensor)
    header, blocks, at = {}, [], 0
    if metadata:
        header["__metadata__"] = {key: str(value) for key, value in metadata.items()}
    # The widest types first keep every tensor aligned to its element.
    for name, tensor in sorted(stored.items(), key=lambda item: -item[1].element_size()):
        tensor = tensor.detach().cpu().contiguous()
        block = (tensor.view(torch.int16) if tensor.dtype == torch.bfloat16 else tensor).numpy().tobytes()
        header[name] = {"dtype": NAMES[tensor.dtype], "shape": list(tensor.shape), "data_offsets": [at, at + len(block)]}
        blocks.append(block)
        at += len(block)
    text = json.dumps(header, ensure_ascii=False, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    partial = Path(f"{path}.tmp")
    with open(partial, "wb") as file:
        file.write(struct.pack("<Q", len(text)))
        file.write(text)
        for block in blocks:
            file.write(block)
    partial.rename(path)
