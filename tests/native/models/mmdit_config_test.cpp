#include "models/mmdit_config.h"

#include "json_text.h"
#include "models/mmdit_weights.h"
#include "models/published_names.h"

using namespace ts;

namespace {

nlohmann::json published() {
  return ts::test::parsed(R"({"latent_dim": 64, "clip_dim": 1024, "sync_dim": 768, "text_dim": 2048, "hidden_dim": 1024, "depth": 21,
    "fused_depth": 14, "num_heads": 16, "latent_seq_len": 194, "clip_seq_len": 72, "sync_seq_len": 216, "v2": true, "kernel_size": 3})");
}

MmditConfig parse(const nlohmann::json& changes = nlohmann::json::object()) {
  nlohmann::json config = published();
  config.update(changes);
  return parse_mmdit_config(config, "config.json");
}

std::string refusal(const nlohmann::json& changes) {
  try {
    parse(changes);
  } catch (const Error& error) {
    CHECK(error.status() == TS_BAD_BUNDLE);
    CHECK(std::string(error.what()).starts_with("config.json: "));
    return error.what();
  }
  return "accepted";
}

void check_refused(const nlohmann::json& changes, std::string_view because) {
  const std::string message = refusal(changes);
  CAPTURE(message);
  CHECK(message.find(because) != std::string::npos);
}

}  // namespace

TEST_CASE("mmdit config: the published one, and the class defaults of what it leaves out") {
  const MmditConfig config = parse();
  CHECK(config.num_joint() == 7);
  CHECK(config.head_dim() == 64);
  CHECK(config.block_ffn_dim() == 2816);
  CHECK(config.projection_ffn_dim() == 2816);
  CHECK(config.timestep_dim() == 1024);
  CHECK(config.sync_kernel == 7);
  CHECK(config.text_seq_len == 77);
  CHECK(config.clip_text_dim == 1024);
  CHECK_FALSE(config.use_mlp);
  const MmditConfig defaults = parse_mmdit_config(ts::test::parsed(R"({"latent_dim": 8, "clip_dim": 4, "sync_dim": 4, "text_dim": 16,
    "hidden_dim": 32, "depth": 2, "fused_depth": 0, "num_heads": 2})"), "defaults");
  CHECK_FALSE(defaults.v2);
  CHECK(defaults.kernel_size == 7);
  CHECK(defaults.mlp_ratio == 4.0);
  CHECK(defaults.timestep_dim() == 256);
}

TEST_CASE("mmdit config: latent statistics are accepted and ignored, as in the reference") {
  CHECK(refusal({{"latent_mean", nlohmann::json::array({1.0, 2.0})}, {"latent_std", nullptr}}) == "accepted");
}

TEST_CASE("mmdit config: the reference's rounding of feed-forward widths") {
  CHECK(parse({{"hidden_dim", 64}, {"num_heads", 2}}).block_ffn_dim() == 256);
  const MmditConfig wide = parse({{"hidden_dim", 194}, {"num_heads", 97}, {"mlp_ratio", 2.5}});
  CHECK(wide.block_ffn_dim() == 512);       // int(2·int(485.0)/3) = 323 → 512
  CHECK(wide.projection_ffn_dim() == 768);  // 2·776/3 = 517 → 768
}

TEST_CASE("mmdit config: every combination that the reference can run is accepted") {
  CHECK(refusal({{"kernel_size", 1}}) == "accepted");
  CHECK(refusal({{"sync_kernel", 4}}) == "accepted");
  CHECK(refusal({{"v2", false}, {"fused_depth", 0}, {"kernel_size", 4}}) == "accepted");  // the kernel has no use there
  CHECK(refusal({{"depth", 3}, {"fused_depth", 5}}) == "accepted");                       // five fused blocks, none joint
  CHECK(refusal({{"gated_video", true}, {"triple_fusion", true}}) == "accepted");
  CHECK(refusal({{"hidden_dim", 1280}, {"num_heads", 16}}) == "accepted");                // head dim 80
}

TEST_CASE("mmdit config: what the reference cannot build or run is refused with its reason") {
  check_refused({{"v2", false}}, "without v2");
  check_refused({{"v2", false}, {"fused_depth", 0}, {"use_inpaint", true}}, "use_inpaint");
  check_refused({{"kernel_size", 4}}, "kernel_size 4 is even");
  check_refused({{"num_heads", 15}}, "does not divide");
  check_refused({{"hidden_dim", 30}, {"num_heads", 2}}, "head dim 15");
  check_refused({{"hidden_dim", 1040}, {"num_heads", 8}}, "head dim 130");
  check_refused({{"hidden_dim", 33}, {"num_heads", 1}}, "odd");
  check_refused({{"mlp_ratio", 0}}, "mlp_ratio");
  check_refused({{"dropout", 0.1}, {"widht", 2}}, "unknown \"dropout\", \"widht\"");
  check_refused({{"hidden_dim", 1 << 30}}, "hidden_dim");
  check_refused({{"depth", -1}}, "depth");
  check_refused({{"depth", 1e9}}, "depth");
  check_refused({{"hidden_dim", "1024"}}, "hidden_dim");
}

TEST_CASE("mmdit weights: every name and shape of the published checkpoint, and no others") {
  test::check_published_names("mmdit", {}, [](Loader& loader) {
    load_mmdit_weights(loader, parse());
    CHECK(loader.bytes() == 0);
    loader.finish();
  });
}

TEST_CASE("mmdit weights: a configuration that does not fit the file names what is missing, misshapen and left over") {
  const auto faults = [](const nlohmann::json& changes) -> std::string {
    test::PublishedNames source("mmdit");
    Loader loader(source, plain_table(), DType::f32);
    load_mmdit_weights(loader, parse(changes));
    try {
      loader.finish();
    } catch (const Error& error) {
      CHECK(error.status() == TS_BAD_WEIGHTS);
      return error.what();
    }
    return "none";
  };
  const auto check_faults = [&](const nlohmann::json& changes, std::string_view expected) {
    const std::string message = faults(changes);
    CAPTURE(message);
    CHECK(message.find(expected) != std::string::npos);
  };
  check_faults({{"depth", 20}}, "left over: \"joint_blocks.5.clip_block.ffn.w1.weight\"");
  check_faults({{"depth", 20}}, "joint_blocks.5.clip_block.adaLN_modulation.1.bias is [6144], expected [2048]");
  check_faults({{"fused_depth", 15}, {"depth", 22}}, "missing: fused_blocks.14.attn.qkv.weight");
  check_faults({{"use_inpaint", true}}, "audio_input_proj.0.weight is [1024, 64, 3], expected [1024, 128, 3]");
  check_faults({{"text_dim", 1024}}, "text_input_proj.0.weight is [1024, 2048], expected [1024, 1024]");
  check_faults({{"clip_text_dim", 768}}, "text_cond_proj.weight is [1024, 1024], expected [1024, 768]");
  check_faults({{"num_heads", 32}}, "attn.q_norm.weight is [64], expected [32]");
}
