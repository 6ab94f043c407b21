// SPDX-License-Identifier: MIT
// What a heap must be like, told by a plain model: a list of blocks that nobody may touch.
//
// Each operation goes to the heap and to the model; whatever differs is a problem, told in one
// line. The model knows of each block its place, sizes and the stamp of its contents, and keeps all
// places in an ordered map, so that an overlap shows at once and not when contents differ.
// Contents fill the usable bytes, not only those asked for: usable means usable.
// Blocks above 1 MiB are filled and checked at both ends only.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "ashlar/heap/heap.hpp"

namespace ashlar::test {

struct live_block {
  std::byte* data = nullptr;
  std::size_t size = 0;  // as asked for
  std::size_t usable = 0;
  std::size_t alignment = 0;
  std::uint64_t stamp = 0;
};

class heap_model {
 public:
  /// `may_run_out`: the source is bounded, so that a refusal is no problem.
  heap_model(heap& subject, bool may_run_out) : heap_(subject), may_run_out_(may_run_out) {}

  heap& subject() { return heap_; }
  bool is_well() const { return problem_.empty(); }
  /// The first thing that was not as it must be; empty if there is none.
  const std::string& problem() const { return problem_; }
  std::size_t block_count() const { return live_.size(); }

  void allocate(layout request, bool zeroed);
  /// `elsewhere`: another thread frees the block, and ends.
  void deallocate(std::size_t which, bool elsewhere);
  void reallocate(std::size_t which, layout request);
  void try_resize(std::size_t which, std::size_t size);
  void query(std::size_t which);
  /// Asks for what no heap can serve. Nothing may change.
  void ask_for_the_absurd(std::size_t which, std::uint64_t n);
  void deallocate_all();
  /// Compares heap and model as a whole: contents, walk, figures, invariants.
  void check_all();

 private:
  void fail(const std::string& text);
  void expect(bool condition, const char* text) {
    if (!condition) fail(text);
  }
  void enter(const allocation& a, layout request);
  void leave(std::size_t which);
  void check_place(const live_block& b);
  void check_refusal(const allocation& a, layout request);
  void check_contents(const live_block& b, std::size_t kept_usable);
  void check_walk();
  void check_figures();

  heap& heap_;
  bool may_run_out_;
  std::vector<live_block> live_;
  std::map<std::uintptr_t, std::uintptr_t> places_;  // start to end
  std::uint64_t last_stamp_ = 0;
  std::string problem_;
};

}  // namespace ashlar::test
