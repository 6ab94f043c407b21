// SPDX-License-Identifier: MIT
// An upstream for tests: counts what it lends, refuses when told to, aligns no further than told.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <mutex>

#include "ashlar/manager/concepts.hpp"

namespace ashlar::test {

class counting_upstream : public manager {
 public:
  static constexpr const char* kind_name = "counting";
  static constexpr capability promises = capability::thread_safe;

  counting_upstream() : manager(ops_for<counting_upstream>, nullptr) {}

  /// Serves `n` more requests, then refuses all until `accept_all`.
  void refuse_after(std::size_t n) { until_refusal_ = n; }
  void accept_all() { until_refusal_ = SIZE_MAX; }
  /// Lends no more than this at a time.
  void limit(std::size_t bytes) { limit_ = bytes; }
  void set_max_alignment(std::size_t alignment) { max_alignment_ = alignment; }

  std::size_t live() const { return live_; }
  std::size_t bytes() const { return bytes_; }

  allocation allocate(layout request, fit = fit::get_exact) noexcept {
    const std::lock_guard guard(mutex_);
    if (request.alignment > max_alignment_) return allocation::failed(status::bad_alignment);
    if (until_refusal_ == 0) return allocation::failed(status::no_memory);
    if (bytes_ + request.size > limit_)
      return allocation::failed(status::not_enough_memory, limit_ - bytes_);
    until_refusal_ -= until_refusal_ != SIZE_MAX;
    void* p = nullptr;
    const std::size_t alignment = request.alignment < 8 ? 8 : request.alignment;
    if (::posix_memalign(&p, alignment, request.size) != 0)
      return allocation::failed(status::no_memory);
    ++live_;
    bytes_ += request.size;
    return allocation::of(p, request.size);
  }
  void deallocate(block b, std::size_t = default_alignment) noexcept {
    const std::lock_guard guard(mutex_);
    if (b.data == nullptr) return;
    --live_;
    bytes_ -= b.size;
    std::free(b.data);
  }
  manager_usage usage() const noexcept {
    return {.used = bytes_, .held = bytes_, .live_blocks = live_};
  }

 private:
  std::mutex mutex_;
  std::size_t until_refusal_ = SIZE_MAX;
  std::size_t limit_ = SIZE_MAX;
  std::size_t max_alignment_ = SIZE_MAX;
  std::size_t live_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace ashlar::test
