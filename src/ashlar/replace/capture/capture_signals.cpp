// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/capture_signals.hpp"

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include <cerrno>
#include <iterator>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/capture/captures.hpp"
#include "ashlar/replace/capture/self_copy.hpp"
#include "ashlar/replace/capture/signal_stack.hpp"
#include "ashlar/replace/capture/termination_signals.hpp"
#include "ashlar/replace/debug/page_trap.hpp"
#include "ashlar/replace/ended_threads.hpp"
#include "ashlar/replace/options.hpp"
#include "ashlar/replace/publisher.hpp"

namespace ashlar::replace {

namespace {

using observe::capture_reason;

constexpr int crash_signals[] = {SIGSEGV, SIGBUS, SIGABRT, SIGILL, SIGFPE};

constinit struct sigaction before[std::size(crash_signals)] = {};
constinit bool are_set = false;

const void* stack_pointer(const void* context) {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return at_address(static_cast<std::uintptr_t>(machine.gregs[REG_RSP]));
#elif defined(__aarch64__)
  return at_address(machine.sp);
#else
  return at_address(machine.__gregs[2]);  // RISC-V: x2
#endif
}

// Where the interrupted stack ends, with the registers. They lie in the signal's frame: below the
// stack pointer, or on a stack of the signal's own, which is read whole.
const void* stack_end(const void* context) {
  constexpr std::size_t most_frame = 64_KiB;
  const void* const top = stack_pointer(context);
  return address_of(top) - address_of(context) < most_frame ? context : top;
}

void put_back(int number) {
  for (std::size_t i = 0; i < std::size(crash_signals); ++i)
    if (crash_signals[i] == number) (void)::sigaction(number, &before[i], nullptr);
}

// Blocked until the handler returns, and then meets what was there before.
void send_again(int number, siginfo_t* info) {
  if (::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), ::gettid(), number, info) != 0)
    (void)::raise(number);
}

void on_crash(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  report_page_access(*info, context);  // before the capture, which keeps what was said
  capture_from_handler(capture_reason::crash, number, stack_end(context));
  put_back(number);
  // What the processor complains of comes again by itself.
  if (info->si_code <= 0) send_again(number, info);
  errno = saved;
}

void on_termination(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  capture_from_handler(capture_reason::termination, number, stack_end(context));
  end_at_next(number);
  send_again(number, info);
  errno = saved;
}

void on_request(int number, siginfo_t*, void* context) {
  const int saved = errno;
  capture_from_handler(capture_reason::signal, number, stack_end(context));
  errno = saved;
}

void set(int number, void (*handler)(int, siginfo_t*, void*), struct sigaction* old) {
  struct sigaction ours = {};
  ours.sa_sigaction = handler;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigfillset(&ours.sa_mask);
  (void)::sigaction(number, &ours, old);
}

}  // namespace

void set_capture_signals() noexcept {
  const options& o = current_options();
  if (!o.capture_on_crash && !o.capture_on_termination && o.capture_signal == 0) return;
  if (!prepare_copies()) {
    os::line message;
    os::write_line(message.text("ashlar: no memory for captures at signals"));
    return;
  }
  learn_of_threads();
  if (o.capture_on_crash) {
    are_set = true;
    give_signal_stack();
    look_around_at_slow_paths();
    for (std::size_t i = 0; i < std::size(crash_signals); ++i)
      set(crash_signals[i], on_crash, &before[i]);
  }
  if (o.capture_on_termination) handle_termination(on_termination);
  if (o.capture_signal != 0) set(static_cast<int>(o.capture_signal), on_request, nullptr);
}

bool wants_signal_stacks() noexcept { return are_set; }

}  // namespace ashlar::replace
