// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/signal_stack.hpp"

#include <signal.h>

#include "ashlar/base/units.hpp"
#include "ashlar/observe/thread_state.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/os/thread_exit.hpp"
#include "ashlar/replace/watched_heap.hpp"

namespace ashlar::replace {

namespace {

// What the kernel puts there is up to 12 KiB (registers of AVX-512 and AMX); the handler's own need
// is small, since its work is done on another one (self_copy.hpp).
constexpr std::size_t stack_size = 32_KiB;

// Below the stack lies a page that nobody may touch: what overruns the stack faults.
os::range whole_of(std::byte* stack) {
  return {stack - os::page_size(), os::page_size() + stack_size};
}

std::byte* make_stack() {
  const auto memory = os::reserve(os::page_size() + stack_size, os::page_size());
  if (!memory.ok()) return nullptr;
  std::byte* const stack = memory.value.data + os::page_size();
  if (os::commit({stack, stack_size}).ok()) return stack;
  os::release(memory.value, 0);
  return nullptr;
}

constinit os::thread_exit_hook exit_hook;
constinit thread_local bool was_asked = false;
constinit thread_local void* own_stack = nullptr;

void take_back(void* stack) {
  stack_t now{};
  // The program may have set one of its own since.
  if (::sigaltstack(nullptr, &now) != 0 || now.ss_sp != stack) return;
  now.ss_flags = SS_DISABLE;
  if (::sigaltstack(&now, nullptr) == 0)
    os::release(whole_of(static_cast<std::byte*>(stack)), stack_size);
}

}  // namespace

void take_signal_stack_back() noexcept {
  if (own_stack != nullptr) take_back(own_stack);
}

void give_signal_stack() noexcept {
  if (was_asked) return;
  was_asked = true;
  stack_t now{};
  if (::sigaltstack(nullptr, &now) != 0 || (now.ss_flags & SS_DISABLE) == 0) return;
  std::byte* const stack = make_stack();
  if (stack == nullptr) return;
  const stack_t ours = {.ss_sp = stack, .ss_flags = 0, .ss_size = stack_size};
  if (::sigaltstack(&ours, nullptr) != 0) return os::release(whole_of(stack), stack_size);
  own_stack = stack;
  {
    const observe::mute_scope quiet;  // a thread's keys beyond the first ones are allocated
    (void)exit_hook.create(take_back);
    (void)exit_hook.arm(stack);
  }
  follow_tracker();  // by which the thread may have been let go
}

}  // namespace ashlar::replace
