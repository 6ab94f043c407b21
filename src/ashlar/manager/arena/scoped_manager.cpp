// SPDX-License-Identifier: MIT
#include "ashlar/manager/arena/scoped_manager.hpp"

#include <new>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/relaxed.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/backing_scope.hpp"
#include "ashlar/manager/composed.hpp"

namespace ashlar {

namespace {

// What of an upstream's outcome is left for the block behind a record.
allocation less(std::size_t offset, const allocation& refused) {
  if (refused.reason() != status::not_enough_memory) return refused;
  const std::size_t fits = refused.would_fit();
  return allocation::failed(refused.reason(), fits > offset ? fits - offset : 0);
}

}  // namespace

scoped_manager::scoped_manager(memory upstream, const scoped_options& options) noexcept
    : manager(table_, upstream.get()),
      table_(reduced(ops_for<scoped_manager>, scoped_rule(upstream.get()->ops().can))),
      upstream_(upstream),
      tells_left_(options.tells_left) {
  if (upstream_.can(capability::rewind)) start_ = upstream_.here();
  join_registry(options.name);
}

scoped_manager::~scoped_manager() {
  leave_registry(tells_left_ ? parting::told : parting::silent);
  if (upstream_.can(capability::rewind))
    upstream_.rewind(start_);
  else
    free_all();
}

// A record fits in front of every block, and leaves it aligned.
std::size_t scoped_manager::offset_for(std::size_t alignment) noexcept {
  return align_up(sizeof(record), alignment);
}

scoped_manager::record* scoped_manager::record_of(const void* data) noexcept {
  return static_cast<record*>(const_cast<void*>(data)) - 1;
}

std::size_t scoped_manager::usable(const record& r) noexcept {
  return r.size - offset_for(r.alignment);
}

block scoped_manager::whole(const record& r) noexcept {
  auto* const data = reinterpret_cast<std::byte*>(const_cast<record*>(&r) + 1);
  return {data - offset_for(r.alignment), r.size};
}

allocation scoped_manager::allocate(layout request, fit wanted) noexcept {
  return push(request, wanted, false);
}

allocation scoped_manager::allocate_zeroed(layout request, fit wanted) noexcept {
  return push(request, wanted, true);
}

allocation scoped_manager::push(layout request, fit wanted, bool zeroed) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  const std::size_t alignment =
      request.alignment < alignof(record) ? alignof(record) : request.alignment;
  const std::size_t offset = offset_for(alignment);
  if (offset > max_size || request.size > max_size - offset)
    return allocation::failed(status::too_large);
  const layout needed{offset + at_least_one(request.size), alignment};
  const backing_scope counted(*this);
  const allocation a =
      zeroed ? upstream_.allocate_zeroed(needed, wanted) : upstream_.allocate(needed, wanted);
  if (!a) return less(offset, a);
  auto* const data = static_cast<std::byte*>(a.data()) + offset;
  record* const r = ::new (data - sizeof(record)) record{nullptr, nullptr, a.size(), alignment};
  link(*r);
  count(*r);
  return allocation::of(data, wanted == fit::get_exact ? request.size : usable(*r));
}

void scoped_manager::link(record& r) noexcept {
  r.newer = nullptr;
  r.older = newest_;
  if (newest_ != nullptr) newest_->newer = &r;
  newest_ = &r;
}

// The neighbours of a live block know it; a block that was freed, or is none of ours, has none.
bool scoped_manager::is_linked(const record& r) const noexcept {
  if (r.newer == &r || (r.newer == nullptr && newest_ != &r)) return false;
  return (r.newer == nullptr || r.newer->older == &r) &&
         (r.older == nullptr || r.older->newer == &r);
}

// Tells the neighbours that a record names where it is.
void scoped_manager::relink(record& r) noexcept {
  (r.newer != nullptr ? r.newer->older : newest_) = &r;
  if (r.older != nullptr) r.older->newer = &r;
}

