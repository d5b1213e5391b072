// Which way to compute a product was the fastest when all were timed, remembered in a file, so that later processes choose alike:
// two ways may differ in the last bits, and the same seed is to give the same samples.
//
// A line of the file is a product and, from the fastest on, ways and their microseconds, all separated by tabs. Lines are only ever
// added, each by one write; of several about one product the first whose fastest way is still there counts. Whoever wants to measure
// anew deletes the file.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ops/cuda/product_way.h"

namespace ts::cuda {

class ProductMeasurements {
 public:
  // What `file` already says is read here.
  explicit ProductMeasurements(std::string file) : file_(std::move(file)) {
    std::ifstream lines(file_);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      std::string product, fastest;
      if (!std::getline(fields, product, '\t') || !std::getline(fields, fastest, '\t')) continue;
      if (const auto way = find_way(fastest)) known_[product].push_back(*way);
    }
  }

  // The fastest of `ways`, if that is known.
  std::optional<ProductWay> find(const std::string& product, const std::vector<ProductWay>& ways) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(product);
    if (known == known_.end()) return std::nullopt;
    for (const ProductWay& way : known->second)
      if (std::find(ways.begin(), ways.end(), way) != ways.end()) return way;
    return std::nullopt;
  }

  // `time` gives the microseconds of a way, or infinity where it is refused, as all but one way may. TS_INVALID_ARGUMENT where the file
  // cannot be written.
  template <class Time>
  ProductWay measure(const std::string& product, const std::vector<ProductWay>& ways, const Time& time) {
    constexpr int kRounds = 7;
    const std::lock_guard lock(measuring_);  // one at a time: others would be in its way on the device
    if (const auto known = find(product, ways)) return *known;
    std::vector<std::pair<double, ProductWay>> best;
    for (const ProductWay& way : ways) best.emplace_back(std::numeric_limits<double>::infinity(), way);
    for (int round = 0; round <= kRounds; ++round)  // by turns, so that a card that slows down slows all; the first loads kernels
      for (auto& [us, way] : best) {
        const double again = time(way);
        if (round > 0) us = std::min(us, again);
      }
    std::stable_sort(best.begin(), best.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
    std::string line = product;
    for (const auto& [us, way] : best)
      if (std::isfinite(us)) line += concat('\t', name_of(way), '\t', us);
    write(line + '\n');
    const std::lock_guard knowing(mutex_);
    known_[product].push_back(best[0].second);
    return best[0].second;
  }

 private:
  void write(const std::string& line) const {
    for (size_t end = file_.find('/', 1); end != std::string::npos; end = file_.find('/', end + 1)) mkdir(file_.substr(0, end).c_str(), 0777);
    const int file = open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const bool is_written = file >= 0 && ::write(file, line.data(), line.size()) == ssize_t(line.size());
    if (file >= 0) close(file);
    if (!is_written) fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_PRODUCT: measurements cannot be written to ", file_);
  }

  std::string file_;
  mutable std::mutex mutex_, measuring_;
  std::map<std::string, std::vector<ProductWay>> known_;
};

// Where measurements lie unless told otherwise: cuda-products.txt in the user's cache folder.
inline std::string default_measurements_file() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache) return concat(cache, "/thinksound/cuda-products.txt");
  if (home && *home) return concat(home, "/.cache/thinksound/cuda-products.txt");
  fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_PRODUCT=measure: neither XDG_CACHE_HOME nor HOME is set; measure:FILE says where measurements go");
}

}  // namespace ts::cuda
