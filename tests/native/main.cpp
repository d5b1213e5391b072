#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>

// The plug-in of this build lies in lib/ beside the tests' bin/, wherever the two were carried.
int main(int argc, char** argv) {
  const std::filesystem::path plugin = std::filesystem::read_symlink("/proc/self/exe").parent_path().parent_path() / "lib/libthinksound_cuda.so";
  if (std::filesystem::exists(plugin)) setenv("THINKSOUND_CUDA_LIBRARY", plugin.c_str(), 0);
  return doctest::Context(argc, argv).run();
}
