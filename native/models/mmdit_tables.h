// The tables of the MM-DiT that depend on lengths and times alone. Computed on the host; each step is rounded to
// single precision exactly where the reference rounds it, because some of these roundings are visible in the flow.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace ts {

// (cos, sin) of n·φ_k, φ_k = scale/10000^(2k/head_dim): [length, head_dim/2, 2]. Spec 01 §8.
std::vector<float> rope_table(int64_t length, int64_t head_dim, float scale);

// Frequencies of the timestep embedding, `dim`/2 of them: 10000·10000^(−2j/dim) with v2, else without the factor.
// Three entries at dim 1024 carry the reference's own powf (spec 01 §6).
std::vector<float> timestep_frequencies(int64_t dim, bool v2);
// [cos(t·f), sin(t·f)] of every t: [t.size(), 2·frequencies.size()]. The product is rounded to f32 before cos and sin.
std::vector<float> timestep_embedding(std::span<const float> t, std::span<const float> frequencies);

// Source row of every target row, "nearest-exact" in the framework's single precision: at exact ties another row than
// integer arithmetic gives (spec 01 §4).
std::vector<int32_t> nearest_exact_index(int64_t source_len, int64_t target_len);

// Rows that repeat, by what each is made of: rows with equal keys are equal.
struct SharedRows {
  std::vector<int32_t> distinct;  // the first row of every kind
  std::vector<int32_t> chosen;    // for each row, which of `distinct` it equals
};
SharedRows share_rows(std::span<const int64_t> keys);

// Natural cubic spline through `source_len` knots, evaluated at `target_len` points, as a matrix [target, source]
// (spec 01 §7a). source_len ≥ 2.
std::vector<float> natural_spline_matrix(int64_t source_len, int64_t target_len);

}  // namespace ts
