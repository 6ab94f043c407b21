// SPDX-License-Identifier: MIT
// ring_buffer: bytes first in, first out, where every span is contiguous.
//
//     ashlar::ring_buffer in(1_MiB);
//     const std::span<std::byte> room = in.write_space();
//     const ssize_t got = read(fd, room.data(), room.size());
//     if (got <= 0) return;
//     in.wrote(static_cast<std::size_t>(got));
//     in.consumed(parse(in.read_space()));   // returns how many bytes it needs no more
//
// The buffer is mapped twice in a row, so that what runs over its end continues at its start
// without a seam: no second part to handle, no copy. It comes straight from an OS manager. Where
// that refuses to mirror (a user's block, `ulimit -f`), `mirrored()` is false and the ring
// uses a plain buffer of twice the size: once a whole buffer has been consumed, what is unread
// moves to the front. Spans are as long and as contiguous as before; each byte moves once at most.
//
// A span is good until `consumed`, `clear` or a move of the ring; a write span also until `wrote`.
// Threads: thread-compatible; one writer and one reader in two threads: spsc_ring. Children of fork
// share the bytes of a mirrored ring but not its positions: use it in one of the processes.
// Cost: a write or read copies at memcpy speed; the calls are a few instructions.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>

#include "ashlar/base/result.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/source/os_manager.hpp"

namespace ashlar {

class ASHLAR_EXPORT ring_buffer {
 public:
  /// Has no memory and no capacity until `try_open`.
  constexpr ring_buffer() = default;
  /// Holds at least `capacity` bytes, rounded up to pages. Errors: throws (refusal.hpp).
  explicit ring_buffer(std::size_t capacity, os_manager& os = system_os());
  ~ring_buffer() { close(); }
  ring_buffer(ring_buffer&& other) noexcept { swap(*this, other); }
  ring_buffer& operator=(ring_buffer&& other) noexcept;

  /// Takes memory for at least `capacity` bytes. Contents and memory of before end. Errors:
  /// `too_large`, `no_memory`; the ring is as it was.
  [[nodiscard]] status try_open(std::size_t capacity, os_manager& os = system_os()) noexcept;
  /// Gives the memory back.
  void close() noexcept;

  /// Returns the free bytes, all of them: write from the start, then call `wrote`.
  std::span<std::byte> write_space() noexcept {
    return {data_ + first_ + size_, capacity_ - size_};
  }
  /// Appends the first `count` bytes of `write_space()`. Fault: overrun, if it has not that many;
  /// nothing is appended then.
  void wrote(std::size_t count) noexcept {
    if (count > capacity_ - size_) [[unlikely]]
      return refuse(fault_kind::overrun);
    size_ += count;
  }
  /// Returns the bytes to be read, oldest first, all of them.
  std::span<const std::byte> read_space() const noexcept { return {data_ + first_, size_}; }
  /// Takes the oldest `count` bytes out. Fault: pop_beyond_start, if there are not that many;
  /// nothing is taken then.
  void consumed(std::size_t count) noexcept {
    if (count > size_) [[unlikely]]
      return refuse(fault_kind::pop_beyond_start);
    first_ += count;
    size_ -= count;
    if (first_ >= capacity_) [[unlikely]]
      wrap();
  }

  /// Copies in as much as fits. Returns how much that was.
  [[nodiscard]] std::size_t write(std::span<const std::byte> bytes) noexcept {
    const std::size_t room = capacity_ - size_;
    const std::size_t count = bytes.size() < room ? bytes.size() : room;
    std::byte* const to = data_ + first_ + size_;
    size_ += count;  // before the copy: or all would be loaded again, behind its stores
    if (count != 0) std::memcpy(to, bytes.data(), count);
    return count;
  }
  /// Copies out as much as is there. Returns how much that was.
  [[nodiscard]] std::size_t read(std::span<std::byte> bytes) noexcept {
    const std::size_t count = bytes.size() < size_ ? bytes.size() : size_;
    const std::byte* const from = data_ + first_;
    first_ += count;
    size_ -= count;
    if (first_ >= capacity_) [[unlikely]]
      return copy_and_wrap(bytes.data(), from, count);
    if (count != 0) std::memcpy(bytes.data(), from, count);
    return count;
  }
  /// Forgets all bytes, and keeps the memory.
  void clear() noexcept { first_ = size_ = 0; }

  /// Units: bytes.
  std::size_t size() const noexcept { return size_; }
  std::size_t capacity() const noexcept { return capacity_; }
  [[nodiscard]] bool empty() const noexcept { return size_ == 0; }
  bool full() const noexcept { return size_ == capacity_; }
  /// Returns whether the buffer is mapped twice; if not, `consumed` may move unread bytes.
  bool mirrored() const noexcept { return mirrored_; }

  friend ASHLAR_EXPORT void swap(ring_buffer& a, ring_buffer& b) noexcept;

 private:
  void wrap() noexcept;
  std::size_t copy_and_wrap(std::byte* to, const std::byte* from, std::size_t count) noexcept;
  ASHLAR_COLD void refuse(fault_kind kind) const noexcept { report_fault(kind, data_); }

  // Invariants: first_ < capacity_ unless that is 0; size_ <= capacity_; the mapping is
  // 2 * capacity_ long, so that [first_, first_ + capacity_) lies in it.
  std::byte* data_ = nullptr;
  std::size_t capacity_ = 0;
  std::size_t first_ = 0;  // of the oldest byte
  std::size_t size_ = 0;
  os_manager* os_ = nullptr;
  bool mirrored_ = false;
};

}  // namespace ashlar
