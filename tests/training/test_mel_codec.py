"""The mel codec: its golden file, the analysis against a plain transform in double, and the way back to sound."""
import unittest

import numpy as np
import torch

from support import ROOT, Golden, GoldenTestCase
from twin import mel_codec, phase
from twin.mel_codec import MelCodec, MelConfig

FLOAT = 5e-6  # relative L2: ten times the file's largest floor


def chirp(seconds: float = 0.5) -> np.ndarray:
    """f64 [2, whole latents]: a rising tone at two levels, with a click in the middle."""
    num_samples = int(44100 * seconds) // 2048 * 2048
    t = np.arange(num_samples) / 44100
    x = 0.3 * np.sin(2 * np.pi * (300 * t + 1500 * t * t))
    x[num_samples // 2 :] += 0.5 * np.exp(-np.arange(num_samples - num_samples // 2) / 200)
    return np.stack([x, 0.5 * x])


def plain_log_mel(audio: np.ndarray, config: MelConfig) -> np.ndarray:
    """docs/mel-codec.md, written out frame by frame and band by band: [2, S] → [S/hop, 2·bands]."""
    n, hop, bin_hz = config.n_fft, config.hop, config.sample_rate / config.n_fft
    to_mel = lambda hz: hz * 3 / 200 if hz < 1000 else 15 + 27 * np.log(hz / 1000) / np.log(6.4)
    to_hz = lambda mel: mel * 200 / 3 if mel < 15 else 1000 * 6.4 ** ((mel - 15) / 27)
    low, high = to_mel(bin_hz), to_mel(config.max_hz)
    centres = [to_hz(low + (high - low) * b / (config.num_bands - 1)) for b in range(config.num_bands)]
    window = [0.5 - 0.5 * np.cos(2 * np.pi * i / n) for i in range(n)]
    rows = []
    for m in range(audio.shape[1] // hop):
        row = []
        for channel in audio:
            frame = [channel[s] if 0 <= (s := hop * m - 384 + i) < len(channel) else 0.0 for i in range(n)]
            a = np.abs(np.fft.rfft(np.array(frame) * window)) * 4 / n
            for b, centre in enumerate(centres):
                below = max(centre - centres[b - 1], bin_hz) if b else max(centres[1] - centre, bin_hz)
                above = max(centres[b + 1] - centre, bin_hz) if b + 1 < len(centres) else max(centre - centres[b - 1], bin_hz)
                f = np.arange(n // 2 + 1) * bin_hz
                weight = np.clip(np.where(f < centre, 1 - (centre - f) / below, 1 - (f - centre) / above), 0, None)
                row.append((np.log((weight * a).sum() / weight.sum() + 1e-4) + 5) / 2)
        rows.append(row)
    return np.array(rows)


class MelCodecTest(GoldenTestCase):
    @torch.no_grad()
    def test_golden_file_still_holds(self):
        golden = Golden("mel_codec_small", ROOT / "tests" / "golden")
        sides = golden.json("config")["model"]
        model = MelCodec(*(MelConfig(**sides[side]["config"]) for side in ("encoder", "decoder")))
        model.load_state_dict(golden.weights())
        for case in golden.json("cases"):
            if f"in.{case}.audio" in golden:
                ours, name = mel_codec.analyse(golden[f"in.{case}.audio"], model.config), "mel"
            elif f"in.{case}.mel" in golden:
                ours, name = model.encode(golden[f"in.{case}.mel"]), "moments"
            else:
                ours, name = model.decode(golden[f"in.{case}.latent"]), "mel"
            self.assert_close(ours, golden[f"out.{case}.{name}"], FLOAT, case)

    def test_analysis_is_what_the_document_says(self):
        config = MelConfig(num_bands=24)
        audio = chirp(0.1)
        ours = mel_codec.analyse(torch.from_numpy(audio)[None], config)[0].numpy()
        np.testing.assert_allclose(ours, plain_log_mel(audio, config), rtol=0, atol=1e-9)

    def test_a_sine_reaches_its_amplitude_in_a_bin(self):
        frequency = 100 * 44100 / 1024
        audio = 0.25 * torch.sin(torch.arange(4096, dtype=torch.float64) * (2 * np.pi * frequency / 44100))
        self.assertAlmostEqual(mel_codec.magnitudes(audio)[8, 100].item(), 0.25, places=9)

    def test_sounds_that_are_no_whole_latents_are_refused(self):
        with self.assertRaisesRegex(ValueError, "multiple of 2048"):
            mel_codec.analyse(torch.zeros(1, 2, 2049))

    def test_every_channel_of_the_network_is_trained(self):
        torch.manual_seed(1)
        model = MelCodec(MelConfig(latent_dim=4, fine_width=8, coarse_width=12, fine_blocks=1, coarse_blocks=1, num_bands=6))
        y = torch.randn(2, 16, 12)
        z, kl = mel_codec.sample(model.encode(y))
        ((model.decode(z) - y).abs().mean() + 1e-3 * kl).backward()
        for name, parameter in model.named_parameters():
            self.assertGreater(float(parameter.grad.abs().max()), 0, name)

    def test_moments_sample_as_the_bottleneck_of_the_reference_does(self):
        golden = Golden("vae_small")
        moments = torch.cat([golden["out.enc4.mean"], golden["out.enc4.scale"]], 1).transpose(1, 2)
        latent, kl = mel_codec.sample(moments, golden["in.enc4.noise"].transpose(1, 2))
        self.assert_close(latent.transpose(1, 2), golden["out.enc4.latent"], 1e-6)
        self.assert_close(kl, golden["out.enc4.kl"], 1e-6)


class PhaseTest(unittest.TestCase):
    def setUp(self):
        self.audio = chirp()
        self.y = mel_codec.analyse(torch.from_numpy(self.audio)[None])[0].numpy()

    def distance(self, sound: np.ndarray) -> float:
        """Mean difference of the log-mel, in nat."""
        return 2 * float(np.abs(mel_codec.analyse(torch.from_numpy(sound)[None])[0].numpy() - self.y).mean())

    def test_sound_comes_back_close_in_log_mel_and_refinement_helps(self):
        refined, first_guess = self.distance(phase.synthesise(self.y)), self.distance(phase.synthesise(self.y, iterations=0))
        self.assertLess(refined, 0.25)
        self.assertLess(refined, 0.8 * first_guess)

    def test_frames_do_not_depend_on_what_comes_more_than_three_frames_later(self):
        whole, part = phase.synthesise(self.y), phase.synthesise(self.y[:40])
        # Frame 36 is the last that saw all it looks at; the sound up to where frame 37 begins is final.
        final = 256 * 37 - 384
        np.testing.assert_array_equal(part[:, :final], whole[:, :final])

    def test_channels_share_their_phase(self):
        sound = phase.synthesise(self.y)
        correlation = (sound[0] * sound[1]).sum() / np.sqrt((sound[0] ** 2).sum() * (sound[1] ** 2).sum())
        self.assertGreater(correlation, 0.98)

    def test_sounds_have_no_offset(self):
        deep = np.full((690, 192), -2.0)  # 4 s
        deep[:, [0, 96]] = 2  # the lowest band alone, 0.37 of full scale
        sound = phase.synthesise(deep)
        self.assertLess(np.abs(sound.mean(1)).max(), 1e-3 * np.abs(sound).max())

    def test_silence_stays_silent(self):
        silence = mel_codec.analyse(torch.zeros(1, 2, 8192))[0].numpy()
        # The floor's magnitudes come back as the rounding of float32 logarithms.
        self.assertLess(np.abs(phase.synthesise(silence)).max(), 1e-6)


if __name__ == "__main__":
    unittest.main()
