// SPDX-License-Identifier: MIT
#include "trace.hpp"

#include <algorithm>
#include <cstdio>
#include <deque>
#include <memory>
#include <unordered_map>

#include "support/random.hpp"

namespace bench {

namespace {

/// Gives numbers to blocks, the lowest free one first.
class numbering {
 public:
  explicit numbering(trace& into) : into_(into) {}

  std::uint32_t make(std::size_t size) {
    std::uint32_t number = static_cast<std::uint32_t>(into_.block_numbers);
    if (free_.empty()) {
      ++into_.block_numbers;
    } else {
      number = free_.back();
      free_.pop_back();
    }
    into_.steps.push_back({call_kind::allocate, number, size});
    return number;
  }
  void resize(std::uint32_t number, std::size_t size) {
    into_.steps.push_back({call_kind::reallocate, number, size});
  }
  void free(std::uint32_t number) {
    into_.steps.push_back({call_kind::free, number, 0});
    free_.push_back(number);
  }

 private:
  trace& into_;
  std::vector<std::uint32_t> free_;
};

/// Turns addresses into numbers.
class address_reader {
 public:
  explicit address_reader(trace& into) : numbers_(into) {}

  void read(const call_record& call) {
    const auto known = blocks_.find(call.before);
    if (call.kind == call_kind::reallocate && known != blocks_.end()) {
      const std::uint32_t number = known->second;
      blocks_.erase(known);
      numbers_.resize(number, call.size);
      place(call.after, number);
    } else if (call.kind == call_kind::free) {
      if (known != blocks_.end()) end(known);
    } else {
      place(call.after, numbers_.make(call.size));
    }
  }

 private:
  using block_map = std::unordered_map<std::uint64_t, std::uint32_t>;

  void end(block_map::iterator known) {
    numbers_.free(known->second);
    blocks_.erase(known);
  }
  // A block at the address of a live one: its free was noted too late.
  void place(std::uint64_t address, std::uint32_t number) {
    if (const auto old = blocks_.find(address); old != blocks_.end()) end(old);
    blocks_[address] = number;
  }

  numbering numbers_;
  block_map blocks_;
};

// Blocks in the order in which they were made, while all are there.
class passing_blocks {
 public:
  explicit passing_blocks(ending_order order) : order_(order) {}

  std::size_t size() const { return blocks_.size(); }
  void add(std::uint32_t block) { blocks_.push_back(block); }

  /// Takes one of the first `count` out: the first, or any.
  std::uint32_t take_of(std::size_t count, ashlar::test::random_source& random) {
    if (order_ == ending_order::oldest_first) {
      const std::uint32_t first = blocks_.front();
      blocks_.pop_front();
      return first;
    }
    const std::size_t place = random.below(count);
    const std::uint32_t taken = blocks_[place];
    blocks_[place] = blocks_[count - 1];
    blocks_[count - 1] = blocks_.back();
    blocks_.pop_back();
    return taken;
  }

 private:
  std::deque<std::uint32_t> blocks_;
  const ending_order order_;
};

struct closer {
  void operator()(std::FILE* f) const { std::fclose(f); }
};

}  // namespace

trace read_trace(const std::string& path, const std::string& name) {
  trace t{.name = name, .steps = {}};
  const std::unique_ptr<std::FILE, closer> file(std::fopen(path.c_str(), "rb"));
  if (!file) return t;
  address_reader reader(t);
  call_record call{};
  while (std::fread(&call, sizeof call, 1, file.get()) == 1) reader.read(call);
  return t;
}

trace shifting_sizes(ending_order order, std::size_t survivor_every) {
  constexpr std::size_t phases = 40;
  constexpr std::size_t phase_bytes = std::size_t{8} << 20;
  trace t{.name = order == ending_order::oldest_first ? "shifting sizes, oldest first"
                  : survivor_every == 0               ? "shifting sizes, any order"
                                                      : "shifting sizes, some survive",
          .steps = {},
          .is_made = true};
  numbering numbers(t);
  ashlar::test::random_source random(9);
  passing_blocks passing(order);
  for (std::size_t phase = 0; phase < phases; ++phase) {
    const std::size_t before = passing.size();
    std::size_t ending = before;  // the first so many are of the phase before
    const std::size_t low = std::size_t{16} << phase % 10;
    for (std::size_t bytes = 0; bytes < phase_bytes;) {
      const std::size_t size = low + 8 * random.below(3 * low / 8);
      bytes += size;
      passing.add(numbers.make(size));
      // The phase before ends at the pace at which this one begins.
      while (ending * phase_bytes > before * (phase_bytes - std::min(bytes, phase_bytes))) {
        const std::uint32_t block = passing.take_of(ending--, random);
        if (survivor_every == 0 || !random.one_in(survivor_every)) numbers.free(block);
      }
    }
  }
  return t;
}

}  // namespace bench
