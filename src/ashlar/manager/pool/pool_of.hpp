// SPDX-License-Identifier: MIT
// A pool of objects of one type: makes and destroys them.
//
//     ashlar::pool_of<particle> particles;
//     particle* p = particles.make(position, speed);
//     particles.destroy(p);
//
// The pool's tag is that of the class, if it carries one (class_tag.hpp).
// The objects that still live when the pool ends are destroyed with it.
// Threads: one at a time. Cost: as the pool's, with all sizes known.
#pragma once

#include <cstddef>
#include <new>
#include <type_traits>
#include <utility>

#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/pool/pool.hpp"

namespace ashlar {

template <class T>
class pool_of {
 public:
  constexpr explicit pool_of(const pool_options& options = {}) noexcept
      : pool_({sizeof(T), alignof(T)}, options) {
    if constexpr (tagged_class<T>) pool_.set_tag(tag_of_class<T>().id());
  }
  pool_of(const pool_of&) = delete;
  pool_of& operator=(const pool_of&) = delete;
  ~pool_of() { destroy_all(); }

  /// Makes an object. Returns null if there is no memory.
  template <class... Arguments>
  [[nodiscard]] T* make(Arguments&&... arguments) {
    void* const place = pool_.get();
    if (place == nullptr) [[unlikely]]
      return nullptr;
    const guard on_throw{pool_, place};
    T* const object = ::new (place) T(std::forward<Arguments>(arguments)...);
    on_throw.place = nullptr;
    return object;
  }

  /// Ends an object of this pool; null is ignored, and so is, in a destructor that `destroy_all`
  /// runs, an object that has ended already. Faults: as the pool's.
  void destroy(T* object) noexcept {
    if (object == nullptr || pool_.has_ended(object)) return;
    object->~T();
    pool_.put(object);
  }

  /// Ends all objects, in any order, and gives their memory back. A destructor may destroy other
  /// objects of this pool, before or after their turn: each ends once. It may make some, which end
  /// too.
  void destroy_all() noexcept {
    if constexpr (std::is_trivially_destructible_v<T>) {
      pool_.free_all();
    } else {
      pool_.free_each({nullptr, [](void*, const walked_block& found) {
                         static_cast<T*>(found.data)->~T();
                         return true;
                       }});
    }
  }

  std::size_t size() const noexcept { return pool_.usage().live_blocks; }
  /// The pool beneath, as a manager.
  pool& memory_pool() noexcept { return pool_; }
  const pool& memory_pool() const noexcept { return pool_; }

 private:
  // Gives the block back if the constructor throws.
  struct guard {
    pool& from;
    mutable void* place;
    ~guard() {
      if (place != nullptr) from.put(place);
    }
  };

  pool pool_;
};

}  // namespace ashlar
