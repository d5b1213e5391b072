#include "emulation/asynchronous.h"

#include <algorithm>
#include <deque>
#include <vector>

#include "emulation/emulation.h"
#include "emulation/fp8_sum.h"

namespace ts::emulation {
namespace {


// --- cp.async

struct Copy {
  uint32_t to;
  const void* from;
  bool reads;
};
struct Copies {  // of a thread
  std::vector<Copy> open;
  std::deque<std::vector<Copy>> groups;
};
std::vector<Copies> copies;
int threads_per_block = 0;

size_t me() { return size_t(here.rank * threads_per_block + here.index); }

void perform(const Copy& copy) {
  if (copy.reads) std::memcpy(shared_pointer(copy.to), copy.from, 16);
  else std::memset(shared_pointer(copy.to), 0, 16);
}

// --- mbarriers

struct SharedBarrier {
  uint8_t mark, count, pending, phase;
  int32_t bytes;
};
static_assert(sizeof(SharedBarrier) == 8);
constexpr uint8_t kMark = 0xB7;

SharedBarrier& barrier_at(uint32_t address, int rank) {
  if (address % 8) die("an mbarrier that is not aligned");
  auto& barrier = *reinterpret_cast<SharedBarrier*>(shared_pointer(address, rank));
  if (barrier.mark != kMark) die("an mbarrier that was not initialised");
  return barrier;
}
void complete_phase(SharedBarrier& barrier) {
  if (barrier.pending > 0 || barrier.bytes != 0) return;
  barrier.phase ^= 1;
  barrier.pending = barrier.count;
}

class PhaseDone final : public Condition {
 public:
  PhaseDone(const SharedBarrier& barrier, uint32_t parity) : barrier_(barrier), parity_(parity) {}
  bool holds() const override { return barrier_.phase != parity_; }
  const char* what() const override { return "an mbarrier"; }

 private:
  const SharedBarrier& barrier_;
  uint32_t parity_;
};

// --- tensor copies

struct BoxCopy {
  uint32_t to;
  const TensorMap* map;
  int32_t corner[4];
  uint32_t barrier;
  int rank;
};
std::deque<BoxCopy> late_boxes;

// 16-byte pieces of a row of `bytes` change places by the number of the row, told from the address.
uint32_t swizzled(uint32_t address, uint32_t bytes) { return address ^ ((address >> 7 & (bytes / 16 - 1)) << 4); }

void perform(const BoxCopy& copy) {
  constexpr uint32_t kPieceBytes = 16;  // which stay together
  const TensorMap& map = *copy.map;
  const int64_t element = int64_t(map.strides[0]), in_piece = kPieceBytes / element;
  uint32_t at = copy.to;
  for (uint32_t d = 0; d < map.box[3]; ++d)
    for (uint32_t c = 0; c < map.box[2]; ++c)
      for (uint32_t b = 0; b < map.box[1]; ++b) {
        const uint32_t offsets[4] = {0, b, c, d};
        bool exists = true;
        uint64_t row = 0;
        for (int axis = 1; axis < 4; ++axis) {
          const int64_t inside = int64_t(copy.corner[axis]) + offsets[axis];
          exists = exists && inside >= 0 && inside < int64_t(map.sizes[axis]);
          row += uint64_t(inside) * map.strides[axis];
        }
        for (uint32_t a = 0; a < map.box[0]; a += uint32_t(in_piece), at += kPieceBytes) {
          const int64_t first = int64_t(copy.corner[0]) + a;
          const int64_t begin = std::clamp<int64_t>(-first, 0, in_piece), end = std::clamp<int64_t>(int64_t(map.sizes[0]) - first, 0, in_piece);
          std::byte piece[kPieceBytes] = {};
          if (exists && begin < end) std::memcpy(piece + begin * element, map.data + row + uint64_t((first + begin) * element), size_t((end - begin) * element));
          std::memcpy(shared_pointer(swizzled(at, map.swizzle_bytes), copy.rank), piece, kPieceBytes);
        }
      }
  SharedBarrier& barrier = barrier_at(copy.barrier, copy.rank);
  barrier.bytes -= int32_t(at - copy.to);
  complete_phase(barrier);
}

// --- wgmma

constexpr int kGroupThreads = 128;

struct Issued {
  GroupProduct product;
  float* c[kGroupThreads] = {};
  const uint32_t* a[kGroupThreads] = {};
  int count = 0;  // threads that have come to it
};
struct Group {
  std::deque<Issued> products;  // from number `done` on
  int64_t done = 0;
  int64_t issued[kGroupThreads] = {};
  std::vector<int64_t> committed[kGroupThreads];  // products before the end of each group that was committed

