// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/page_charges.hpp"

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/observe/table/growing_table.hpp"
#include "ashlar/observe/tracker.hpp"
#include "ashlar/os/fork.hpp"
#include "ashlar/structure/lock.hpp"
#include "ashlar/structure/red_black_tree.hpp"

namespace ashlar::page_charges {

namespace {

struct reservation {
  reservation* children[2];  // of an unused one: the next in [0]
  reservation* parent;
  std::uintptr_t begin;
  std::uintptr_t end;
  std::size_t charged;
  const void* source;
  tag_id owner;
  bool red;
};

struct access {
  using link = reservation*;
  static constexpr link none = nullptr;
  link child(link n, unsigned side) const { return n->children[side]; }
  void set_child(link n, unsigned side, link c) const { n->children[side] = c; }
  link parent(link n) const { return n->parent; }
  void set_parent(link n, link p) const { n->parent = p; }
  bool is_red(link n) const { return n->red; }
  void set_red(link n, bool red) const { n->red = red; }
  bool before(link a, link b) const { return a->begin < b->begin; }
};

constexpr std::size_t most_reservations = std::size_t{1} << 20;

constinit lock mutex;  // everything below
constinit red_black_tree<access> tree;
constinit reservation* unused = nullptr;
constinit std::size_t made = 0;
constinit std::size_t known = 0;
constinit observe::growing_table<reservation, most_reservations> places;

// At load, before any heap registers its handlers: those run earlier then, and take the locks under
// which heaps come here.
__attribute__((constructor(101))) void follow_forks() {
  (void)os::on_fork([] { mutex.acquire_for_fork(); }, [] { mutex.release_after_fork(); },
                    [] { mutex.reset_after_fork(); });
}

// The first reservation that ends behind an address.
reservation* first_behind(std::uintptr_t at) {
  return tree.lower_bound([at](const reservation* r) { return r->end <= at; });
}

reservation* holder_of(const void* source, os::range part) {
  reservation* const r = first_behind(address_of(part.data));
  return r != nullptr && r->begin <= address_of(part.data) && r->source == source ? r : nullptr;
}

reservation* take_place() {
  if (reservation* const r = unused; r != nullptr) {
    unused = r->children[0];
    return r;
  }
  return places.ensure(made + 1) ? &places[made++] : nullptr;
}

// Takes what is no longer counted off a reservation. Returns its owner, or 0 if nothing was.
tag_id take_off(const void* source, os::range part, std::size_t& size) {
  reservation* const r = holder_of(source, part);
  if (r == nullptr) return 0;
  size = part.size < r->charged ? part.size : r->charged;
  r->charged -= size;
  return r->owner;
}

}  // namespace

void open(const void* source, tag_id owner, os::range memory) noexcept {
  reopen(source, {.memory = memory, .owner = owner});
}

void reopen(const void* source, const forgotten& was) noexcept {
  const auto& [memory, charged, owner] = was;
  if (owner == 0 || !memory) return;
  const std::uintptr_t begin = address_of(memory.data);
  lock_guard guard(mutex);
  const reservation* const next = first_behind(begin);
  if (next != nullptr && next->begin < begin + memory.size) return;
  reservation* const r = take_place();
  if (r == nullptr) return;
  r->begin = begin;
  r->end = begin + memory.size;
  r->charged = charged;
  r->owner = owner;
  r->source = source;
  tree.insert(r);
  store_relaxed(known, known + 1);
}

status charge(const void* source, os::range part) noexcept {
  // A reservation of this thread, or one that it was told of: it is known if it is there at all.
  if (load_relaxed(known) == 0) return status::success;
  tag_id owner = 0;
  {
    lock_guard guard(mutex);
    reservation* const r = holder_of(source, part);
    if (r == nullptr) return status::success;
    r->charged += part.size;
    owner = r->owner;
  }
  // Without the lock: the user may be told.
  if (observe::process_tracker().charge_pages(owner, part.size)) return status::success;
  lock_guard guard(mutex);
  if (reservation* const r = holder_of(source, part)) r->charged -= part.size;
  return status::over_budget;
}

void discharge(const void* source, os::range part) noexcept {
  if (load_relaxed(known) == 0) return;
  tag_id owner = 0;
  std::size_t size = 0;
  {
    lock_guard guard(mutex);
    owner = take_off(source, part, size);
  }
  if (owner != 0) observe::process_tracker().discharge_pages(owner, size);
}

forgotten forget(const void* source, os::range memory) noexcept {
  if (load_relaxed(known) == 0) return {};
  lock_guard guard(mutex);
  reservation* const r = holder_of(source, memory);
  if (r == nullptr || r->begin != address_of(memory.data)) return {};
  const forgotten was{
      .memory = {memory.data, r->end - r->begin}, .charged = r->charged, .owner = r->owner};
  tree.erase(r);
  r->children[0] = unused;
  unused = r;
  store_relaxed(known, known - 1);
  return was;
}

void close(const void* source, os::range memory) noexcept { settle(forget(source, memory)); }

void settle(const forgotten& was) noexcept {
  if (was.charged != 0) observe::process_tracker().discharge_pages(was.owner, was.charged);
}

}  // namespace ashlar::page_charges
