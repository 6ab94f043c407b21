// SPDX-License-Identifier: MIT
#include "ashlar/manager/source/default_manager.hpp"

#include <new>

#include "ashlar/base/bits.hpp"
#include "ashlar/manager/backing_scope.hpp"

namespace ashlar {

namespace {

// Never destroyed: containers with static storage may end after it.
union process_default {
  constexpr process_default() : manager() {}
  ~process_default() {}
  new_manager manager;
};
constinit process_default the_default;

// Not std::nothrow: that object lives in libstdc++, which libashlar-malloc does without.
constexpr std::nothrow_t nothrow{};

bool is_over_aligned(std::size_t alignment) { return alignment > __STDCPP_DEFAULT_NEW_ALIGNMENT__; }

allocation result(void* p, layout request) {
  return p != nullptr ? allocation::of(p, request.size) : allocation::failed(status::no_memory);
}

ASHLAR_NO_INLINE allocation allocate_otherwise(const manager& from, layout request) {
  // No operator new survives an alignment of half the address space.
  if (!is_power_of_two(request.alignment) || request.alignment > max_size)
    return allocation::failed(status::bad_alignment);
  if (request.size > max_size) return allocation::failed(status::too_large);
  const std::size_t size = at_least_one(request.size);
  // It passes blocks on: its tag is that of blocks for which the thread has none.
  const backing_scope counted(observe::this_thread().tag == 0 ? &from : nullptr);
  return result(is_over_aligned(request.alignment)
                    ? ::operator new (size, std::align_val_t{request.alignment}, nothrow)
                    : ::operator new(size, nothrow),
                request);
}

}  // namespace

manager& default_manager() noexcept { return the_default.manager; }

// Not to be inlined: where the table of operations calls it, gcc then copies the layout through the
// stack as two words and reads it as one vector, for which a processor waits some nanoseconds.
ASHLAR_NO_INLINE allocation new_manager::allocate(layout request, fit) noexcept {
  // What nearly every request is, since this stands between containers and malloc.
  if (request.size - 1 < max_size && tag() == 0 && is_power_of_two(request.alignment) &&
      !is_over_aligned(request.alignment)) [[likely]]
    return result(::operator new(request.size, nothrow), request);
  return allocate_otherwise(*this, request);
}

// Without the size, since the caller may give any between the request's and the usable one.
void new_manager::deallocate(block b, std::size_t alignment) noexcept {
  if (is_over_aligned(alignment))
    ::operator delete (b.data, std::align_val_t{alignment});
  else
    ::operator delete(b.data);
}

}  // namespace ashlar
