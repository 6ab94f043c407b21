// SPDX-License-Identifier: MIT
#include "ashlar/observe/table/tag_table.hpp"

#include <cstring>
#include <new>

namespace ashlar::observe {

namespace {

// The next part of a path: its length. `path` is moved to its start.
std::size_t next_part(const char*& path) {
  while (*path == '/') ++path;
  return std::strcspn(path, "/");
}

std::size_t cut(std::size_t size) {
  return size < tag_record::name_capacity ? size : tag_record::name_capacity - 1;
}

}  // namespace

bool tag_table::start() noexcept {
  if (size() != 0) return true;
  lock_guard guard(mutex_);
  return start_locked();
}

bool tag_table::start_locked() noexcept {
  if (count_ != 0) return true;
  if (!records_.ensure(1)) return false;
  add(0, "untagged", 8);
  return true;
}

tag_id tag_table::child(tag_id parent, const char* name, std::size_t size) const noexcept {
  size = cut(size);
  const std::uint32_t count = this->size();
  for (std::uint32_t i = 1; i < count; ++i) {
    const tag_record& r = records_[i];
    if (r.parent == parent && std::strlen(r.name) == size && std::memcmp(r.name, name, size) == 0)
      return static_cast<tag_id>(i);
  }
  return 0;
}

// Requires the lock. Returns 0 if there is no room, or for the first: that one is 0.
tag_id tag_table::add(tag_id parent, const char* name, std::size_t size) noexcept {
  const std::uint32_t id = count_;
  if (id == most_tags || !records_.ensure(id + 1)) return 0;
  auto* const r = ::new (static_cast<void*>(&records_[id])) tag_record{};
  std::memcpy(r->name, name, cut(size));
  r->parent = parent;
  // release: whoever sees the new count sees the record.
  __atomic_store_n(&count_, id + 1, __ATOMIC_RELEASE);
  return static_cast<tag_id>(id);
}

tag_id tag_table::define(const char* path, tag_id parent) noexcept {
  lock_guard guard(mutex_);
  if (!start_locked()) return parent;
  while (const std::size_t size = next_part(path)) {
    tag_id next = child(parent, path, size);
    if (next == 0) next = add(parent, path, size);
    if (next == 0) return parent;
    parent = next;
    path += size;
  }
  return parent;
}

tag_id tag_table::find(const char* path) const noexcept {
  tag_id found = 0;
  while (const std::size_t size = next_part(path)) {
    found = child(found, path, size);
    if (found == 0) return 0;
    path += size;
  }
  return found;
}

void tag_table::set_budget(tag_id tag, const tag_budget& budget) noexcept {
  if (!start() || tag >= size()) return;
  lock_guard guard(mutex_);
  tag_record& r = records_[tag];
  // Nobody calls the new function with the old context: the function is taken away first.
  __atomic_store_n(&r.budget.exceeded, nullptr, __ATOMIC_RELEASE);
  __atomic_store_n(&r.budget.context, budget.context, __ATOMIC_RELEASE);
  store_relaxed(r.budget.soft, budget.soft);
  store_relaxed(r.budget.hard, budget.hard);
  const bool bounded = budget.soft != tag_budget::none || budget.hard != tag_budget::none;
  store_relaxed(r.is_bounded, bounded);
  if (bounded) store_relaxed(has_budgets_, true);
  r.reported.store(false, std::memory_order_relaxed);
  // release: pairs with the acquire in budget_of(); whoever finds the function finds its context.
  __atomic_store_n(&r.budget.exceeded, budget.exceeded, __ATOMIC_RELEASE);
}

tag_budget tag_table::budget_of(tag_id tag) const noexcept {
  const tag_budget& b = records_[tag].budget;
  tag_budget copy;
  copy.exceeded = __atomic_load_n(&b.exceeded, __ATOMIC_ACQUIRE);
  copy.context = __atomic_load_n(&b.context, __ATOMIC_RELAXED);
  copy.soft = load_relaxed(b.soft);
  copy.hard = load_relaxed(b.hard);
  return copy;
}

std::size_t tag_table::path_of(tag_id tag, char* text, std::size_t capacity) const noexcept {
  if (capacity == 0) return 0;
  // From the leaf to the root, then written the other way round.
  tag_id chain[64];
  std::size_t depth = 0;
  for (tag_id t = tag; depth < 64; t = records_[t].parent) {
    chain[depth++] = t;
    if (t == 0 || records_[t].parent == 0) break;
  }
  std::size_t length = 0;
  while (depth != 0) {
    const char* const name = size() == 0 ? "untagged" : records_[chain[--depth]].name;
    if (length != 0 && length + 1 < capacity) text[length++] = '/';
    for (const char* c = name; *c != 0 && length + 1 < capacity; ++c) text[length++] = *c;
    if (size() == 0) break;
  }
  text[length] = 0;
  return length;
}

void tag_table::release() noexcept {
  __atomic_store_n(&count_, 0, __ATOMIC_RELAXED);
  records_.release();
}

}  // namespace ashlar::observe
