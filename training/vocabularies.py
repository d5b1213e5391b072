"""Makes the two small vocabularies of the embedded model from captions and chains of thought.

    python3 -m vocabularies build/training/train-4s -o build/training/vocabularies

    merges.txt, vocab.json   byte-level BPE as CLIP's: 512 byte symbols, merges by frequency, two specials
    spiece.model             SentencePiece unigram, T5's ids (pad 0, eos 1, unk 2), NFKC with case folding

Both cover any text: what the corpus never showed falls apart into letters or bytes.
"""
import argparse
import io
import json
from collections import Counter
from pathlib import Path

import sentencepiece

from twin.tokenizers import byte_symbols, pieces

NUM_MERGES, NUM_PIECES = 1400, 1600

def learn_merges(texts, count: int) -> list[tuple[str, str]]:
    """The `count` most frequent pairs, one after the other; a tie goes to the pair that comes first in the alphabet."""
    words = {}
    for word, times in Counter(match for text in texts for match in pieces(text.lower())).items():
        if word.isascii():
            words[(*word[:-1], word[-1] + "</w>")] = times
    merges = []
    while len(merges) < count:
        pairs = Counter()
        for symbols, times in words.items():
            for pair in zip(symbols, symbols[1:]):
                pairs[pair] += times
        if not pairs:
            break
        best = min(pairs, key=lambda pair: (-pairs[pair], pair))
        merges.append(best)
        words = {merged(symbols, best): times for symbols, times in words.items()}
    return merges


def merged(symbols, pair):
    out, i = [], 0
    while i < len(symbols):
        if symbols[i : i + 2] == pair:
            out.append(pair[0] + pair[1])
            i += 2
        else:
            out.append(symbols[i])
            i += 1
    return tuple(out)


def write_clip(texts, folder: Path) -> int:
    """Writes merges.txt and vocab.json; returns the size of the vocabulary."""
    folder.mkdir(parents=True, exist_ok=True)
    symbols, merges = list(byte_symbols().values()), learn_merges(texts, NUM_MERGES)
    vocabulary = [*symbols, *(s + "</w>" for s in symbols), *(a + b for a, b in merges), "<|startoftext|>", "<|endoftext|>"]
    (folder / "merges.txt").write_text("#version: 0.2\n" + "".join(f"{a} {b}\n" for a, b in merges), encoding="utf-8")
    (folder / "vocab.json").write_text(json.dumps({piece: i for i, piece in enumerate(vocabulary)}, ensure_ascii=False), encoding="utf-8")
    return len(vocabulary)


def write_t5(texts, path: Path) -> int:
    """Writes spiece.model; returns the number of its pieces."""
    path.parent.mkdir(parents=True, exist_ok=True)
    model = io.BytesIO()
    letters = [chr(c) for c in range(33, 127)]
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter([*texts, " ".join(letters)]), model_writer=model, model_type="unigram", vocab_size=NUM_PIECES,
        hard_vocab_limit=False, required_chars="".join(letters), character_coverage=1.0, normalization_rule_name="nmt_nfkc_cf",
        pad_id=0, eos_id=1, unk_id=2, bos_id=-1, pad_piece="<pad>", eos_piece="</s>", unk_piece="<unk>", num_threads=1, minloglevel=2)
    path.write_bytes(model.getvalue())
    return sentencepiece.SentencePieceProcessor(model_proto=model.getvalue()).get_piece_size()


def main() -> None:
    from clips import Clips

    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("clips", type=Path, nargs="+", help="folders of clips")
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()
    texts = [line[field] for folder in options.clips for line in Clips(folder).lines for field in ("caption", "cot")]
    print(f"CLIP: {write_clip(texts, options.output)} entries, T5: {write_t5(texts, options.output / 'spiece.model')} pieces")


if __name__ == "__main__":
    main()
