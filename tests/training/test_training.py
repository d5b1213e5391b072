"""Training loss and every gradient against the reference; draws of the objective."""
import unittest

import torch

from support import Golden, GoldenTestCase, relative_l2
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.objective import DropRates, logit_normal, rectified_flow_loss


def small() -> tuple[Mmdit, Features]:
    """A small network in which nothing is zero, and conditions for it."""
    torch.manual_seed(4)
    model = Mmdit(MmditConfig(latent_dim=4, clip_dim=6, sync_dim=5, text_dim=8, clip_text_dim=8, hidden_dim=16, depth=2, fused_depth=1,
                              num_heads=2, text_seq_len=3, v2=True, kernel_size=3))
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=0.2)
    return model, Features(clip=torch.randn(2, 4, 6), sync=torch.randn(2, 8, 5), text=torch.randn(2, 3, 8), t5=torch.randn(2, 3, 8))


class ObjectiveTest(GoldenTestCase):
    def test_loss_and_all_gradients_match_the_reference(self):
        golden = Golden("train_small")
        model = Mmdit.from_state(MmditConfig(**golden.json("config")), Golden("mmdit_small").weights())
        features = Features(clip=golden["in.clip_f"], sync=golden["in.sync_f"], text=golden["in.text_f"], t5=golden["in.t5_features"])
        batch = dict(sound=golden["in.data_latent"].transpose(1, 2), noise=golden["in.noise"].transpose(1, 2), t=golden["in.t"],
                     features=features, video_exist=golden["in.video_exist"])
        drop = {name: golden[f"in.drop_{name}"] for name in ("clip", "sync", "text", "t5")}

        loss = rectified_flow_loss(model, **batch, drop=drop)
        self.assert_close(loss, golden["out.loss"], 2e-6, "loss")
        self.assert_close(rectified_flow_loss(model, **batch), golden["out.nodrop.loss"], 2e-6, "loss without dropout")

        loss.backward()
        trained = {name: p for name, p in model.named_parameters() if p.requires_grad}
        listed = {key[len("out.grad.") :] for key in golden.tensors if key.startswith("out.grad.") and not key.endswith(".f64")}
        self.assertEqual(set(trained), listed)
        for name, parameter in trained.items():
            self.assert_close(parameter.grad, golden[f"out.grad.{name}"], 5e-5, f"gradient of {name}")
        self.assertTrue(all(getattr(model, name).grad is None for name in golden.json("params_without_grad")))

    def test_joint_drop_takes_both_streams_of_an_item(self):
        masks = DropRates(clip=0, sync=0, text=0, t5=0, video=0.5, words=0.25).draw(4000, "cpu", torch.Generator().manual_seed(1))
        self.assertTrue(torch.equal(masks["clip"], masks["sync"]))
        self.assertTrue(torch.equal(masks["text"], masks["t5"]))
        # Four standard deviations of the mean of 4000 draws.
        self.assertAlmostEqual(masks["clip"].float().mean().item(), 0.5, delta=4 * (0.25 / 4000) ** 0.5)
        self.assertAlmostEqual(masks["text"].float().mean().item(), 0.25, delta=4 * (0.1875 / 4000) ** 0.5)

    def test_modalities_drop_independently_at_their_rates(self):
        masks = DropRates().draw(20000, "cpu", torch.Generator().manual_seed(2))
        both = (masks["clip"] & masks["sync"]).float().mean().item()
        self.assertAlmostEqual(both, 0.04, delta=4 * (0.04 * 0.96 / 20000) ** 0.5)

    def test_times_are_logit_normal(self):
        t = logit_normal(20000, torch.Generator().manual_seed(3))
        self.assertTrue(bool(((t > 0) & (t < 1)).all()))
        # A quarter of a standard normal lies below −0.6745.
        self.assertAlmostEqual((torch.logit(t) < -0.6745).float().mean().item(), 0.25, delta=4 * (0.1875 / 20000) ** 0.5)

    def test_moments_count_as_much_as_their_emphasis(self):
        model, features = small()
        x, noise, t, early = torch.randn(2, 5, 4), torch.randn(2, 5, 4), torch.rand(2), torch.zeros(2, 5)
        early[:, :2] = 1
        with torch.no_grad():
            whole, first, rest = (rectified_flow_loss(model, x, noise, t, features, emphasis=emphasis) for emphasis in (None, early, 1 - early))
        self.assert_close(first + rest, whole, 2e-6)
        self.assertGreater(float(first), 0)

    def test_dropping_everything_equals_features_of_empties(self):
        model, features = small()
        everything = torch.ones(2, dtype=torch.bool)
        dropped = model.dropped(features, clip=everything, sync=everything, text=everything, t5=everything)
        null = model.with_null(features, 4, 8)
        x, t = torch.randn(2, 5, 4), torch.rand(2)
        self.assertLess(relative_l2(model(x, t, dropped), model(x.repeat(2, 1, 1), t.repeat(2), null)[2:]), 3e-5)  # float noise of a flow, goldens' README


if __name__ == "__main__":
    unittest.main()
