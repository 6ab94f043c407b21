// SPDX-License-Identifier: MIT
// spsc_ring: a bounded queue from one thread to one other, without locks.
//
//     ashlar::spsc_ring<event> events(1'000);   // 1,024, rounded up to a power of two
//     if (!events.try_push(e)) ++dropped;       // the producer's thread
//     while (events.try_pop(e)) handle(e);      // the consumer's thread
//
// Two counters run freely, and wrap: `tail` counts what was pushed, `head` what was popped; their
// difference is what is in the ring, and their low bits are places. Each is written by one side
// only. A side looks at the other's counter only when its own copy of it says that the ring is full
// (or empty), so that the line of the counter does not travel at each element; both sides' words
// lie in lines of their own.
//
// Orders: whoever writes a counter releases what it did to the places (made an element, ended one);
// whoever reads the other's counter acquires that. All interleavings of this protocol, and what
// each mistake in it leads to: tests/model/spsc_protocol.hpp.
//
// Threads: at a time one producer (try_push, try_emplace, push_some) and one consumer (front,
// pop_front, try_pop, pop_some); capacity, size and empty: any; the rest: when neither is at work.
// A side may change threads where the program orders the two. Cost: a push or a pop is a load, a
// compare, the element and a store. Memory: one block, and 3 pairs of cache lines in the object.
#pragma once

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>
#include <memory>
#include <span>
#include <type_traits>
#include <utility>

#include "ashlar/container/block_guard.hpp"
#include "ashlar/container/refusal.hpp"
#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/source/current.hpp"

namespace ashlar {

template <class T>
class spsc_ring {
  static_assert(std::is_nothrow_destructible_v<T>);

 public:
  using value_type = T;
  using size_type = std::size_t;

  /// Has no memory and no capacity until `try_open`.
  constexpr spsc_ring() = default;
  /// Holds at least `capacity` elements, rounded up to a power of two. Memory is taken here and not
  /// later; the manager must outlive the ring. Errors: throws (refusal.hpp).
  explicit spsc_ring(size_type capacity, memory from = current()) {
    insist(capacity * sizeof(T), [&] { return try_open(capacity, from); });
  }
  ~spsc_ring() { close(); }
  // Two threads know it by its address.
  spsc_ring(const spsc_ring&) = delete;
  spsc_ring& operator=(const spsc_ring&) = delete;

  /// Takes memory for at least `capacity` elements. Elements and memory of before end. Errors: the
  /// reason (`unsupported`: the manager of before wants its last block freed first: `close` the
  /// ring before); the ring is as it was.
  [[nodiscard]] status try_open(size_type capacity, memory from = current()) noexcept;
  /// Ends all elements and gives the memory back.
  void close() noexcept;

  // --- The producer

  /// Appends an element. Returns false, having made nothing, if the ring is full.
  template <class... Args>
  [[nodiscard]] bool try_emplace(Args&&... args) {
    const size_type tail = producer_.tail.load(std::memory_order_relaxed);  // our own
    if (room(tail) == 0) return false;
    std::construct_at(place(tail), std::forward<Args>(args)...);
    // release: pairs with the acquire in filled().
    producer_.tail.store(tail + 1, std::memory_order_release);
    return true;
  }
  [[nodiscard]] bool try_push(const T& value) { return try_emplace(value); }
  [[nodiscard]] bool try_push(T&& value) { return try_emplace(std::move(value)); }
  /// Appends copies of the first elements, as many as there is room for. Returns how many. If a
  /// copy throws, those are in the ring that the consumer may see already.
  [[nodiscard]] size_type push_some(std::span<const T> values);

  // --- The consumer

  /// Returns the oldest element, which stays where it is until `pop_front`; null: there is none.
  T* front() noexcept {
    const size_type head = consumer_.head.load(std::memory_order_relaxed);  // our own
    return filled(head, 1) != 0 ? place(head) : nullptr;
  }
  /// Ends the oldest element, which `front` returned. Fault: pop_beyond_start, if it returned none.
  void pop_front() noexcept {
    const size_type head = consumer_.head.load(std::memory_order_relaxed);
    if (head == consumer_.seen_tail) [[unlikely]]
      return report_fault(fault_kind::pop_beyond_start, this);
    std::destroy_at(place(head));
    // release: pairs with the acquire in room().
    consumer_.head.store(head + 1, std::memory_order_release);
  }
  /// Moves the oldest element to `into`. Returns false, leaving `into`, if there is none. If the
  /// assignment throws, the element stays in the ring.
  [[nodiscard]] bool try_pop(T& into) noexcept(std::is_nothrow_move_assignable_v<T>) {
    T* const oldest = front();
    if (oldest == nullptr) return false;
    into = std::move(*oldest);
    pop_front();
    return true;
  }
  /// Moves the oldest elements to the first of `into`, as many as there are. Returns how many. If
  /// an assignment throws, those from it on stay in the ring, and some before that were moved from.
  [[nodiscard]] size_type pop_some(std::span<T> into) noexcept(
      std::is_nothrow_move_assignable_v<T>);

  // --- Anyone

