// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/page_guard.hpp"

#include <sys/uio.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>

namespace ashlar::replace {

namespace {

// Each protected block splits its mapping twice, and the system allows about 65,000 mappings.
constexpr std::uint32_t most_protected = 24'000;
constinit std::atomic<std::uint32_t> protected_blocks{0};

bool close_ends(const os::range& span, const page_shape& shape) {
  const std::size_t front = shape.open_begin;
  if (front != 0 && !os::protect({span.data, front}, os::access::none).ok()) return false;
  if (os::protect({span.data + shape.open_end, span.size - shape.open_end}, os::access::none).ok())
    return true;
  if (front != 0) (void)os::protect({span.data, front}, os::access::read_write);
  return false;
}

}  // namespace

os::range span_of(const slab& s) noexcept {
  return {s.start,
          s.kind == slab_kind::direct ? s.reserved_size : std::size_t{s.slices} * slice_size};
}

page_shape pages_of(std::size_t size, std::size_t alignment, page_protection side) noexcept {
  const std::size_t page = os::page_size();
  const std::size_t bytes = size == 0 ? page : align_up(size, page);
  const std::size_t begin = alignment > most_aligned_front ? 0 : larger(alignment, page);
  const std::size_t slack =
      side == page_protection::back && alignment <= page ? align_down(bytes - size, alignment) : 0;
  return {begin, begin + bytes, begin + slack, begin + bytes + page};
}

allocation take_page_block(const page_shape& shape, layout request, bool zero,
                           bool needed) noexcept {
  const bool full = protected_blocks.fetch_add(1, std::memory_order_relaxed) >= most_protected;
  if (full && needed) {
    protected_blocks.fetch_sub(1, std::memory_order_relaxed);
    return allocation::failed(status::unsupported);
  }
  const std::size_t clear = zero ? shape.total : 0;
  const allocation a = watched_heap.allocate_large({shape.total, request.alignment}, clear);
  const bool closed =
      a && !full && close_ends(span_of(*process_page_map.header_of(a.data())), shape);
  if (a && (closed || !needed)) return a;
  protected_blocks.fetch_sub(1, std::memory_order_relaxed);
  if (!a) return a;
  heap::deallocate_from(watched_heap.local(), a.data());
  return allocation::failed(status::unsupported);
}

bool seal_page_block(const slab& s) noexcept {
  const os::range span = span_of(s);
  if (!os::protect(span, os::access::none).ok()) return false;
  (void)os::discard(span);
  return true;
}

bool open_page_block(const slab& s) noexcept {
  if (!os::protect(span_of(s), os::access::read_write).ok()) return false;
  protected_blocks.fetch_sub(1, std::memory_order_relaxed);
  return true;
}

std::size_t read_safely(std::uintptr_t from, void* to, std::size_t size) noexcept {
  iovec local = {to, size};
  iovec remote = {at_address(from), size};
  const ssize_t n = ::process_vm_readv(::getpid(), &local, 1, &remote, 1, 0);
  return n > 0 ? static_cast<std::size_t>(n) : 0;
}

bool is_whole_or_sealed(byte_range guard) noexcept {
  constexpr std::size_t part = 64;
  std::uint64_t copy[part];
  guard_words words(guard.begin);
  for (const std::byte* at = guard.begin; at != guard.end;) {
    const auto left = static_cast<std::size_t>(guard.end - at);
    const std::size_t size = left < sizeof copy ? left : sizeof copy;
    const std::size_t got = read_safely(address_of(at), copy, size);
    if (got != size)  // sealed; or the system lets nobody read like this
      return got != 0 || errno == EFAULT || is_whole(guard);
    std::uint64_t expected[part];
    for (std::size_t i = 0; i * sizeof expected[0] < size; ++i) expected[i] = words.next();
    if (__builtin_memcmp(copy, expected, size) != 0) return false;
    at += size;
  }
  return true;
}

}  // namespace ashlar::replace
