"""How well the codec keeps held-out sounds: log-mel distance by class, beside two anchors.

    python3 -m codec_score build/training/codec/checkpoint.pt --split test --per-class 2

Distance: mean |Δ ln mel|, 80 HTK bands of 20 Hz to 20 kHz, 2048-point Hann frames 512 apart, amplitudes floored at −80 dB
of full scale; in nat (1 nat = 8.7 dB). Anchors: the phase alone (true log-mel, inverted), and silence.
"""
import argparse
from pathlib import Path

import numpy as np
import torch

import model
import scenes
from clips import log_mel
from scenes.onsets import mel_bank
from twin import phase, safetensors

FFT, HOP, FLOOR = 2048, 512, 1e-4


def log_bands(channel: np.ndarray) -> np.ndarray:
    """[frames, 80] of one channel."""
    bank = mel_bank(80, 20.0, 20000.0, FFT)
    padded = np.pad(channel, FFT // 2)
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT) / FFT)
    frames = np.lib.stride_tricks.sliding_window_view(padded, FFT)[::HOP] * window
    return np.log(np.maximum(np.abs(np.fft.rfft(frames)) * (4 / FFT) @ bank.T, FLOOR))


def distance(a: np.ndarray, b: np.ndarray) -> float:
    """Between two stereo sounds [2, n], in nat; the longer one is cut."""
    length = min(a.shape[1], b.shape[1])
    return float(np.mean([np.abs(log_bands(x[:length]) - log_bands(y[:length])).mean() for x, y in zip(a, b)]))


def codec_of(path: Path):
    """From a checkpoint of `codec`, or from a safetensors file, a bundle's or its own."""
    codec = model.mel_codec.MelCodec(model.CODEC["encoder"], model.CODEC["decoder"])
    if path.suffix == ".pt":
        codec.load_state_dict(torch.load(path, map_location="cpu")["ema"])
    else:
        tensors = safetensors.read(path, "vae.")[0] or safetensors.read(path)[0]
        codec.load_state_dict({name: tensor.float() for name, tensor in tensors.items()})
    return codec.eval()


@torch.no_grad()
def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("codec", type=Path)
    parser.add_argument("--split", default="test", choices=scenes.SPLITS)
    parser.add_argument("--per-class", type=int, default=2)
    parser.add_argument("--duration", type=float, default=2.0, help="seconds of each clip")
    options = parser.parse_args()

    codec, rows = codec_of(options.codec), []
    print("| class | codec | phase alone | silence |\n|---|---|---|---|")
    for name in scenes.CLASSES:
        scores = []
        for seed in range(options.per_class):
            audio = scenes.generate(seed, options.duration, class_name=name, split=options.split, companions=False, pictures=False).audio
            y = log_mel(audio)
            restored = codec.decode(codec.encode(torch.from_numpy(y)[None]).chunk(2, -1)[0])[0].numpy()
            scores.append([distance(audio, sound) for sound in (phase.synthesise(restored), phase.synthesise(y), np.zeros_like(audio))])
        rows.append(np.mean(scores, 0))
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in rows[-1]) + " |", flush=True)
    mean, worst = np.mean(rows, 0), np.max(rows, 0)
    print("| mean | " + " | ".join(f"{value:.3f}" for value in mean) + f" |\n| worst | {worst[0]:.3f} | {worst[1]:.3f} | |")


if __name__ == "__main__":
    main()
