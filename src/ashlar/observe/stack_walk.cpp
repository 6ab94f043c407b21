// SPDX-License-Identifier: MIT
#include "ashlar/observe/stack_walk.hpp"

#include <atomic>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"

namespace ashlar::observe {

namespace {

constinit std::atomic<unwinder> other_unwinder{nullptr};

// A chain that ends this near to the start of the stack has seen all of it: what lies between are
// the frames of libc that call `main` or the thread's function, and thread-local storage.
constexpr std::uintptr_t near_start = 16_KiB;

// Our own functions between the caller and the unwinder: at most this many.
constexpr std::uint32_t most_own_frames = 16;

struct frame_record {
  const frame_record* next;
  std::uintptr_t return_address;
};

bool is_frame(std::uintptr_t at, const os::stack_bounds& bounds) {
  return is_aligned(at, sizeof(void*)) && bounds.contains(at) &&
         bounds.contains(at + sizeof(frame_record) - 1);
}

// Returns whether the chain led to the start of the stack.
ASHLAR_NO_SANITIZE bool follow_frames(std::uintptr_t at, const os::stack_bounds& bounds,
                                      std::uintptr_t* frames, std::uint32_t most,
                                      std::uint32_t& count) {
  while (is_frame(at, bounds)) {
    const auto& frame = *reinterpret_cast<const frame_record*>(at);
    if (count == most) return true;  // as deep as was asked for
    if (frame.return_address < 4_KiB) return bounds.high - at < near_start;
    frames[count++] = frame.return_address;
    const auto next = reinterpret_cast<std::uintptr_t>(frame.next);
    if (next <= at) return bounds.high - at < near_start;
    at = next;
  }
  return at > bounds.high || bounds.high - at < near_start;
}

// Asks the other unwinder, and leaves out what lies between it and the caller. Returns 0 if it did
// not come to the caller.
std::uint32_t ask(unwinder other, std::uintptr_t caller, std::uintptr_t* frames,
                  std::uint32_t most) {
  void* found[stack_frames_limit + most_own_frames];
  if (most > stack_frames_limit) most = stack_frames_limit;
  const int n = other(found, static_cast<int>(most + most_own_frames));
  int first = 0;
  while (first < n && reinterpret_cast<std::uintptr_t>(found[first]) != caller) ++first;
  std::uint32_t count = 0;
  for (int i = first; i < n && count < most; ++i) {
    if (found[i] == nullptr) break;
    frames[count++] = reinterpret_cast<std::uintptr_t>(found[i]);
  }
  return count;
}

}  // namespace

void set_unwinder(unwinder function) noexcept {
  other_unwinder.store(function, std::memory_order_relaxed);
}

bool has_unwinder() noexcept { return other_unwinder.load(std::memory_order_relaxed) != nullptr; }

std::uint32_t walk_stack(const caller& from, os::stack_bounds& bounds, std::uintptr_t* frames,
                         std::uint32_t most) noexcept {
  if (most == 0) return 0;
  const std::uintptr_t here = address_of(__builtin_frame_address(0));
  // A stack that grew, or another one: a signal's, a coroutine's.
  if (!bounds.contains(here)) bounds = os::find_stack(__builtin_frame_address(0));
  std::uint32_t count = 0;
  frames[count++] = address_of(from.return_address);
  if (follow_frames(address_of(from.frame), bounds, frames, most, count)) return count;
  const unwinder other = other_unwinder.load(std::memory_order_relaxed);
  if (other == nullptr) return count;
  std::uintptr_t more[stack_frames_limit];
  const std::uint32_t found = ask(other, frames[0], more, most);
  if (found <= count) return count;
  for (std::uint32_t i = 0; i < found; ++i) frames[i] = more[i];
  return found;
}

}  // namespace ashlar::observe
