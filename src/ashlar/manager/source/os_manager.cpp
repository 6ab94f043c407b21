// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/os_manager.hpp"

#include <cstring>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/hardening/fault_watch.hpp"
#include "ashlar/manager/source/page_charges.hpp"

namespace ashlar {

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

constexpr os_verbs system_verbs = {
    .reserve = [](void*, std::size_t size,
                  std::size_t alignment) { return os::reserve(size, alignment).value; },
    .release = [](void*, os::range memory,
                  std::size_t committed) { os::release(memory, committed); },
    .commit = [](void*, os::range part) { return os::commit(part).ok(); },
    .decommit = [](void*, os::range part) { return os::decommit(part).ok(); },
    .discard = [](void*, os::range part) { return os::discard(part).ok(); },
    .populate = [](void*, os::range part) { return os::populate(part).ok(); },
    .move_pages = [](void*, os::range from, os::range to) { return os::move_pages(from, to).ok(); },
    .protect = [](void*, os::range part,
                  os::access rights) { return os::protect(part, rights).ok(); },
    .advise_huge = [](void*, os::range part,
                      bool wanted) { return os::advise_huge(part, wanted).ok(); },
    .mirror = [](void*, std::size_t size) { return os::reserve_mirrored(size).value; },
    .release_mirrored = [](void*, os::range memory) { os::release_mirrored(memory); },
    .zeroed = true,
    .generous_reservation = 1_GiB,  // few regions mean few gaps
};

// Never destroyed: managers may outlive the static objects of the program.
union system_manager {
  constexpr system_manager() : manager(system_verbs) {}
  ~system_manager() {}
  os_manager manager;
};
constinit system_manager the_system;

}  // namespace

os_manager& system_os() noexcept { return the_system.manager; }

os_manager& manager::os() const noexcept {
  const manager& top = root();
  if (!top.can(capability::is_os)) return system_os();
  // A handle gives its OS manager to be used, as every manager gives its upstream.
  return const_cast<os_manager&>(static_cast<const os_manager&>(top));
}

std::size_t os_manager::page_size() const noexcept {
  return verbs_.page_size != 0 ? verbs_.page_size : os::page_size();
}

os::range os_manager::reserve(std::size_t size, std::size_t alignment) noexcept {
  return reserve_for(backing_tag(true), size, alignment);
}

os::range os_manager::reserve_for(tag_id owner, std::size_t size, std::size_t alignment) noexcept {
  const std::size_t page = page_size();
  if (size == 0 || size > max_size - page || !is_power_of_two(alignment)) return {};
  const os::range memory =
      verbs_.reserve(verbs_.context, align_up(size, page), alignment < page ? page : alignment);
  page_charges::open(this, owner, memory);
  return memory;
}

status os_manager::try_commit(os::range part) noexcept {
  // Counted first: what would be too much is not asked for.
  if (const status why = page_charges::charge(this, part); why != status::success) return why;
  if (verbs_.commit != nullptr && !verbs_.commit(verbs_.context, part)) {
    page_charges::discharge(this, part);
    return status::no_memory;
  }
  committed_.fetch_add(part.size, relaxed);
  return status::success;
}

bool os_manager::decommit(os::range part) noexcept {
  if (verbs_.decommit == nullptr || !verbs_.decommit(verbs_.context, part)) return false;
  page_charges::discharge(this, part);
  committed_.fetch_sub(part.size, relaxed);
  return true;
}

// Forgotten first: once released, the addresses may be another reservation's.
void os_manager::release(os::range memory, std::size_t committed) noexcept {
  const page_charges::forgotten was = page_charges::forget(this, memory);
  const fault_watch watch;
  verbs_.release(verbs_.context, memory, committed);
  if (watch.saw_one()) return page_charges::reopen(this, was);
  page_charges::settle(was);
  committed_.fetch_sub(committed, relaxed);
}

bool os_manager::discard(os::range part) noexcept {
  return verbs_.discard != nullptr && verbs_.discard(verbs_.context, part);
}

bool os_manager::populate(os::range part) noexcept {
  return verbs_.populate != nullptr && verbs_.populate(verbs_.context, part);
}

bool os_manager::move_pages(os::range from, os::range to) noexcept {
  return verbs_.move_pages != nullptr && verbs_.move_pages(verbs_.context, from, to);
}

bool os_manager::protect(os::range part, os::access rights) noexcept {
  return verbs_.protect != nullptr && verbs_.protect(verbs_.context, part, rights);
}

bool os_manager::advise_huge(os::range part, bool wanted) noexcept {
  return verbs_.advise_huge != nullptr && verbs_.advise_huge(verbs_.context, part, wanted);
}

os::range os_manager::mirror(std::size_t size) noexcept {
  const std::size_t page = page_size();
  if (verbs_.mirror == nullptr || size == 0 || size > max_size / 2 - page) return {};
  const os::range memory = verbs_.mirror(verbs_.context, align_up(size, page));
  if (!memory) return memory;
  committed_.fetch_add(memory.size / 2, relaxed);
  page_charges::open(this, backing_tag(true), memory);
  if (page_charges::charge(this, {memory.data, memory.size / 2}) == status::success) return memory;
  release_mirrored(memory);
  return {};
}

void os_manager::release_mirrored(os::range memory) noexcept {
  page_charges::close(this, memory);
  verbs_.release_mirrored(verbs_.context, memory);
  committed_.fetch_sub(memory.size / 2, relaxed);
}

std::size_t os_manager::available(std::size_t alignment) const noexcept {
  const std::size_t page = page_size();
  return verbs_.available != nullptr
             ? verbs_.available(verbs_.context, alignment < page ? page : alignment)
             : max_size;
}

allocation os_manager::allocate(layout request, fit wanted) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size - page_size()) return allocation::failed(status::too_large);
  const os::range memory = reserve(at_least_one(request.size), request.alignment);
  if (!memory) {
    if (verbs_.available == nullptr) return allocation::failed(status::no_memory);
    return allocation::failed(status::not_enough_memory, available(request.alignment));
  }
  if (const status why = try_commit(memory); why != status::success) {
    release(memory, 0);
    return allocation::failed(why);
  }
  use_.add(memory.size);
  return allocation::of(memory.data, wanted == fit::get_no_less ? memory.size : request.size);
}

allocation os_manager::allocate_zeroed(layout request, fit wanted) noexcept {
  const allocation fresh = allocate(request, wanted);
  if (fresh && !verbs_.zeroed) std::memset(fresh.data(), 0, fresh.size());
  return fresh;
}

void os_manager::deallocate(block b, std::size_t) noexcept {
  if (b.data == nullptr) return;
  // Blocks are whole pages, and all of them together are what is used.
  if (!is_aligned(address_of(b.data), page_size()) || b.size > use_.used())
    return report_fault(fault_kind::invalid_free, b.data);
  const os::range memory{static_cast<std::byte*>(b.data),
                         align_up(at_least_one(b.size), page_size())};
  const fault_watch watch;
  release(memory, memory.size);
  if (!watch.saw_one()) use_.remove(memory.size);
}

manager_usage os_manager::usage() const noexcept {
  return {.used = use_.used(),
          .held = committed_.load(relaxed),
          .peak_used = use_.peak(),
          .limit = available() == max_size ? manager_usage::unknown : use_.used() + available(),
          .live_blocks = use_.live()};
}

}  // namespace ashlar
