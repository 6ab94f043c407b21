// SPDX-License-Identifier: MIT
// A pool of objects named by handles that go stale: an index and a generation.
//
//     ashlar::handle_pool<unit> units;
//     ashlar::handle<unit> h = units.make(...);
//     if (unit* u = units.get(h)) u->move();   // null once the unit was destroyed
//     units.destroy(h);
//
// A pointer to a destroyed object may point to the one that took its place, and nobody can tell. A
// handle can: each place counts how often it changed, even while it is free and odd while an object
// lives there, and a handle names the count it was made at. 8 bytes, the same in every process.
//
// Places lie in chunks that never move, found by the high bits of the index; a directory of chunks
// grows by doubling. A place whose count would begin again is never used again, so no handle ever
// turns valid by age. Free places form a list through their indices.
//
// Objects never move: pointers are good until their object is destroyed. slot_map, whose elements
// move, keeps them without gaps instead; choose it where all are gone through often.
//
// The objects that still live when the pool ends are destroyed with it. An object's handle is stale
// while its destructor runs, and its place nobody else's. So a destructor may destroy other objects
// of the pool, and each ends once, even if they own each other; it may make some, too.
// Its memory counts to the tag of the class, if that carries one (class_tag.hpp).
// Bounds: 2^32 - 1 places. Faults: `destroy` of a handle that is stale, or was never made:
// stale_handle. Threads: one at a time. Cost: get: two loads and two comparisons; destroy and make
// about as much more. Memory: 8 bytes an object, chunks of about 16 KiB, kept until the pool ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <new>
#include <utility>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/pool/place_table.hpp"

namespace ashlar {

/// Names an object in a handle_pool. The default one names nothing.
template <class T>
struct handle {
  std::uint32_t index = 0;
  std::uint32_t generation = 0;  ///< odd; even never names anything

  constexpr explicit operator bool() const { return generation != 0; }
  friend constexpr bool operator==(handle, handle) = default;
};

template <class T>
class handle_pool {
 public:
  /// `upstream`: where chunks come from, and outlives the pool; none: the OS. Takes nothing yet.
  constexpr explicit handle_pool(memory upstream = {}) noexcept
      : places_(upstream, {sizeof(T), alignof(T)}) {
    if constexpr (tagged_class<T>) places_.count_to(tag_of_class<T>());
  }
  handle_pool(const handle_pool&) = delete;
  handle_pool& operator=(const handle_pool&) = delete;
  ~handle_pool() {
    destroy_all();
    places_.release();
  }

  /// Makes an object. Returns an empty handle if there is no memory; the arguments are as they were
  /// then. What the constructor throws passes through; nothing has changed.
  template <class... Arguments>
  [[nodiscard]] handle<T> make(Arguments&&... arguments) {
    const std::uint32_t index = places_.take();
    if (index == place_table::none) return {};
    guard on_throw{places_, index, true};
    place& at = places_[index];
    ::new (places_.data_of(at)) T(std::forward<Arguments>(arguments)...);
    on_throw.is_armed = false;
    return {index, at.generation};
  }

  /// Returns the object, or null if it was destroyed.
  T* get(handle<T> h) noexcept { return const_cast<T*>(std::as_const(*this).get(h)); }
  const T* get(handle<T> h) const noexcept {
    place* const at = places_.find(h.index, h.generation);
    return at != nullptr ? std::launder(static_cast<const T*>(places_.data_of(*at))) : nullptr;
  }

  /// Ends the object of a handle. Faults: stale_handle; nothing has changed then. An empty handle
  /// is ignored, and so is, in a destructor that `destroy_all` runs, a stale one.
  void destroy(handle<T> h) noexcept {
    if (!h) return;
    T* const object = get(h);
    if (object == nullptr) {
      if (!is_ending_all_) report_fault(fault_kind::stale_handle, nullptr, {h.index, h.generation});
      return;
    }
    places_.expire(h.index);
    object->~T();
    places_.recycle(h.index);
  }

  /// Ends all objects, those too that destructors make meanwhile. Their places stay, so that their
  /// handles stay stale.
  void destroy_all() noexcept {
    const bool was_ending_all = std::exchange(is_ending_all_, true);
    while (size() != 0) for_each([this](handle<T> h, T&) { destroy(h); });
    is_ending_all_ = was_ending_all;
  }

  /// Calls `visit(handle, object)` for each object, in the order of indices. It may destroy
  /// objects; of those that it makes some may be visited.
  template <class F>
  void for_each(F visit) {
    for (std::uint32_t i = 0; i < places_.used(); ++i) {
      place& at = places_[i];
      if (at.generation % 2 != 0)
        visit(handle<T>{i, at.generation}, *std::launder(static_cast<T*>(places_.data_of(at))));
    }
  }

  /// Returns how many objects live.
  std::size_t size() const noexcept { return places_.live(); }
  /// Returns the bytes taken from the upstream.
  std::size_t held() const noexcept { return places_.held(); }

 private:
  using place = place_table::place;

  // Gives the place back if a constructor throws.
  struct guard {
    place_table& from;
    std::uint32_t index;
    bool is_armed;
    ~guard() {
      if (!is_armed) return;
      from.expire(index);
      from.recycle(index);
    }
  };

  place_table places_;
  bool is_ending_all_ = false;
};

}  // namespace ashlar