// So that a second free finds no neighbours.
void scoped_manager::unlink(record& r) noexcept {
  (r.newer != nullptr ? r.newer->older : newest_) = r.older;
  if (r.older != nullptr) r.older->newer = r.newer;
  r.newer = &r;
}

void scoped_manager::count(const record& r) noexcept {
  use_.add(usable(r));
  store_relaxed(held_, held_ + r.size);
}

void scoped_manager::uncount(const record& r) noexcept {
  use_.remove(usable(r));
  store_relaxed(held_, held_ - r.size);
}

void scoped_manager::deallocate(block b, std::size_t) noexcept {
  if (b.data == nullptr) return;
  record& r = *record_of(b.data);
  if (!is_linked(r)) return report_fault(fault_kind::invalid_free, b.data);
  const record was = r;
  if (end(r)) return;
  r = was;
  relink(r);
  count(r);
}

// Returns whether the upstream took the block. The record is read before: then it is the
// upstream's.
bool scoped_manager::end(record& r) noexcept {
  const block all = whole(r);
  const std::size_t alignment = r.alignment;
  unlink(r);
  uncount(r);
  const fault_watch watch;
  upstream_.deallocate(all, alignment);
  return !watch.saw_one();
}

// The record moves with its block: its neighbours learn where it is.
allocation scoped_manager::reallocate(block b, std::size_t alignment,
                                      const resize& change) noexcept {
  if (b.data == nullptr) return allocate({change.size, alignment}, change.wanted);
  if (!is_power_of_two(alignment)) return allocation::failed(status::bad_alignment);
  if (!is_linked(*record_of(b.data))) {
    report_fault(fault_kind::invalid_resize, b.data);
    return allocation::failed(status::unsupported);
  }
  const record old = *record_of(b.data);
  const std::size_t offset = offset_for(old.alignment);
  if (change.size > max_size - offset) return allocation::failed(status::too_large);
  const std::size_t kept = b.size < change.used ? b.size : change.used;
  const backing_scope counted(*this);
  const allocation a = upstream_.reallocate(whole(*record_of(b.data)), old.alignment,
                                            {.size = offset + at_least_one(change.size),
                                             .used = offset + kept,
                                             .wanted = change.wanted,
                                             .may_move = change.may_move});
  if (!a) return less(offset, a);
  auto* const data = static_cast<std::byte*>(a.data()) + offset;
  record& r = *record_of(data);
  uncount(old);
  r.size = a.size();
  count(r);
  relink(r);
  return allocation::of(data, change.wanted == fit::get_exact ? change.size : usable(r));
}

bool scoped_manager::owns(const void* p) const noexcept {
  const record* r = newest_;
  while (r != nullptr && address_of(p) - address_of(r + 1) >= usable(*r)) r = r->older;
  return r != nullptr;
}

void scoped_manager::walk(block_visitor visitor) const noexcept {
  for (record* r = newest_; r != nullptr; r = r->older)
    if (!visitor({r + 1, usable(*r)})) return;
}

std::size_t scoped_manager::usable_size(const void* p) const noexcept {
  return usable(*record_of(p));
}

void scoped_manager::free_all() noexcept {
  inner_blocks_ended();
  while (newest_ != nullptr) (void)end(*newest_);  // what is refused is not ours any more either
}

manager_usage scoped_manager::usage() const noexcept {
  return {.used = use_.used(),
          .held = load_relaxed(held_),
          .peak_used = use_.peak(),
          .live_blocks = use_.live()};
}

bool scoped_manager::check_invariants() const noexcept {
  std::size_t used = 0;
  std::size_t live = 0;
  bool is_well = newest_ == nullptr || newest_->newer == nullptr;
  for (const record* r = newest_; r != nullptr; r = r->older) {
    used += usable(*r);
    ++live;
    is_well = is_well && (r->older == nullptr || r->older->newer == r);
  }
  return is_well && used == use_.used() && live == use_.live();
}

}  // namespace ashlar
