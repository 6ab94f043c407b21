// SPDX-License-Identifier: MIT
// The tag that a class carries: what its objects count to, wherever they are made.
//
//     struct mesh {
//       static constexpr const char* memory_tag = "game/render/meshes";   // a path,
//       // or: static inline const ashlar::tag memory_tag = ashlar::define_tag("game/meshes");
//     };
//
// Read by all that makes objects: make and make_unique, make_joint (the first part's), vector and
// the other containers, std_allocator, pool_of, handle_pool and managed. A class that carries none
// costs nothing. Of a base's tag its derived classes are heirs. The untagged one as `memory_tag`
// lets the next in order decide (tag.hpp). The nodes of std's containers are classes of std's, and
// carry none: only of those that allocate arrays of T does std_allocator see the tag. Cost: two
// changes of the thread's tag around each allocation.
#pragma once

#include <concepts>

#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/tag_scope.hpp"

namespace ashlar {

template <class T>
concept tagged_class = requires {
  { T::memory_tag } -> std::convertible_to<tag>;
}
|| requires {
  { T::memory_tag } -> std::convertible_to<const char*>;
};

/// Returns the tag of a class; the untagged one if it carries none. A path is looked up once.
template <class T>
tag tag_of_class() noexcept {
  if constexpr (!tagged_class<T>) {
    return {};
  } else if constexpr (std::convertible_to<decltype(T::memory_tag), tag>) {
    return T::memory_tag;
  } else {
    static const tag defined = define_tag(T::memory_tag);
    return defined;
  }
}

/// The scope of a class's allocations.
template <class T>
class [[nodiscard]] class_tag_scope {
 public:
  class_tag_scope() noexcept {}
};
template <tagged_class T>
class [[nodiscard]] class_tag_scope<T> {
 public:
  class_tag_scope() noexcept : scope_(tag_of_class<T>()) {}

 private:
  block_tag_scope scope_;
};

/// Returns a block that counts to a tag, whatever class, thread and manager say.
inline allocation allocate_tagged(tag of, memory from, layout request,
                                  fit wanted = fit::get_exact) noexcept {
  const block_tag_scope counted(of);
  return from.allocate(request, wanted);
}

/// Returns a block for objects of a class.
template <class T>
allocation allocate_as(memory from, layout request, fit wanted = fit::get_exact) noexcept {
  const class_tag_scope<T> counted;
  return from.allocate(request, wanted);
}

}  // namespace ashlar
