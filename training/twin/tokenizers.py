"""Texts to ids for both text encoders (spec 04): (ids, mask) i64 [B, text_len], mask 1 for real tokens, end included.

    CLIP   NFC → white space collapsed → lower case → contractions | letters | one number | other visible → byte-level BPE
    T5     SentencePiece's own unigram segmentation
"""
import gzip
import json
import re
import unicodedata
from pathlib import Path

import torch

# Unicode's White_Space; Python's own \s also takes U+001C … U+001F, which the fast tokenizer does not.
WHITE_SPACE = "\t\n\v\f\r \x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000"
RUNS = re.compile(f"[{WHITE_SPACE}]+")
CONTRACTION = re.compile(r"'(?:s|t|re|ve|m|ll|d)")


def byte_symbols() -> dict[int, str]:
    """GPT-2's printable stand-ins for the 256 bytes, in the order of CLIP's ids."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {byte: chr(byte) for byte in printable} | {byte: chr(256 + n) for n, byte in enumerate(others)}


def pieces(text: str) -> list[str]:
    """What CLIP's pattern keeps: 's|'t|'re|'ve|'m|'ll|'d|\\p{L}+|\\p{N}|[^\\s\\p{L}\\p{N}]+."""
    def kind(char):
        return " " if RUNS.match(char) else unicodedata.category(char)[0] if unicodedata.category(char)[0] in "LN" else "other"
    out, at = [], 0
    while at < len(text):
        start, first = at, kind(text[at])
        if contraction := CONTRACTION.match(text, at):
            at = contraction.end()
        else:
            at += 1
            while first != "N" and at < len(text) and kind(text[at]) == first:
                at += 1
        if first != " ":
            out.append(text[start:at])
    return out


class ClipTokenizer:
    """`merges`: merges.txt, with `vocabulary` vocab.json beside it, or open_clip's bpe_simple_vocab_16e6.txt.gz alone."""

    def __init__(self, merges, vocabulary=None, text_len: int = 77):
        opened = gzip.open if str(merges).endswith(".gz") else open
        with opened(merges, "rt", encoding="utf-8") as file:
            lines = file.read().split("\n")
        pairs = [tuple(line.split()) for line in lines[1:] if len(line.split()) == 2]
        self.bytes = byte_symbols()
        symbols = self.bytes.values()
        if vocabulary:
            self.ids = json.loads(Path(vocabulary).read_text(encoding="utf-8"))
        else:
            entries = [*symbols, *(s + "</w>" for s in symbols), *("".join(p) for p in pairs), "<|startoftext|>", "<|endoftext|>"]
            self.ids = {entry: i for i, entry in enumerate(entries)}
        self.ranks = {pair: rank for rank, pair in enumerate(pairs)}
        self.bos, self.eos, self.text_len = self.ids["<|startoftext|>"], self.ids["<|endoftext|>"], text_len
        self.known = {}

    def pieces_of(self, word: str) -> list[int]:
        """BPE of one pre-token: the pair of lowest rank is merged, everywhere, until none is left."""
        if word not in self.known:
            parts = [self.bytes[byte] for byte in word.encode()]
            parts[-1] += "</w>"
            while len(parts) > 1:
                best = min(zip(parts, parts[1:]), key=lambda pair: self.ranks.get(pair, len(self.ranks)))
                if best not in self.ranks:
                    break
                merged, i = [], 0
                while i < len(parts):
                    together = tuple(parts[i : i + 2]) == best
                    merged.append("".join(best) if together else parts[i])
                    i += 2 if together else 1
                parts = merged
            self.known[word] = [self.ids[part] for part in parts]
        return self.known[word]

    def encode(self, text: str) -> list[int]:
        """Ids without BOS and EOS."""
        text = RUNS.sub(" ", unicodedata.normalize("NFC", text))
        text = "".join(char.lower() for char in text)  # character by character: a final capital sigma becomes σ
        return [i for word in pieces(text) for i in self.pieces_of(word)]

    def __call__(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [[self.bos, *self.encode(text)[: self.text_len - 2], self.eos] for text in texts]
        return padded(rows, self.text_len, self.eos)


class T5Tokenizer:
    """`model`: a SentencePiece unigram model with T5's ids, pad 0 and end 1."""

    def __init__(self, model, text_len: int = 77):
        import sentencepiece
        self.processor = sentencepiece.SentencePieceProcessor(model_file=str(model))
        self.text_len = text_len

    def encode(self, text: str) -> list[int]:
        """Ids without the closing one."""
        return self.processor.encode(text)

    def __call__(self, texts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
        rows = [[*self.encode(text)[: self.text_len - 1], self.processor.eos_id()] for text in texts]
        return padded(rows, self.text_len, self.processor.pad_id())


def padded(rows: list[list[int]], length: int, pad: int) -> tuple[torch.Tensor, torch.Tensor]:
    ids = torch.full((len(rows), length), pad)
    mask = torch.zeros(len(rows), length, dtype=torch.int64)
    for i, row in enumerate(rows):
        ids[i, : len(row)] = torch.tensor(row)
        mask[i, : len(row)] = 1
    return ids, mask
