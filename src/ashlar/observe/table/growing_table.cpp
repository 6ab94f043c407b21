// SPDX-License-Identifier: MIT
#include "ashlar/observe/table/growing_table.hpp"

#include "ashlar/os/process.hpp"

namespace ashlar::observe {

namespace {

// Where address space is limited, one table takes no more than this part of it: there are about a
// dozen, and the heaps and the program need the rest.
constexpr std::size_t most_share = 256;

}  // namespace

bool growing_space::ensure(std::size_t bytes) noexcept {
  if (bytes <= committed_) return true;
  if (bytes > most_) return false;
  if (base_ == nullptr) {
    const std::size_t share = align_down(os::address_space_limit() / most_share, os::page_size());
    if (most_ > share) most_ = bytes > share ? bytes : share;
    const auto memory = os::reserve(align_up(most_, os::page_size()), os::page_size());
    if (!memory.ok()) return false;
    (void)os::set_name(memory.value, "ashlar observer");
    store_relaxed(base_, memory.value.data);
  }
  const std::size_t whole = align_up(most_, os::page_size());
  std::size_t target = align_up(bytes, step);
  if (target > whole) target = whole;
  if (!os::commit({base_ + committed_, target - committed_}).ok()) return false;
  store_relaxed(committed_, target);
  return true;
}

os::range growing_space::reserved() const {
  if (data() == nullptr) return {};
  return {data(), align_up(most_, os::page_size())};
}

void growing_space::release() noexcept {
  if (base_ == nullptr) return;
  os::release({base_, align_up(most_, os::page_size())}, committed_);
  base_ = nullptr;
  committed_ = 0;
}

}  // namespace ashlar::observe
