// Names and shapes of the published checkpoints (tests/golden/published), without their data.
#pragma once

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <string>
#include <vector>

#include "models/loader.h"
#include "ops/table.h"

namespace ts::test {

// A checkpoint of which only the table of contents is left. A Loader that gets no data checks every name and shape and
// allocates nothing.
class PublishedNames final : public WeightSource {
 public:
  explicit PublishedNames(const std::string& list);
  std::string description() const override { return "published names"; }
  std::vector<std::string> names() const override {
    std::vector<std::string> names;
    for (const auto& [name, tensor] : tensors_) names.push_back(name);
    return names;
  }
  const std::set<std::string>& asked() const { return asked_; }

 protected:
  const Tensor* find(std::string_view name) const override {
    const auto found = tensors_.find(std::string(name));
    return found == tensors_.end() ? nullptr : &found->second;
  }
  const Tensor* find_or_make(std::string_view name, const Shape&) override {
    asked_.emplace(name);
    return find(name);
  }

 private:
  std::map<std::string, Tensor> tensors_;
  std::set<std::string> asked_;
};

// `load` must ask for every tensor of the list in its own shape, but for those under `unused` prefixes.
template <class Load>
void check_published_names(const std::string& list, const std::vector<std::string>& unused, const Load& load) {
  PublishedNames source(list);
  Loader loader(source, plain_table(), DType::f32);
  CHECK_NOTHROW(load(loader));
  for (const std::string& name : source.names()) {
    bool used = true;
    for (const std::string& prefix : unused) used = used && !name.starts_with(prefix);
    if (used) CHECK_MESSAGE(source.asked().count(name) == 1, "nobody asked for " << name);
  }
}

}  // namespace ts::test