  bool is_issued(int64_t number) const {
    return number <= done || (number - done <= int64_t(products.size()) && products[size_t(number - done - 1)].count == kGroupThreads);
  }
};
std::vector<Group> groups;

Group& my_group() { return groups[size_t(here.rank * (threads_per_block / kGroupThreads + 1) + here.index / kGroupThreads)]; }

class ProductsIssued final : public Condition {
 public:
  ProductsIssued(const Group& group, int64_t number) : group_(group), number_(number) {}
  bool holds() const override { return group_.is_issued(number_); }
  const char* what() const override { return "products that other warps of its group have not come to"; }

 private:
  const Group& group_;
  int64_t number_;
};

// Where element (row, k) of an operand behind a descriptor lies: rows of the swizzle's width, eight of them a group.
const std::byte* find_operand(uint64_t descriptor, DType type, int row, int k, bool is_transposed) {
  const uint32_t start = uint32_t(descriptor & 0x3FFF) << 4, next_eight = uint32_t(descriptor >> 32 & 0x3FFF) << 4;
  const uint64_t layout = descriptor >> 62;
  if (layout != 1 && layout != 3) die("a descriptor whose swizzle the emulation does not know");
  const uint32_t width = layout == 1 ? 128 : 32;
  const auto outer = uint32_t(is_transposed ? k : row), inner = uint32_t(is_transposed ? row : k) * uint32_t(size_of(type));
  if (is_transposed && inner >= width) die("a transposed operand wider than its rows");
  return shared_pointer(swizzled(start + outer / 8 * next_eight + outer % 8 * width + inner, width));
}
float operand(uint64_t descriptor, DType type, int row, int k, bool is_transposed) {
  uint16_t bits;
  std::memcpy(&bits, find_operand(descriptor, type, row, k, is_transposed), sizeof bits);
  return widened(bits, type);
}

// body(c, row, column) for all that the group's threads hold of c.
template <class Body>
void for_each_sum(const Issued& issued, const Body& body) {
  for (int thread = 0; thread < kGroupThreads; ++thread)
    for (int i = 0; i < issued.product.n / 2; ++i)
      body(issued.c[thread][i], thread / 32 * 16 + thread % 32 / 4 + i / 2 % 2 * 8, i / 4 * 8 + thread % 4 * 2 + i % 2);
}

void perform_fp8(const Issued& issued) {
  constexpr int kDepth = Fp8Sum::kProducts;
  const GroupProduct& product = issued.product;
  if (issued.a[0] || product.b_is_transposed) die("operands of e4m3 from registers, or transposed");
  const auto rows = [](uint64_t descriptor, int count) {
    std::vector<e4m3> all(size_t(count * kDepth));
    for (int i = 0; i < count * kDepth; ++i) all[size_t(i)] = {std::to_integer<uint8_t>(*find_operand(descriptor, DType::e4m3, i / kDepth, i % kDepth, false))};
    return all;
  };
  const std::vector<e4m3> a = rows(product.a, 64), b = rows(product.b, product.n);
  for_each_sum(issued, [&](float& c, int row, int column) {
    c = Fp8Sum::add(product.adds ? c : 0.0f, &a[size_t(row * kDepth)], &b[size_t(column * kDepth)], kDepth);
  });
}

void perform(const Issued& issued) {
  const GroupProduct& product = issued.product;
  if (product.type == DType::e4m3) return perform_fp8(issued);
  constexpr int kRows = 64, kDepth = 16;
  const auto n = size_t(product.n);
  std::vector<double> b(kDepth * n), sums(kRows * n);
  for (int k = 0; k < kDepth; ++k)
    for (size_t column = 0; column < n; ++column) b[size_t(k) * n + column] = operand(product.b, product.type, int(column), k, product.b_is_transposed);
  for (int row = 0; row < kRows; ++row) {
    double* const sum = &sums[size_t(row) * n];
    for (int k = 0; k < kDepth; ++k) {
      double a;
      if (issued.a[0]) {
        const uint32_t pair = issued.a[row / 16 * 32 + row % 8 * 4 + k % 8 / 2][row % 16 / 8 + k / 8 * 2];
        a = widened(uint16_t(k % 2 ? pair >> 16 : pair), product.type);
      } else {
        a = operand(product.a, product.type, row, k, false);
      }
      const double* const factors = &b[size_t(k) * n];
      for (size_t column = 0; column < n; ++column) sum[column] += a * factors[column];
    }
  }
  for_each_sum(issued, [&](float& c, int row, int column) { c = float((product.adds ? c : 0.0f) + sums[size_t(row) * n + size_t(column)]); });
}

void perform_up_to(Group& group, int64_t number) {
  for (; group.done < number; ++group.done) {
    perform(group.products.front());
    group.products.pop_front();
  }
}

}  // namespace

void reset_asynchronous(int cluster, int threads) {
  threads_per_block = threads;
  copies.assign(size_t(cluster * threads), {});
  late_boxes.clear();
  groups.assign(size_t(cluster * (threads / kGroupThreads + 1)), {});
}

void copy_async(uint32_t to, const void* from, bool reads) {
  if (to % 16 || uintptr_t(from) % 16) die("cp.async between addresses that are not multiples of 16");
  if (is_late()) copies[me()].open.push_back({to, from, reads});
  else perform(Copy{to, from, reads});
}
void commit_copies() {
  Copies& mine = copies[me()];
  mine.groups.push_back(std::move(mine.open));
  mine.open.clear();
}
void wait_for_copies(int pending) {
  Copies& mine = copies[me()];
  for (; mine.groups.size() > size_t(pending); mine.groups.pop_front())
    for (const Copy& copy : mine.groups.front()) perform(copy);
}

void init_barrier(uint32_t barrier, uint32_t arrivals) {
  if (barrier % 8 || arrivals == 0 || arrivals > 255) die("an mbarrier that is not aligned, or for nobody");
  *reinterpret_cast<SharedBarrier*>(shared_pointer(barrier)) = {kMark, uint8_t(arrivals), uint8_t(arrivals), 0, 0};
}
void arrive(uint32_t address, uint32_t expected_bytes) {
  SharedBarrier& barrier = barrier_at(address, here.rank);
  if (barrier.pending == 0) die("more arrivals at an mbarrier than it was made for");
  barrier.bytes += int32_t(expected_bytes);
  --barrier.pending;
  complete_phase(barrier);
}
void wait_barrier(uint32_t barrier, uint32_t parity) { wait_for(PhaseDone(barrier_at(barrier, here.rank), parity)); }

void copy_box(uint32_t to, const void* map, const int32_t (&corner)[4], uint32_t barrier) {
  if (to % 128) die("a box to an address that is not a multiple of 128");
  const BoxCopy copy{to, static_cast<const TensorMap*>(map), {corner[0], corner[1], corner[2], corner[3]}, barrier, here.rank};
  if (is_late()) late_boxes.push_back(copy);
  else perform(copy);
}
bool complete_late_copy() {
  if (late_boxes.empty()) return false;
  perform(late_boxes.front());
  late_boxes.pop_front();
  return true;
}

void multiply_group(const GroupProduct& product, float* c, const uint32_t* a_registers) {
  Group& group = my_group();
  const size_t thread = size_t(here.index % kGroupThreads), place = size_t(group.issued[thread]++ - group.done);
  if (place == group.products.size()) group.products.push_back({.product = product});
  Issued& issued = group.products[place];
  const GroupProduct& first = issued.product;
  if (first.n != product.n || first.a != product.a || first.b != product.b || first.adds != product.adds || first.type != product.type) die("warps of a group issue different products");
  issued.c[thread] = c;
  issued.a[thread] = a_registers;
  if (++issued.count == kGroupThreads && !is_late()) perform_up_to(group, group.done + int64_t(place) + 1);
}
void commit_products() {
  Group& group = my_group();
  const size_t thread = size_t(here.index % kGroupThreads);
  group.committed[thread].push_back(group.issued[thread]);
}
void wait_for_products(int pending) {
  Group& group = my_group();
  const std::vector<int64_t>& committed = group.committed[here.index % kGroupThreads];
  if (committed.size() <= size_t(pending)) return;
  const int64_t number = committed[committed.size() - 1 - size_t(pending)];
  wait_for(ProductsIssued(group, number));
  perform_up_to(group, number);
}

}  // namespace ts::emulation
