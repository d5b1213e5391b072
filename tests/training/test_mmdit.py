"""The velocity network against the reference: flows, intermediates, optional branches, tables."""
import json
import os
import unittest

import torch

from support import ROOT, Golden, GoldenTestCase
from twin.mmdit import Features, Mmdit, MmditConfig
from twin.mmdit_tables import fused_linspace, nearest_exact, rotations, timestep_embedding, timestep_frequencies

FLOW = 3e-5  # relative L2, goldens' README
CPU = torch.device("cpu")


def features_of(golden: Golden, keys: dict) -> Features:
    """`keys`: the tensor of every argument of the reference's forward."""
    masked = golden.get(keys.get("inpaint_masked_input", ""))
    return Features(
        clip=golden[keys["clip_f"]], sync=golden[keys["sync_f"]], text=golden.get(keys.get("text_f", "")),
        t5=golden.get(keys.get("t5_features", "")), global_text=golden.get(keys.get("metaclip_global_text_features", "")),
        masked=None if masked is None else masked.transpose(1, 2))


def run(model: Mmdit, x, t, features: Features, case: dict):
    """The reference's forward with guidance and length repair: [B, latent_dim, N] → the same."""
    x, (_, clip_len, sync_len) = x.transpose(1, 2), case["L"]
    if case.get("cfg", 1) == 1:
        return model(x, t, features).transpose(1, 2)
    conditions = model.prepare(model.with_null(features, clip_len, sync_len), x.shape[1])
    return model.guided(x, t, conditions, case["cfg"], case.get("phi", 0)).transpose(1, 2)


def probes(model: Mmdit) -> dict:
    """Intermediates under the goldens' names, filled by the next forward."""
    seen, order = {}, [0]

    def keep(name):
        return lambda module, inputs, output: seen.__setitem__(name, output)

    def attention(module, inputs, output):
        i, order[0] = order[0], order[0] + 1
        seen.update({f"attn{i}.q": inputs[0], f"attn{i}.k": inputs[1], f"attn{i}.v": inputs[2], f"attn{i}.out": output})

    def first_latent(module, inputs):
        seen.setdefault("fusion.latent", inputs[0])

    for name in ("audio_input_proj", "clip_input_proj", "sync_input_proj", "text_input_proj", "global_cond_mlp", "t_embed", "final_layer"):
        getattr(model, name).register_forward_hook(keep(name))
    for i, block in enumerate(model.joint_blocks):
        block.attend.register_forward_hook(attention)
        block.register_forward_hook(lambda m, inputs, output, i=i: seen.update(
            {f"joint{i}.latent": output[0], f"joint{i}.clip": output[1], f"joint{i}.text": output[2]}))
    for i, block in enumerate(model.fused_blocks):
        block.attend.register_forward_hook(attention)
        block.register_forward_hook(keep(f"fused{i}"))
        block.register_forward_pre_hook(first_latent)
        if model.config.cross_attend:
            block.cross_attn.attend.register_forward_hook(lambda m, inputs, output, i=i: seen.update(
                {f"fused{i}.cross.q": inputs[0], f"fused{i}.cross.k": inputs[1], f"fused{i}.cross.v": inputs[2], f"fused{i}.cross.out": output}))
    for name, gate in (("gated_mlp", "gate"), ("gated_mlp_v", "gate_v"), ("gated_mlp_t", "gate_t")):
        if hasattr(model, name):
            getattr(model, name).register_forward_hook(keep(f"fusion.{gate}"))
    prepare = model.prepare

    def prepared(features, latent_len):
        conditions = prepare(features, latent_len)
        seen.update({"cond.clip_f": conditions.clip, "cond.sync_f": conditions.sync, "cond.text_f": conditions.text,
                     "cond.clip_f_c": conditions.clip_c, "cond.text_f_c": conditions.text_c})
        return conditions
    model.prepare = prepared
    return seen


