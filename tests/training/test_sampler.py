"""Time grid bit for bit, trajectories through the network and replayed without it."""
import unittest

import torch

from support import Golden, GoldenTestCase
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.sampler import euler, guided_flow, time_grid, v_diffusion

LATENT = 5e-5  # relative L2, goldens' README


class SamplerTest(GoldenTestCase):
    def check(self, through_network: bool):
        golden = Golden("sampler_small")
        model = Mmdit.from_state(MmditConfig(**golden.json("config")), Golden("mmdit_small").weights()) if through_network else None
        for name, case in golden.json("cases").items():
            times, xs, flows = (golden.get(f"mid.{name}.{what}") for what in ("t_steps", "x_steps", "flow_steps"))
            self.assertTrue(torch.equal(times[:, 0], time_grid(case["steps"])[:-1]))
            seen = []

            def replay(x, t):
                return flows[len(seen)].transpose(1, 2)

            flow = replay
            if model:
                features = Features(*(golden[f"in.{name}.{key}"] for key in ("clip_f", "sync_f", "text_f", "t5_features")))
                n, *lengths = case["L"]
                flow = guided_flow(model, features, n, case["cfg"], lengths=lengths)
            sample = v_diffusion if case["kind"] == "v" else euler
            with torch.no_grad():
                latent = sample(flow, golden[f"in.{name}.noise"].transpose(1, 2), case["steps"], watch=lambda x, t, v: seen.append((x, v)))
            self.assert_close(latent.transpose(1, 2), golden[f"out.{name}.latent"], LATENT, name)
            if xs is not None:
                self.assert_close(torch.stack([x for x, _ in seen]).transpose(2, 3), xs, LATENT, f"{name}: x")
            self.assert_close(torch.stack([v for _, v in seen]).transpose(2, 3), flows, LATENT, f"{name}: flow")

    def test_trajectories_replay_from_the_recorded_flow(self):
        self.check(through_network=False)

    def test_trajectories_match_the_reference(self):
        self.check(through_network=True)


if __name__ == "__main__":
    unittest.main()
