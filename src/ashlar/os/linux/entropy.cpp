// SPDX-License-Identifier: MIT
// Random bytes from getrandom, with what the kernel put beside the program's arguments as fallback.
#include "ashlar/os/entropy.hpp"

#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>
#include <unistd.h>

#include <atomic>

#include "ashlar/base/bits.hpp"
#include "ashlar/os/clock.hpp"
#include "ashlar/os/posix/errno_guard.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar::os {

namespace {

// The finalizer of splitmix64: each bit of the input changes half of the output's bits.
std::uint64_t mix(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9;
  x = (x ^ (x >> 27)) * 0x94d049bb133111eb;
  return x ^ (x >> 31);
}

void fill_from_process_seed(std::byte* to, std::size_t size) {
  static constinit std::atomic<std::uint64_t> uses{0};  // so that no two calls give the same bytes
  std::uint64_t seed[2] = {};
  if (const unsigned long at = ::getauxval(AT_RANDOM); at != 0)
    ::memcpy(seed, at_address(at), sizeof seed);
  std::uint64_t state = seed[0] ^ mix(monotonic_ns()) ^ static_cast<std::uint64_t>(::getpid());
  state += mix(uses.fetch_add(1, std::memory_order_relaxed) + 1);
  while (size != 0) {
    state += 0x9e3779b97f4a7c15;
    const std::uint64_t word = mix(state) ^ mix(seed[1] + state);
    const std::size_t part = size < sizeof word ? size : sizeof word;
    ::memcpy(to, &word, part);
    to += part;
    size -= part;
  }
}

}  // namespace

os_error fill_random(void* data, std::size_t size) noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  std::byte* to = static_cast<std::byte*>(data);
  while (size != 0) {
    const std::intptr_t count = errno_guard::outcome(::getrandom(to, size, GRND_NONBLOCK));
    if (count == -EINTR) continue;
    if (count < 0) {
      fill_from_process_seed(to, size);
      return {static_cast<int>(-count)};
    }
    to += count;
    size -= static_cast<std::size_t>(count);
  }
  return {};
}

}  // namespace ashlar::os
