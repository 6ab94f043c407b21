// SPDX-License-Identifier: MIT
#include "ashlar/manager/check/debug_book.hpp"

#include <new>

namespace ashlar::detail {

debug_record* debug_book::take() noexcept {
  debug_record* r = list_of(debug_state::unused).front();
  if (r != nullptr) {
    remove(*r);
  } else if (table_.ensure(used_ + 1)) {
    r = &table_[used_++];
  } else if (r = list_of(debug_state::gone).front(); r != nullptr) {
    tree_.erase(r);
    remove(*r);
  } else {
    return nullptr;
  }
  return ::new (static_cast<void*>(r)) debug_record{};
}

void debug_book::give_back(debug_record& r) noexcept { put(r, debug_state::unused); }

void debug_book::put(debug_record& r, debug_state state) noexcept {
  r.state = state;
  list_of(state).push_back(r);
  std::size_t& n = counts_[static_cast<std::size_t>(state)];
  store_relaxed(n, n + 1);
}

void debug_book::remove(debug_record& r) noexcept {
  list_of(r.state).remove(r);
  std::size_t& n = counts_[static_cast<std::size_t>(r.state)];
  store_relaxed(n, n - 1);
}

void debug_book::enter(debug_record& r) noexcept {
  debug_record* other = at_or_before(r.memory);
  if (other == nullptr) other = tree_.first();
  while (other != nullptr && other->memory < r.memory + r.taken) {
    debug_record* const next = tree_.next(other);
    if (other->memory + other->taken > r.memory) erase(*other);
    other = next;
  }
  tree_.insert(&r);
  put(r, debug_state::live);
}

void debug_book::move(debug_record& r, debug_state state) noexcept {
  remove(r);
  put(r, state);
}

void debug_book::erase(debug_record& r) noexcept {
  tree_.erase(&r);
  remove(r);
  give_back(r);
}

debug_record* debug_book::at_or_before(const void* p) const noexcept {
  debug_record* found = nullptr;
  for (debug_record* at = tree_.root(); at != nullptr;) {
    const bool is_behind = static_cast<const std::byte*>(p) >= at->data;
    if (is_behind) found = at;
    at = at->child[is_behind];
  }
  return found;
}

debug_record* debug_book::find(const void* data) const noexcept {
  debug_record* const r = at_or_before(data);
  return r != nullptr && r->data == data ? r : nullptr;
}

debug_record* debug_book::containing(const void* p) const noexcept {
  const auto address = reinterpret_cast<std::uintptr_t>(p);
  debug_record* const r = at_or_before(p);
  if (r != nullptr && r->contains(address)) return r;
  // In the guard in front of the next one.
  debug_record* const next = r != nullptr ? tree_.next(r) : tree_.first();
  return next != nullptr && next->contains(address) ? next : nullptr;
}

debug_record* debug_book::neighbour(const debug_record& r, bool behind) const noexcept {
  if (behind) return tree_.next(const_cast<debug_record*>(&r));
  return at_or_before(r.data - 1);
}

}  // namespace ashlar::detail