  size_type capacity() const noexcept { return capacity_; }
  /// A moment's truth: the other side may be at work.
  size_type size() const noexcept {
    // Head first: the tail that is read later is not behind it. acquire: keeps that order.
    const size_type head = consumer_.head.load(std::memory_order_acquire);
    const size_type tail = producer_.tail.load(std::memory_order_relaxed);
    return std::min(tail - head, capacity_);
  }
  [[nodiscard]] bool empty() const noexcept { return size() == 0; }

 private:
  static constexpr bool is_bytes = std::is_trivially_copyable_v<T>;
  // Two lines: processors fetch lines in pairs.
  static constexpr std::size_t apart = 128;
  static constexpr std::size_t alignment = alignof(T) > apart ? alignof(T) : apart;

  struct alignas(apart) producer_side {
    std::atomic<size_type> tail{0};
    size_type seen_head = 0;  // a value that head has had: there is at least as much room
  };
  struct alignas(apart) consumer_side {
    std::atomic<size_type> head{0};
    size_type seen_tail = 0;  // a value that tail has had: at least as much is filled
  };

  T* place(size_type counter) const noexcept { return data_ + (counter & (capacity_ - 1)); }

  // Returns for how many elements there is room, at least; looks anew if that is less than wanted.
  size_type room(size_type tail, size_type wanted = 1) noexcept {
    size_type found = capacity_ - (tail - producer_.seen_head);
    if (found < wanted) {
      // acquire: pairs with the release of head: elements that were there have ended.
      producer_.seen_head = consumer_.head.load(std::memory_order_acquire);
      found = capacity_ - (tail - producer_.seen_head);
    }
    return found;
  }
  size_type filled(size_type head, size_type wanted) noexcept {
    size_type found = consumer_.seen_tail - head;
    if (found < wanted) {
      // acquire: pairs with the release of tail: the elements have been made.
      consumer_.seen_tail = producer_.tail.load(std::memory_order_acquire);
      found = consumer_.seen_tail - head;
    }
    return found;
  }
  // How many of `count` places from `counter` on lie in front of the seam.
  size_type before_seam(size_type counter, size_type count) const noexcept {
    return std::min(count, capacity_ - (counter & (capacity_ - 1)));
  }

  static void copy_in(const T* from, size_type count, T* to);
  static void move_out(T* from, size_type count, T* to);

  // Neither side writes these while it is at work.
  T* data_ = nullptr;
  size_type capacity_ = 0;
  block block_;
  memory memory_;

  producer_side producer_;
  consumer_side consumer_;
};

template <class T>
status spsc_ring<T>::try_open(size_type capacity, memory from) noexcept {
  if (capacity > max_size / sizeof(T) / 2) return status::too_large;
  // Where the last block must be freed first, ours could not go after the new one came.
  if (block_ && memory_.can(capability::lifo_only)) return status::unsupported;
  capacity = std::bit_ceil(std::max(capacity, size_type{1}));
  const allocation fresh = detail::try_obtain_as<T>(from, {capacity * sizeof(T), alignment});
  if (!fresh) return fresh.reason();
  close();
  memory_ = from;
  block_ = fresh.get();
  data_ = static_cast<T*>(fresh.data());
  capacity_ = capacity;
  return status::success;
}

template <class T>
void spsc_ring<T>::close() noexcept {
  while (front() != nullptr) pop_front();
  // What the producer remembers may lie further back than the next capacity reaches.
  producer_.seen_head = consumer_.head.load(std::memory_order_relaxed);  // nobody is at work
  if (block_) inner_blocks::deallocate(memory_, block_, alignment);
  block_ = {};
  data_ = nullptr;
  capacity_ = 0;
}

template <class T>
auto spsc_ring<T>::push_some(std::span<const T> values) -> size_type {
  size_type tail = producer_.tail.load(std::memory_order_relaxed);
  const size_type count = std::min(values.size(), room(tail, values.size()));
  // Each part is published on its own: if a copy throws in the second, the first is complete.
  for (size_type done = 0; done < count;) {
    const size_type part = before_seam(tail, count - done);
    copy_in(values.data() + done, part, place(tail));
    producer_.tail.store(tail += part, std::memory_order_release);  // as in try_emplace
    done += part;
  }
  return count;
}

template <class T>
auto spsc_ring<T>::pop_some(std::span<T> into) noexcept(std::is_nothrow_move_assignable_v<T>)
    -> size_type {
  size_type head = consumer_.head.load(std::memory_order_relaxed);
  const size_type count = std::min(into.size(), filled(head, into.size()));
  for (size_type done = 0; done < count;) {
    const size_type part = before_seam(head, count - done);
    move_out(place(head), part, into.data() + done);
    consumer_.head.store(head += part, std::memory_order_release);  // as in pop_front
    done += part;
  }
  return count;
}

template <class T>
void spsc_ring<T>::copy_in(const T* from, size_type count, T* to) {
  if constexpr (is_bytes) {
    std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(T));
  } else {
    std::uninitialized_copy_n(from, count, to);
  }
}

template <class T>
void spsc_ring<T>::move_out(T* from, size_type count, T* to) {
  if constexpr (is_bytes) {
    std::memcpy(static_cast<void*>(to), static_cast<const void*>(from), count * sizeof(T));
  } else {
    std::move(from, from + count, to);
    std::destroy_n(from, count);
  }
}

}  // namespace ashlar
