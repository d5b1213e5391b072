"""Trains the judge that `evaluate` listens with: scenes.classifier on true sounds and on the same sounds through the codec.

    python3 -m judge --bundle models/foley-small --count 1320 -o training/evaluation/judge.safetensors

It has heard only scenes of the train split, knows nothing of the model's other networks, and is stored in 8-bit rows
(130 KB). What it is worth is printed, and stored in the file: its accuracy on held-out true and restored sounds.
"""
import argparse
import json
from pathlib import Path

import numpy as np
import torch

import product
from scenes import CLASSES, classifier
from twin import safetensors


def write(judge: classifier.Classifier, path: Path, figures: dict) -> None:
    state = {name: safetensors.Rows8.of(value) if value.dim() == 2 else value for name, value in judge.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    safetensors.write(path, state, {"format": "pt", "classes": json.dumps(judge.classes), **figures})


def read(path: Path) -> classifier.Classifier:
    if not path.exists():
        raise FileNotFoundError(f"{path}: no such judge; `python3 -m judge` trains one")
    state, metadata = safetensors.read(path)
    judge = classifier.Classifier(json.loads(metadata["classes"]))
    judge.load_state_dict(state)
    return judge.eval()


def accuracy(judge: classifier.Classifier, x, labels) -> float:
    with torch.no_grad():
        return float(np.mean(judge(torch.from_numpy(x)).argmax(1).numpy() == labels))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bundle", type=Path, required=True, help="whose codec restores the sounds")
    parser.add_argument("--count", type=int, default=1320, help="training scenes; each is heard twice")
    parser.add_argument("--test", type=int, default=220, help="held-out scenes")
    parser.add_argument("--duration", type=float, default=4.0)
    parser.add_argument("--workers", type=int)
    parser.add_argument("-o", "--output", type=Path, required=True)
    options = parser.parse_args()

    engine = product.Engine(options.bundle)

    def sounds(count, split):
        return classifier.dataset(count, split, options.duration, restore=engine.restore, workers=options.workers)

    judge = classifier.fit(*sounds(options.count, "train"))
    x, labels = sounds(options.test, "test")  # true and restored in turn
    figures = {"scenes": options.count, "accuracy_true": f"{accuracy(judge, x[::2], labels[::2]):.3f}",
               "accuracy_restored": f"{accuracy(judge, x[1::2], labels[1::2]):.3f}"}
    write(judge, options.output, figures)
    print(f"{options.output}: {figures}, {options.output.stat().st_size / 1e3:.0f} KB, stored: "
          f"{accuracy(read(options.output), x[::2], labels[::2]):.3f} {accuracy(read(options.output), x[1::2], labels[1::2]):.3f}")
    for k, name in enumerate(CLASSES):
        guesses = [judge(torch.from_numpy(x[a::2][labels[a::2] == k])).argmax(1).numpy() for a in (0, 1)]
        wrong = sorted({CLASSES[g] for guess in guesses for g in guess if g != k})
        print(f"{name:12} {np.mean(guesses[0] == k):.2f} {np.mean(guesses[1] == k):.2f}  {', '.join(wrong)}")


if __name__ == "__main__":
    main()
