// Which of two ways to compute a product was the faster when both were timed, remembered in a file, so that later processes
// choose alike: two ways differ in the last bits, and the same seed is to give the same samples.
//
// A line of the file is a product and the microseconds of both ways, separated by tabs. Lines are only ever added, each by one
// write; of several about one product the first counts. Whoever wants to measure anew deletes the file.
#pragma once

#include <cstdlib>
#include <fstream>
#include <map>
#include <mutex>
#include <optional>
#include <sstream>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/error.h"

namespace ts::cuda {

enum class FasterWay : uint8_t { ours, library };

class ProductMeasurements {
 public:
  // What `file` already says is read here.
  explicit ProductMeasurements(std::string file) : file_(std::move(file)) {
    std::ifstream lines(file_);
    for (std::string line; std::getline(lines, line);) {
      std::istringstream fields(line);
      std::string product;
      double ours = 0, library = 0;
      if (std::getline(fields, product, '\t') && fields >> ours >> library) known_.emplace(product, faster(ours, library));
    }
  }

  std::optional<FasterWay> find(const std::string& product) const {
    const std::lock_guard lock(mutex_);
    const auto known = known_.find(product);
    return known == known_.end() ? std::nullopt : std::optional(known->second);
  }

  // `ours` and `library` give microseconds. TS_INVALID_ARGUMENT where the file cannot be written.
  template <class Ours, class Library>
  FasterWay measure(const std::string& product, const Ours& ours, const Library& library) {
    const std::lock_guard lock(measuring_);  // one at a time: others would be in its way on the device
    if (const auto known = find(product)) return *known;
    const double our_us = ours(), library_us = library();
    write(concat(product, '\t', our_us, '\t', library_us, '\n'));
    const std::lock_guard knowing(mutex_);
    return known_[product] = faster(our_us, library_us);
  }

 private:
  static FasterWay faster(double ours, double library) { return library < ours ? FasterWay::library : FasterWay::ours; }

  void write(const std::string& line) const {
    for (size_t end = file_.find('/', 1); end != std::string::npos; end = file_.find('/', end + 1)) mkdir(file_.substr(0, end).c_str(), 0777);
    const int file = open(file_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    const bool is_written = file >= 0 && ::write(file, line.data(), line.size()) == ssize_t(line.size());
    if (file >= 0) close(file);
    if (!is_written) fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_PRODUCT: measurements cannot be written to ", file_);
  }

  std::string file_;
  mutable std::mutex mutex_, measuring_;
  std::map<std::string, FasterWay> known_;
};

// Where measurements lie unless told otherwise: cuda-products.txt in the user's cache folder.
inline std::string default_measurements_file() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  if (cache && *cache) return concat(cache, "/thinksound/cuda-products.txt");
  if (home && *home) return concat(home, "/.cache/thinksound/cuda-products.txt");
  fail(TS_INVALID_ARGUMENT, "THINKSOUND_CUDA_PRODUCT=measure: neither XDG_CACHE_HOME nor HOME is set; measure:FILE says where measurements go");
}

}  // namespace ts::cuda
