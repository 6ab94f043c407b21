// SPDX-License-Identifier: MIT
// managed: a base that lets `new` and `delete` of a class use its manager and its tag.
//
//     struct particle : ashlar::managed<particle> {
//       static ashlar::memory memory_manager() { return particles; }      // a pool, an arena, any
//       static constexpr const char* memory_tag = "game/particles";       // and a tag, or either
//     };
//     particle* p = new particle;    // from `particles`
//     delete p;                      // back to it
//
// The code that makes particles stays as it is, and passes nothing around. Without a
// `memory_manager` memory comes from the global operator new and is only counted. Derived classes
// are managed too, so the manager must serve their sizes; where they are deleted by a base, its
// destructor must be virtual, as always. `memory_manager` must name the same manager at new and at
// delete. A derived class of the same size may not be aligned more strictly.
// There is no form with std::nothrow: it could not give the block of a constructor that throws
// back. Exceptions: refused memory throws (refusal.hpp). Threads: as the manager. Cost: the
// manager's; the base has no size.
#pragma once

#include <cstddef>
#include <new>

#include "ashlar/container/refusal.hpp"
#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/inner_blocks.hpp"
#include "ashlar/manager/source/default_manager.hpp"

namespace ashlar {

template <class Self>
class managed {
 public:
  static void* operator new(std::size_t size) { return obtain({size, alignment_for(size)}); }
  static void* operator new[](std::size_t size) { return obtain({size, default_alignment}); }
  static void* operator new(std::size_t size, std::align_val_t alignment) {
    return obtain({size, static_cast<std::size_t>(alignment)});
  }
  static void* operator new[](std::size_t size, std::align_val_t alignment) {
    return obtain({size, static_cast<std::size_t>(alignment)});
  }
  /// In place: the class's own operator new would hide it.
  static void* operator new(std::size_t, void* place) noexcept { return place; }
  static void* operator new[](std::size_t, void* place) noexcept { return place; }

  static void operator delete(void* p, std::size_t size) noexcept {
    give_back({p, p != nullptr ? size : 0}, alignment_for(size));
  }
  static void operator delete[](void* p, std::size_t size) noexcept {
    give_back({p, p != nullptr ? size : 0}, default_alignment);
  }
  static void operator delete(void* p, std::size_t size, std::align_val_t alignment) noexcept {
    give_back({p, p != nullptr ? size : 0}, static_cast<std::size_t>(alignment));
  }
  static void operator delete[](void* p, std::size_t size, std::align_val_t alignment) noexcept {
    give_back({p, p != nullptr ? size : 0}, static_cast<std::size_t>(alignment));
  }
  static void operator delete(void*, void*) noexcept {}
  static void operator delete[](void*, void*) noexcept {}

 protected:
  managed() = default;
  managed(const managed&) = default;
  managed& operator=(const managed&) = default;
  ~managed() = default;

 private:
  static memory source() noexcept {
    if constexpr (requires { memory(Self::memory_manager()); })
      return memory(Self::memory_manager());
    else
      return memory(default_manager());
  }

  // Pools serve the alignment of their blocks and no more. Of another class only the size is known,
  // and that is a multiple of its alignment.
  static constexpr std::size_t alignment_for(std::size_t size) {
    if (size == sizeof(Self)) return alignof(Self);
    const std::size_t most = size & (0 - size);
    return most < default_alignment ? most : default_alignment;
  }

  static void give_back(block b, std::size_t alignment) noexcept {
    inner_blocks::deallocate(source(), b, alignment);
  }
  static void* obtain(layout request) {
    const class_tag_scope<Self> counted;
    return allocate_or_throw(source(), request).data;
  }
};

}  // namespace ashlar
