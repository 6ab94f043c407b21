// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/user_os.hpp"

#include <new>

#include "ashlar/base/bits.hpp"
#include "ashlar/hardening/fault.hpp"

namespace ashlar {

namespace {

const ashlar_user_os& table_of(void* context) {
  return *static_cast<const ashlar_user_os*>(context);
}

user_block_os& block_of(void* context) { return *static_cast<user_block_os*>(context); }

}  // namespace

// --- functions -----------------------------------------------------------------------------------

os_verbs user_os::make_verbs(const ashlar_user_os& given, const ashlar_user_os* kept) noexcept {
  os_verbs verbs{.context = const_cast<ashlar_user_os*>(kept),
                 .page_size = given.page_size,
                 .zeroed = given.zeroed};
  verbs.reserve = [](void* c, std::size_t size, std::size_t alignment) {
    void* const data = table_of(c).reserve(table_of(c).context, size, alignment);
    return data != nullptr ? os::range{static_cast<std::byte*>(data), size} : os::range{};
  };
  verbs.release = [](void* c, os::range memory, std::size_t committed) {
    table_of(c).release(table_of(c).context, memory.data, memory.size, committed);
  };
  if (given.commit != nullptr) {
    verbs.commit = [](void* c, os::range part) {
      return table_of(c).commit(table_of(c).context, part.data, part.size);
    };
  }
  if (given.decommit != nullptr) {
    verbs.decommit = [](void* c, os::range part) {
      return table_of(c).decommit(table_of(c).context, part.data, part.size);
    };
  }
  if (given.discard != nullptr) {
    verbs.discard = [](void* c, os::range part) {
      return table_of(c).discard(table_of(c).context, part.data, part.size);
    };
  }
  if (given.available != nullptr) {
    verbs.available = [](void* c, std::size_t alignment) {
      return table_of(c).available(table_of(c).context, alignment);
    };
  }
  return verbs;
}

user_os::user_os(const ashlar_user_os& functions, const char* name) noexcept
    : os_manager(make_verbs(functions, &functions_)), functions_(functions) {
  join_registry(name);
}

// --- one block -----------------------------------------------------------------------------------

os_verbs user_block_os::make_verbs(user_block_os& self, std::size_t page_size) noexcept {
  return {
      .context = &self,
      .reserve = [](void* c, std::size_t size,
                    std::size_t alignment) { return block_of(c).take(size, alignment); },
      .release = [](void* c, os::range memory, std::size_t) { block_of(c).give(memory); },
      .available = [](void* c, std::size_t alignment) { return block_of(c).largest(alignment); },
      .page_size = page_size};
}

user_block_os::user_block_os(const user_block_options& options) noexcept
    : os_manager(ops_for<user_block_os>, make_verbs(*this, options.page_size)) {
  ASHLAR_CHECK(is_power_of_two(page_size()) && page_size() >= 64);
  const std::uintptr_t start = address_of(options.memory.data);
  first_ = align_up(start, page_size());
  last_ = align_down(start + options.memory.size, page_size());
  if (options.memory.data == nullptr || first_ > last_) first_ = last_ = 0;
  join_registry(options.name);
}

user_block_os::~user_block_os() {
  leave_registry(parting::silent);
  if (reserved_ != 0) report_fault(fault_kind::still_in_use, at_address(first_));
}

bool user_block_os::owns(const void* p) const noexcept {
  return address_of(p) >= first_ && address_of(p) < last_;
}

void user_block_os::start() noexcept {
  if (started_) return;
  started_ = true;
  if (first_ == last_) return;
  free_ = ::new (static_cast<void*>(at_address(first_))) free_part{last_ - first_, nullptr};
}

os::range user_block_os::take(std::size_t size, std::size_t alignment) noexcept {
  lock_guard guard(mutex_);
  start();
  free_part** link = &free_;
  for (; *link != nullptr; link = &(*link)->next) {
    free_part* const part = *link;
    const std::uintptr_t start = address_of(part);
    const std::uintptr_t end = start + part->size;
    const std::uintptr_t at = align_up(start, alignment);
    if (at < start || at > end || end - at < size) continue;
    free_part* next = part->next;
    if (at + size != end)
      next = ::new (static_cast<void*>(at_address(at + size))) free_part{end - at - size, next};
    if (at != start) {
      part->size = at - start;
      part->next = next;
    } else {
      *link = next;
    }
    reserved_ += size;
    return {at_address(at), size};
  }
  return {};
}

void user_block_os::give(os::range memory) noexcept {
  lock_guard guard(mutex_);
  const std::uintptr_t at = address_of(memory.data);
  if (!owns(memory.data) || memory.size > last_ - at || !is_aligned(at | memory.size, page_size()))
    return report_fault(fault_kind::invalid_free, memory.data);
  free_part* before = nullptr;
  free_part* after = free_;
  while (after != nullptr && address_of(after) < at) {
    before = after;
    after = after->next;
  }
  if ((before != nullptr && address_of(before) + before->size > at) ||
      (after != nullptr && at + memory.size > address_of(after)) || memory.size > reserved_)
    return report_fault(fault_kind::double_free, memory.data);
  reserved_ -= memory.size;
  auto* part = ::new (static_cast<void*>(memory.data)) free_part{memory.size, after};
  if (after != nullptr && at + memory.size == address_of(after)) {
    part->size += after->size;
    part->next = after->next;
  }
  if (before == nullptr) {
    free_ = part;
  } else if (address_of(before) + before->size == at) {
    before->size += part->size;
    before->next = part->next;
  } else {
    before->next = part;
  }
}

std::size_t user_block_os::largest(std::size_t alignment) noexcept {
  lock_guard guard(mutex_);
  start();
  std::size_t most = 0;
  for (const free_part* part = free_; part != nullptr; part = part->next) {
    const std::uintptr_t end = address_of(part) + part->size;
    const std::uintptr_t at = align_up(address_of(part), alignment);
    if (at >= address_of(part) && at < end && end - at > most) most = end - at;
  }
  return most;
}

}  // namespace ashlar
