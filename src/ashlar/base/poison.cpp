// SPDX-License-Identifier: MIT
#include "ashlar/base/poison.hpp"

#include <cstdint>

extern "C" {
void __asan_poison_memory_region(const volatile void* data, std::size_t size)
    __attribute__((weak, visibility("default")));
void __asan_unpoison_memory_region(const volatile void* data, std::size_t size)
    __attribute__((weak, visibility("default")));
void* __asan_region_is_poisoned(void* data, std::size_t size)
    __attribute__((weak, visibility("default")));
}

namespace ashlar::poison {

namespace detail {
constinit tool found = tool::unknown;
}

namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool is_sanitized = true;
#elif defined(__has_feature)
constexpr bool is_sanitized = __has_feature(address_sanitizer);
#else
constexpr bool is_sanitized = false;
#endif

// A client request: an address to six words in one register, the answer where nobody listens in
// another, and then instructions that together do nothing but under Valgrind, which knows them.
// Source: valgrind.h ("the assembly sequence is part of the ABI"), the same since 2002.
std::uintptr_t request(std::uintptr_t unheard, std::uintptr_t code, std::uintptr_t a = 0,
                       std::uintptr_t b = 0, std::uintptr_t c = 0, std::uintptr_t d = 0) {
  volatile std::uintptr_t words[6] = {code, a, b, c, d, 0};
  std::uintptr_t answer = unheard;
#if defined(__x86_64__)
  __asm__ volatile(
      "rolq $3, %%rdi; rolq $13, %%rdi\n\t"
      "rolq $61, %%rdi; rolq $51, %%rdi\n\t"
      "xchgq %%rbx, %%rbx"
      : "=d"(answer)
      : "a"(&words[0]), "0"(unheard)
      : "cc", "memory");
#elif defined(__aarch64__)
  __asm__ volatile(
      "mov x3, %1\n\tmov x4, %2\n\t"
      "ror x12, x12, #3; ror x12, x12, #13\n\t"
      "ror x12, x12, #51; ror x12, x12, #61\n\t"
      "orr x10, x10, x10\n\t"
      "mov %0, x3"
      : "=r"(answer)
      : "r"(unheard), "r"(&words[0])
      : "cc", "memory", "x3", "x4");
#else
  (void)words;
#endif
  return answer;
}

constexpr std::uintptr_t is_metapool = 2;  // a flag of `create_mempool`, since Valgrind 3.12

// The numbers of requests: valgrind.h, memcheck.h.
enum code : std::uintptr_t {
  running_on_valgrind = 0x1001,
  create_mempool = 0x1303,
  destroy_mempool = 0x1304,
  mempool_alloc = 0x1305,
  mempool_free = 0x1306,
  mempool_trim = 0x1307,
  mempool_change = 0x1309,
  mempool_exists = 0x130a,
  // Memcheck's own: 'M' and 'C' in the upper half.
  make_noaccess = 0x4d43'0000,
  make_undefined = 0x4d43'0001,
  make_defined = 0x4d43'0002,
};

std::uintptr_t word(const void* p) { return reinterpret_cast<std::uintptr_t>(p); }

bool is(tool wanted) { return is_watched() && detail::found == wanted; }

bool has_pool(const void* pool) { return request(0, mempool_exists, word(pool)) != 0; }

// Other tools of Valgrind's do not know the request, and nothing is done for them: they count.
bool is_memcheck() {
  if (request(0, running_on_valgrind) == 0) return false;
  const char here = 0;
  return request(0, make_defined, word(&here), 1) != 0;
}

// A range of more than this is address space rather than memory, and nothing was hidden in it.
constexpr std::size_t most_shown = std::size_t{8} << 30;

// In one of less there may be more address space than memory, too. The sanitizer writes an eighth
// of it all the same, which is memory then: only where something is hidden.
void unpoison(const void* data, std::size_t size) {
  auto* const bytes = static_cast<std::byte*>(const_cast<void*>(data));
  for (std::size_t done = 0; done < size;) {
    const std::size_t left = size - done;
    const std::size_t part = left < most_hidden ? left : most_hidden;
    if (size <= most_hidden || __asan_region_is_poisoned(bytes + done, part) != nullptr)
      __asan_unpoison_memory_region(bytes + done, part);
    done += part;
  }
}

void set_access(std::uintptr_t code, const void* data, std::size_t size) {
  if (size == 0 || !is_watched()) return;
  if (size > (code == make_noaccess ? most_hidden : most_shown)) return;
  if (detail::found == tool::memcheck)
    (void)request(0, code, word(data), size);
  else if (code == make_noaccess)
    __asan_poison_memory_region(data, size);
  else
    unpoison(data, size);
}

}  // namespace

tool watcher() noexcept {
  tool found = load_relaxed(detail::found);
  if (found != tool::unknown) return found;
  found = tool::none;
  if (__asan_poison_memory_region != nullptr && __asan_unpoison_memory_region != nullptr &&
      __asan_region_is_poisoned != nullptr)
    found = tool::address_sanitizer;
  else if (is_memcheck())
    found = tool::memcheck;
  store_relaxed(detail::found, found);
  return found;
}

tool exchange_watcher(tool wanted) noexcept {
  const tool before = watcher();
  store_relaxed(detail::found, wanted);
  return before;
}

bool sees_library() noexcept { return is_sanitized || watcher() != tool::address_sanitizer; }

void hide(const void* data, std::size_t size) noexcept { set_access(make_noaccess, data, size); }
void show(const void* data, std::size_t size) noexcept { set_access(make_undefined, data, size); }
void show_defined(const void* data, std::size_t size) noexcept {
  set_access(make_defined, data, size);
}

void open_pool(const void* pool, bool holds_pools) noexcept {
  if (is(tool::memcheck) && !has_pool(pool))
    (void)request(0, create_mempool, word(pool), 0, 0, holds_pools ? is_metapool : 0);
}

void close_pool(const void* pool) noexcept {
  if (is(tool::memcheck) && has_pool(pool)) (void)request(0, destroy_mempool, word(pool));
}

void lend(const void* pool, const void* data, std::size_t size) noexcept {
  if (is(tool::memcheck) && has_pool(pool))
    (void)request(0, mempool_alloc, word(pool), word(data), size);
  else
    show(data, size);
}

void take_back(const void* pool, const void* data, std::size_t size) noexcept {
  if (is(tool::memcheck) && has_pool(pool)) (void)request(0, mempool_free, word(pool), word(data));
  hide(data, size);
}

void resize(const void* pool, const void* data, std::size_t old_size, std::size_t size) noexcept {
  if (!is_watched()) return;
  if (detail::found == tool::memcheck && has_pool(pool))
    (void)request(0, mempool_change, word(pool), word(data), word(data), size);
  const auto* const bytes = static_cast<const std::byte*>(data);
  if (size > old_size)
    show(bytes + old_size, size - old_size);
  else
    hide(bytes + size, old_size - size);
}

void keep_only(const void* pool, const void* data, std::size_t size) noexcept {
  if (!is(tool::memcheck) || !has_pool(pool)) return;
  if (size == 0) {
    close_pool(pool);
  } else {
    (void)request(0, mempool_trim, word(pool), word(data), size);
  }
}

}  // namespace ashlar::poison
