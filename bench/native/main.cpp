// ts_bench [--threads N] [--cpu-time] [--seconds S] [--bf16 | --f32] [NAME…]
//
// Runs the benchmarks whose names contain one of the given words, all of them by default (the networks only when
// named: they take minutes and gigabytes).
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>

#include "bench.h"

int main(int argc, char** argv) {
  using namespace ts::bench;
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--threads" && i + 1 < argc) options.num_threads = std::atoi(argv[++i]);
    else if (argument == "--seconds" && i + 1 < argc) options.seconds = std::atof(argv[++i]);
    else if (argument == "--cpu-time") options.cpu_time = true;
    else if (argument == "--bf16") options.dtypes = {ts::DType::bf16};
    else if (argument == "--f32") options.dtypes = {ts::DType::f32};
    else if (argument[0] != '-') options.filters.push_back(argument);
    else {
      std::fprintf(stderr, "usage: ts_bench [--threads N] [--cpu-time] [--seconds S] [--bf16 | --f32] [NAME...]\nbenchmarks:");
      for (const Entry& entry : entries()) std::fprintf(stderr, " %s", entry.name);
      std::fprintf(stderr, "\n");
      return 2;
    }
  }
  try {
    Bench bench(options);
    std::printf("backend %s, %d thread(s)%s\n", bench.table().name, bench.parallel().num_threads(), options.cpu_time ? ", processor time" : "");
    for (const Entry& entry : entries()) {
      bool wanted = options.filters.empty() && !std::strstr(entry.name, "network");
      for (const std::string& filter : options.filters) wanted |= std::strstr(entry.name, filter.c_str()) != nullptr;
      if (wanted) entry.run(bench);
    }
    std::printf("best oneDNN product 2048^3: bf16 %.1f, f32 %.1f GFLOP/s\n", bench.product_ceiling(ts::DType::bf16), bench.product_ceiling(ts::DType::f32));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 1;
  }
}
