// Weights by memory-mapped safetensors, checked name by name against what the configuration demands.
//
//   8 bytes   little-endian header length n
//   n bytes   JSON: {"name": {"dtype": "F32", "shape": [...], "data_offsets": [begin, end]}, "__metadata__": {...}}
//   rest      raw little-endian data
//
// Nothing whose size comes from the file is allocated before it has been checked against the file's length.
// Source   https://github.com/huggingface/safetensors format description; spec 07 for names.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/tensor.h"

namespace ts {

// One mapped file. Refuses, naming the file: headers longer than the file, unknown dtypes, shapes that do not
// match their byte ranges, ranges that overlap, leave holes or run out of the file, duplicate names, bad UTF-8.
//
// The file must not be shortened while it is mapped: the system answers a read beyond its new end with SIGBUS, and
// no check of ours can stand between the two. Replacing it (write aside, rename) is safe.
class SafetensorsFile {
 public:
  // `path` is UTF-8. TS_NOT_FOUND, TS_IO_ERROR, TS_BAD_WEIGHTS.
  explicit SafetensorsFile(const std::string& path);
  ~SafetensorsFile();
  SafetensorsFile(const SafetensorsFile&) = delete;
  SafetensorsFile& operator=(const SafetensorsFile&) = delete;

  const std::string& path() const { return path_; }
  const std::map<std::string, Tensor, std::less<>>& tensors() const { return tensors_; }
  const std::map<std::string, std::string, std::less<>>& metadata() const { return metadata_; }
  // Tensors that the file holds and we cannot: name → why ("F8_E4M3 is not supported"). Not in tensors().
  const std::map<std::string, std::string, std::less<>>& unsupported() const { return unsupported_; }
  // Tells the system that the pages of a tensor will not be read again soon. Reading them again is slow, not wrong.
  // Only pages that belong to the tensor alone are given back.
  void release(const Tensor& tensor) const;

 private:
  struct Mapping;
  std::string path_;
  std::unique_ptr<Mapping> mapping_;
  std::map<std::string, Tensor, std::less<>> tensors_;
  std::map<std::string, std::string, std::less<>> metadata_, unsupported_;
  std::vector<std::vector<std::byte>> aligned_copies_;  // of tensors that the file stores at odd addresses
};

// What a network loads from: names without prefix, from one file, several files, or memory.
//
// A network take()s every tensor that its configuration demands; finish() then reports what was missing, had
// another shape or type, and what was left over, all in one message.
//
// Weights of 8 bits: a tensor NAME of I8 with two axes or more and a companion NAME.scale, F32 of one value for each
// row of the first axis, stand for value = scale[row]·int8. Networks are given them as f32 and do not know.
class WeightSource {
 public:
  virtual ~WeightSource() = default;

  // The tensor `name` of exactly `shape`: f32, f16 or bf16 as stored, weights of 8 bits widened to f32 into memory that
  // lives until release(). A missing or wrong one is noted, and an empty Tensor returned; the network carries on to find
  // every fault, then finish() throws. Once there is a fault nothing is widened any more: those come back empty too.
  Tensor take(std::string_view name, const Shape& shape);
  // The same where the network decides by rank or rows (spec 01 §1: Linear or Conv): any shape. `usual` is the one
  // that a source which makes tensors up (synthetic_weights) should give.
  Tensor take_any(std::string_view name, const Shape& usual);
  // False for whatever synthetic weights are asked: they exist once taken.
  bool has(std::string_view name) const { return find(name) != nullptr; }
  // Whether the file stores `name` with `rank` axes (a convolution of kernel 1 or a linear layer); false if absent.
  bool has_rank(std::string_view name, int rank) const {
    const Tensor* tensor = find(name);
    return tensor && tensor->shape.rank() == rank;
  }
  // Names that published files contain and the network does not use (buffers, other towers), by prefix.
  void ignore(std::string_view prefix) { ignored_.emplace_back(prefix); }
  // TS_BAD_WEIGHTS listing up to 12 faults of each kind. Extra tensors are a fault unless ignored.
  void finish();
  virtual std::string description() const = 0;           // for messages: file names
  virtual std::string origin(std::string_view /*name*/) const { return description(); }  // the file that holds a tensor
  // The tensor has been packed: frees what was widened, and gives back the pages it was read from.
  void release(std::string_view name);

 protected:
  virtual const Tensor* find(std::string_view name) const = 0;
  // What take() and take_any() look up; a source that makes tensors up does so here.
  virtual const Tensor* find_or_make(std::string_view name, const Shape& /*usual*/) { return find(name); }
  // Why a name that find() does not know may still stand in the file; "" if it does not.
  virtual std::string why_missing(std::string_view /*name*/) const { return ""; }
  virtual std::vector<std::string> names() const = 0;
  // What find() gave will not be read again soon.
  virtual void release_stored(std::string_view /*name*/) {}

 private:
  Tensor take_checked(std::string_view name, const Shape& usual, bool any_shape);
  Tensor widen(std::string_view name, const Tensor& stored);
  bool scales_another(std::string_view name) const;
  std::set<std::string, std::less<>> taken_;
  std::map<std::string, std::vector<float>, std::less<>> widened_;
  std::vector<std::string> ignored_, missing_, mismatched_;
};

// Tensors of files under a prefix: "w." for goldens, "model.model." for the diffusion checkpoint. Earlier
// entries win over later ones (the goldens' flag models override shared weights).
struct WeightFile {
  std::shared_ptr<const SafetensorsFile> file;
  std::string prefix;
};
std::unique_ptr<WeightSource> open_weights(std::vector<WeightFile> files);

// Seeded random weights of any shape asked for, std 1/√fan_in, norm-like vectors near 1: speed tests of the
// published sizes need no download. Tensors are bf16, made when taken and freed on release.
std::unique_ptr<WeightSource> synthetic_weights(uint64_t seed);

// Names the scales of the 8-bit tensor `name`.
std::string scale_of(std::string_view name);
// out = scale[row]·stored, row by row: `stored` i8 [R, ...], `scale` [R], `out` of as many elements as `stored`.
void widen_rows(std::span<float> out, const Tensor& stored, std::span<const float> scale);

// f32 copy of any float tensor. TS_BAD_WEIGHTS naming `origin` and `name` when a value is NaN or infinite.
std::vector<float> to_f32(const Tensor& tensor, std::string_view name, std::string_view origin = "weights");
// The check alone, for tensors that are packed as they are stored.
void check_finite(const Tensor& tensor, std::string_view name, std::string_view origin = "weights");

}  // namespace ts
