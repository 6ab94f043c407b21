// SPDX-License-Identifier: MIT
#include "ashlar/container/reserved_range.hpp"

#include <algorithm>
#include <utility>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"

namespace ashlar::detail {

namespace {

// What is committed ahead is what may lie idle, and bringing in a step is a pause: 4 MiB take about
// a millisecond. Filling 64 MiB by steps of 16 KiB takes a fifth longer than by steps of 64 KiB,
// and larger ones gain nothing certain.
constexpr std::size_t least_step = 64_KiB;
constexpr std::size_t most_step = 4_MiB;

}  // namespace

reserved_range::reserved_range(std::size_t size, std::size_t alignment,
                               const vm_options& options) noexcept
    : os_(options.os != nullptr ? options.os : &system_os()),
      wanted_size_(size),
      alignment_(alignment),
      commit_step_(options.commit_step),
      populate_(options.populate) {}

reserved_range::reserved_range(reserved_range&& other) noexcept
    : os_(other.os_),
      wanted_size_(other.wanted_size_),
      alignment_(other.alignment_),
      commit_step_(other.commit_step_),
      populate_(other.populate_),
      range_(std::exchange(other.range_, {})),
      committed_(std::exchange(other.committed_, 0)) {}

reserved_range& reserved_range::operator=(reserved_range&& other) noexcept {
  if (this == &other) return *this;
  release();
  os_ = other.os_;
  wanted_size_ = other.wanted_size_;
  alignment_ = other.alignment_;
  commit_step_ = other.commit_step_;
  populate_ = other.populate_;
  range_ = std::exchange(other.range_, {});
  committed_ = std::exchange(other.committed_, 0);
  return *this;
}

status reserved_range::commit(std::size_t size) noexcept {
  if (size <= committed_) return status::success;
  if (size > wanted_size_) return status::not_enough_memory;
  if (!range_) {
    if (const status reason = reserve(); reason != status::success) return reason;
  }
  const std::size_t needed = align_up(size, os_->page_size());
  const std::size_t ahead = std::min(align_up(committed_ + step(), os_->page_size()), range_.size);
  if (ahead > needed && commit_part(ahead) == status::success) return status::success;
  return commit_part(needed);
}

status reserved_range::reserve() noexcept {
  range_ = os_->reserve(wanted_size_, alignment_);
  return range_ ? status::success : status::no_memory;
}

std::size_t reserved_range::step() const noexcept {
  if (commit_step_ != 0) return commit_step_;
  return std::clamp(committed_ / 8, least_step, most_step);
}

status reserved_range::commit_part(std::size_t new_size) noexcept {
  const os::range part = {range_.data + committed_, new_size - committed_};
  if (const status why = os_->try_commit(part); why != status::success) return why;
  if (populate_) (void)os_->populate(part);
  committed_ = new_size;
  return status::success;
}

std::size_t reserved_range::decommit_behind(std::size_t size) noexcept {
  const std::size_t kept = align_up(size, os_->page_size());
  if (kept >= committed_) return 0;
  const std::size_t freed = committed_ - kept;
  if (!os_->decommit({range_.data + kept, freed})) return 0;
  committed_ = kept;
  return freed;
}

void reserved_range::release() noexcept {
  if (range_) os_->release(range_, committed_);
  range_ = {};
  committed_ = 0;
}

}  // namespace ashlar::detail
