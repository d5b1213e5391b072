"""Both tokenizers against what the reference's make of plain and of awkward texts."""
import json
import unittest

from support import FOLDER, ROOT
from twin.tokenizers import ClipTokenizer, T5Tokenizer

VOCABULARIES = ROOT / "tests" / "golden" / "tokenizers"


def lines(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


class TokenizerTest(unittest.TestCase):
    def setUp(self):
        self.clip = ClipTokenizer(VOCABULARIES / "clip" / "bpe_simple_vocab_16e6.txt.gz")
        self.t5 = T5Tokenizer(VOCABULARIES / "t5_small" / "spiece.model")

    def test_ids_match_the_reference(self):
        for name, tokenizer in (("clip", self.clip), ("t5", self.t5)):
            for line in lines(FOLDER / f"{name}_tokens.jsonl"):
                ids, mask = tokenizer([line["text"]])
                self.assertEqual(ids[0].tolist(), line["ids"], (name, line["text"]))
                self.assertEqual(int(mask.sum()), min(line["num_tokens"], 77), (name, line["text"]))

    def test_awkward_texts_match_the_reference(self):
        for line in lines(ROOT / "tests" / "golden" / "text" / "tokens.jsonl"):
            self.assertEqual(self.clip.encode(line["text"]), line["clip"], line["text"])
            self.assertEqual(self.t5.encode(line["text"]), line["spiece"], line["text"])

    def test_other_lengths_truncate_and_pad(self):
        tokenizer = ClipTokenizer(VOCABULARIES / "clip" / "bpe_simple_vocab_16e6.txt.gz", text_len=6)
        ids, mask = tokenizer(["a dog barks at the moon", ""])
        self.assertEqual(list(ids.shape), [2, 6])
        self.assertEqual((ids[0, 0].item(), ids[0, -1].item()), (49406, 49407))
        self.assertEqual(mask.tolist(), [[1] * 6, [1, 1, 0, 0, 0, 0]])


if __name__ == "__main__":
    unittest.main()
