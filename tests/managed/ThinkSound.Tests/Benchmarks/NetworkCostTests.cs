using System.Text;
using ThinkSound.Benchmarks;
using ThinkSound.Bundles;

namespace ThinkSound.Tests.Benchmarks;

public class NetworkCostTests
{
    /// <summary>The sizes of the published model.</summary>
    private static BundleDescription Published { get; } = BundleDescription.Parse(Encoding.UTF8.GetBytes("""
        {"format": "thinksound-bundle", "version": 1, "name": "published", "components": {
          "mmdit": {"config": {"latent_dim": 64, "clip_dim": 1024, "sync_dim": 768, "text_dim": 2048, "hidden_dim": 1024, "depth": 21, "fused_depth": 14,
            "num_heads": 16, "v2": true, "kernel_size": 3}},
          "vae": {"config": {"decoder": {"type": "oobleck", "config": {"out_channels": 2, "channels": 128, "c_mults": [1, 2, 4, 8, 16],
            "strides": [2, 4, 4, 8, 8], "latent_dim": 64}}}},
          "t5": {"config": {"d_model": 2048, "d_kv": 64, "d_ff": 5120, "num_layers": 24, "num_heads": 32}},
          "clip_text": {"config": {"text_config": {"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 24}}},
          "clip_vision": {"config": {"vision_config": {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32, "image_size": 224, "patch_size": 14},
            "projection_dim": 1024}},
          "synchformer": {"config": {"embed_dim": 768, "depth": 12, "num_heads": 12, "image": 224, "patch": 16, "temporal_patch": 2, "frames_per_segment": 16}}
        }}
        """), "published");

    // Figures worked out by hand from the layers of the published networks at 9 s: 194 latents, 72 CLIP frames, 216 sync features.
    [Test]
    public void The_published_networks_cost_what_their_layers_add_up_to()
    {
        var cost = new NetworkCost(Published);
        Assert.Multiple(() =>
        {
            Assert.That(cost.Mmdit(194, 72) / 1e12, Is.EqualTo(0.386).Within(0.0005 + 0.01 * 0.386));
            Assert.That(cost.MmditConditions(72, 216) / 1e12, Is.EqualTo(0.021).Within(0.0005 + 0.01 * 0.021));
            Assert.That(cost.Decode(194) / 1e12, Is.EqualTo(0.978).Within(0.0005 + 0.01 * 0.978));
            Assert.That(cost.T5() / 1e12, Is.EqualTo(0.179).Within(0.0005 + 0.01 * 0.179));
            Assert.That(cost.ClipText() / 1e12, Is.EqualTo(0.047).Within(0.0005 + 0.01 * 0.047));
            Assert.That(cost.ClipVisionFrame() / 1e12, Is.EqualTo(0.335).Within(0.0005 + 0.01 * 0.335));
            // 0.394 with all rows of the aggregating layer, of which only the class token's (and all keys and values) are needed.
            Assert.That(cost.SynchformerSegment() / 1e12, Is.EqualTo(0.394 - 0.0194).Within(0.0005 + 0.01 * 0.375));
        });
    }

    [Test]
    public void A_mel_codec_costs_what_its_layers_add_up_to()
    {
        var cost = new NetworkCost(BundleDescription.Parse("""
            {"format": "thinksound-bundle", "version": 1, "name": "mel", "components": {"vae": {"config": {"decoder": {"type": "mel", "config": {
              "latent_dim": 64, "fine_width": 128, "coarse_width": 256, "fine_blocks": 4, "coarse_blocks": 4, "expansion": 3, "num_bands": 96, "frames_per_latent": 8}}}}}}
            """u8.ToArray(), "mel"));
        // By hand, multiplications a latent: in 49 152, coarse 4·(1 792 + 393 216), split 262 144, fine 8·4·(896 + 98 304), out 8·24 576.
        Assert.That(cost.Decode(100), Is.EqualTo(2.0 * 100 * (49152 + 4 * 395008 + 262144 + 32 * 99200 + 196608)));
    }

    [Test]
    public void A_network_that_is_not_there_costs_nothing_known() =>
        Assert.That(new NetworkCost(BundleDescription.Parse("""{"components": {}}"""u8.ToArray(), "none")).Mmdit(1, 1), Is.NaN);
}
