// SPDX-License-Identifier: MIT
#include "ashlar/replace/ended_threads.hpp"

#include <dlfcn.h>

#include <atomic>
#include <cstring>
#include <iterator>
#include <optional>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/observe/thread_state.hpp"
#include "ashlar/replace/debug/page_guard.hpp"

namespace ashlar::replace {

namespace {

constexpr std::uint32_t most_entries = 100'000;
// Room for what libc knows of a thread: 2304 to 2400 bytes in glibc 2.34 to 2.41.
constexpr std::size_t most_description = 4_KiB;
// Behind the stack: that description and, on some processors, thread-local storage.
constexpr std::uintptr_t most_behind = 1_MiB;

// An entry of a list of threads; the lists have the same at their head.
struct link {
  std::uintptr_t next;
  std::uintptr_t previous;
};

struct layout_of_libc {
  std::uintptr_t heads[2];  // threads on stacks that libc made; stacks that it keeps
  std::uint32_t link;       // offsets in a thread's description
  std::uint32_t number;
  std::uint32_t size;
};

constinit layout_of_libc layout;
// acquire and release: who sees it set sees `layout`.
constinit std::atomic<bool> is_known{false};

// Where a field lies, as libthread_db is told: bits of an element, elements, offset.
std::optional<std::uint32_t> offset_of(const char* table, std::uint32_t bits) {
  const auto* const field = static_cast<const std::uint32_t*>(::dlsym(RTLD_DEFAULT, table));
  if (field == nullptr || field[0] != bits) return std::nullopt;
  return field[2];
}

bool learn(layout_of_libc& into) {
  constexpr std::uint32_t link_bits = 8 * sizeof(link);
  const auto global = address_of(::dlsym(RTLD_DEFAULT, "_rtld_global"));
  const auto* const size =
      static_cast<const std::uint32_t*>(::dlsym(RTLD_DEFAULT, "_thread_db_sizeof_pthread"));
  const auto used = offset_of("_thread_db_rtld_global__dl_stack_used", link_bits);
  const auto users = offset_of("_thread_db_rtld_global__dl_stack_user", link_bits);
  const auto in_lists = offset_of("_thread_db_pthread_list", link_bits);
  const auto number = offset_of("_thread_db_pthread_tid", 32);
  if (global == 0 || size == nullptr || !used || !users || !in_lists || !number) return false;
  // The list of kept stacks, of which no debugger is told, follows that of the users' stacks.
  into = {{global + *used, global + *users + sizeof(link)}, *in_lists, *number, *size};
  return into.size <= most_description && into.link + sizeof(link) <= into.size &&
         into.number + sizeof(std::int32_t) <= into.size;
}

bool read(std::uintptr_t from, void* to, std::size_t size) {
  return read_safely(from, to, size) == size;
}

// Among what libc knows of a thread are three words in a row: where the memory for its stack
// begins, its size, and that of the guard at its low end. No other three can fit the address of the
// description itself.
os::range stack_in(const std::uintptr_t* words, std::size_t count, std::uintptr_t description) {
  const std::uintptr_t page = os::page_size();
  for (std::size_t i = 0; i + 3 <= count; ++i) {
    const std::uintptr_t begin = words[i];
    const std::uintptr_t size = words[i + 1];
    const std::uintptr_t guard = words[i + 2];
    if (begin == 0 || begin >= description || ((begin | size | guard) & (page - 1)) != 0) continue;
    if (begin + size - description - 1 >= most_behind || begin + guard >= description) continue;
    return {at_address(begin + guard), description - (begin + guard)};
  }
  return {};
}

}  // namespace

void learn_of_threads() noexcept {
  if (is_known.load(std::memory_order_acquire)) return;
  const observe::mute_scope quiet;  // what is not found becomes a message, which is allocated
  layout_of_libc found;
  if (!learn(found)) return;
  layout = found;
  is_known.store(true, std::memory_order_release);
}

// An entry counts if the one before it and it point to each other: one that was taken out of the
// list meanwhile does not.
bool dead_stacks::next_entry() noexcept {
  for (; list_ < std::size(layout.heads); ++list_, entry_ = 0) {
    const std::uintptr_t head = layout.heads[list_];
    const std::uintptr_t before = entry_ == 0 ? head : entry_;
    link here = {};
    link there = {};
    if (++count_ > most_entries || !read(before, &here, sizeof here) || here.next == head ||
        !read(here.next, &there, sizeof there) || there.previous != before)
      continue;
    entry_ = here.next;
    return true;
  }
  return false;
}

bool dead_stacks::next(os::range& found) noexcept {
  if (!is_known.load(std::memory_order_acquire)) return false;
  std::uintptr_t words[most_description / sizeof(std::uintptr_t)];
  while (next_entry()) {
    const std::uintptr_t description = entry_ - layout.link;
    std::int32_t number = 0;
    if (!read(description, words, layout.size)) continue;
    std::memcpy(&number, reinterpret_cast<const std::byte*>(words) + layout.number, sizeof number);
    if (number > 0) continue;  // it lives; 0: it has ended; -1: its stack is kept
    found = stack_in(words, layout.size / sizeof(std::uintptr_t), description);
    if (found) return true;
  }
  return false;
}

}  // namespace ashlar::replace
