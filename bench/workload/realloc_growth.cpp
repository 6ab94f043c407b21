// SPDX-License-Identifier: MIT
// Workload realloc_growth: buffers that grow by realloc, thousands of small and a few huge ones.
//
// Small: 2,000 buffers take turns in growing by a few bytes to half of their size, as string
// builders and interpreter tables do; a full one (64 KiB) starts again. Huge: four buffers are
// appended to in steps of 512 KiB up to 32 MiB. Each append writes a word per 256 bytes; old words
// are checked when a buffer ends.
// A bad allocator shows here: a copy for each growth of a huge buffer instead of moving its pages
// (quadratic work), no growth in place within a size class or into free neighbours.
#include <vector>

#include "table.hpp"

namespace bench {
namespace {

constexpr std::size_t stride = 256;  // one word is written, and later checked, in every stride

class growing {
 public:
  void grow_to(std::size_t size) {
    data_ = static_cast<char*>(std::realloc(data_, size));
    if (data_ == nullptr) fail("realloc returned null");
    size_ = size;
    for (; written_ + sizeof written_ <= size_; written_ += stride) {
      std::memcpy(data_ + written_, &written_, sizeof written_);
    }
  }

  std::uint64_t end() {
    std::uint64_t sum = size_;
    for (std::uint64_t at = 0; at < written_; at += stride) {
      sum += verify(data_ + at, sizeof at, at);
    }
    std::free(data_);
    *this = growing{};
    return sum;
  }

  std::size_t size() const { return size_; }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::uint64_t written_ = 0;  // next offset to write, a multiple of the stride
};

std::uint64_t grow_small(random_numbers& numbers, std::size_t steps) {
  constexpr std::size_t limit = 64 * 1024;
  std::vector<growing> buffers(2000);
  std::uint64_t sum = 0;
  for (std::size_t i = 0; i < steps; ++i) {
    growing& chosen = buffers[numbers.below(buffers.size())];
    if (chosen.size() > limit) sum += chosen.end();
    chosen.grow_to(chosen.size() + 8 + numbers.below(24 + chosen.size() / 2));
  }
  for (growing& each : buffers) sum += each.end();
  return sum;
}

std::uint64_t grow_huge(std::size_t rounds) {
  constexpr std::size_t limit = std::size_t{32} << 20;
  constexpr std::size_t step = std::size_t{512} << 10;
  std::vector<growing> buffers(4);
  std::uint64_t sum = 0;
  for (std::size_t round = 0; round < rounds; ++round) {
    for (std::size_t size = step; size <= limit; size += step) {
      for (growing& each : buffers) each.grow_to(size);
    }
    for (growing& each : buffers) sum += each.end();
  }
  return sum;
}

}  // namespace

void run_realloc_growth(session& now) {
  random_numbers numbers(5);
  now.add(grow_small(numbers, now.scaled(500'000)));
  now.add(grow_huge(now.scaled(2)));
}

}  // namespace bench