class MmditTest(GoldenTestCase):
    @torch.no_grad()
    def check_case(self, golden, model, case, x, t, features, name):
        seen = probes(model)
        flow = run(model, x, t, features, case)
        self.assert_close(flow, golden[f"out.{name}.flow"], FLOW, f"{name}: flow")
        compared = set()
        for key in golden.tensors:
            probe = key[len(f"mid.{name}.") :]
            if not key.startswith(f"mid.{name}.") or probe not in seen:
                continue
            reference, ours = golden[key], seen[probe]
            if probe.startswith("attn") and ours.shape != reference.shape:
                # In the last joint block only the latent's queries are computed.
                axis = 2 if ours.dim() == 4 else 1
                reference = reference.narrow(axis, 0, ours.shape[axis])
            floor = golden.floor(name, probe)
            self.assert_close(ours.reshape(reference.shape), reference, 10 * floor if floor else FLOW, key)
            compared.add(probe)
        return compared

    def check_file(self, name: str, least: int):
        golden = Golden(name)
        compared = set()
        for case_name, case in golden.json("cases").items():
            config = golden.json("config")
            if "text_seq_len" in case:
                config["text_seq_len"] = case["text_seq_len"]
            model = Mmdit.from_state(MmditConfig(**config), golden.weights())
            prefix = f"in.{case_name}."
            keys = {key[len(prefix) :]: key for key in golden.tensors if key.startswith(prefix)}
            with self.subTest(case_name):
                features = features_of(golden, keys)
                if case.get("empty_text"):
                    features.text, features.t5 = (p[None] for p in (model.empty_string_feat, model.empty_t5_feat))
                if case.get("no_t5"):
                    features.t5 = None
                t = golden.get(prefix + "t")
                compared |= self.check_case(golden, model, case, golden[prefix + "x"], torch.tensor(case["t"]) if t is None else t, features, case_name)
        self.assertGreaterEqual(len(compared), least, sorted(compared))

    def test_flow_and_intermediates_match_the_reference(self):
        self.check_file("mmdit_small", 40)

    def test_head_dim_64_matches_the_reference(self):
        self.check_file("mmdit_hd64_small", 20)

    def test_every_optional_branch_matches_the_reference(self):
        golden = Golden("mmdit_flags_small")
        models, base = golden.json("models"), golden.json("config")
        shared = {name: value for name, value in golden.weights().items() if not any(name.startswith(f"{m}.") for m in models)}
        for name, case in golden.json("cases").items():
            description = models[case["model"]]
            own = {p: golden[f"w.{case['model']}.{p}"] for p in description["own"]}
            state = {**{p: v for p, v in shared.items() if p not in description["unused_shared"]}, **own}
            model = Mmdit.from_state(MmditConfig(**{**base, **description["config"]}), state)
            with self.subTest(name):
                keys = case["inputs"]
                self.check_case(golden, model, case, golden[keys["x"]], torch.tensor(case["t"]), features_of(golden, keys), name)

    def test_tables_match_the_reference_bit_for_bit(self):
        golden = Golden("mmdit_small" if "THINKSOUND_GOLDENS" in os.environ else "mmdit_tables")
        self.assertTrue(torch.equal(torch.from_numpy(fused_linspace(1, 0, 24)), golden["in.tsweep.t"]))
        frequencies = golden["mid.t_embed_freqs"]
        self.assertTrue(torch.equal(timestep_frequencies(2 * len(frequencies), True, CPU), frequencies))
        embedding = golden["mid.tsweep.embedding"]
        self.assert_close(timestep_embedding(golden["in.tsweep.t"], embedding.shape[1], True), embedding, 1e-6)
        checked = 0
        for key in golden.tensors:
            name = key[len("mid.full.") :]
            if name.startswith("sync_index_"):
                source, target = (int(n) for n in name[len("sync_index_") :].split("_to_"))
                self.assertTrue(torch.equal(nearest_exact(source, target, CPU), golden[key].long()), key)
                checked += 1
            elif "_rot_" in name and key.startswith("mid.full."):
                length, head_dim = (int(n) for n in name.split("_rot_")[1].split("_hd"))
                turns = rotations(length, head_dim, 194 / length, CPU)
                matrices = torch.stack([turns.real, -turns.imag, turns.imag, turns.real], -1).reshape(golden[key].shape)
                self.assert_close(matrices, golden[key], 1e-6, key)
                checked += 1
        self.assertGreater(checked, 30)

    def test_published_configuration_has_the_published_tensors(self):
        listed = json.loads((ROOT / "tests/golden/published/mmdit.json").read_text())
        small = Mmdit(MmditConfig(latent_dim=64, clip_dim=8, sync_dim=8, text_dim=8, hidden_dim=16, depth=21, fused_depth=14, num_heads=1, v2=True, kernel_size=3))
        self.assertEqual({name: value.dim() for name, value in small.state_dict().items()}, {name: len(shape) for name, shape in listed.items()})


if __name__ == "__main__":
    unittest.main()
