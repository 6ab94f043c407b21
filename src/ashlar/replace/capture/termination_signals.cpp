// SPDX-License-Identifier: MIT
#include "ashlar/replace/capture/termination_signals.hpp"

#include <unistd.h>

#include "ashlar/base/macros.hpp"

// What `sigaction` is in glibc, under its other name. `ssignal` is that of `signal`.
extern "C" int __sigaction(int number, const struct sigaction* wanted,
                           struct sigaction* old) noexcept;

namespace ashlar::replace {

namespace {

constexpr int termination_signals[] = {SIGINT, SIGTERM, SIGHUP};

// Written once, before the program has threads or handlers; null: nothing is handled.
constinit signal_handler our_handler = nullptr;

bool is_termination(int number) {
  return number == SIGINT || number == SIGTERM || number == SIGHUP;
}

struct sigaction our_action() {
  struct sigaction ours = {};
  ours.sa_sigaction = our_handler;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
  ::sigfillset(&ours.sa_mask);
  return ours;
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) != 0 && action.sa_sigaction == our_handler;
}

bool stands_in_for(int number) { return our_handler != nullptr && is_termination(number); }

}  // namespace

void handle_termination(signal_handler handler) noexcept {
  if (::getpid() == 1) return;
  our_handler = handler;
  const struct sigaction ours = our_action();
  for (const int number : termination_signals) {
    struct sigaction now = {};
    if (__sigaction(number, nullptr, &now) == 0 && now.sa_handler == SIG_DFL)
      (void)__sigaction(number, &ours, nullptr);
  }
}

void end_at_next(int number) noexcept {
  struct sigaction standard = {};
  standard.sa_handler = SIG_DFL;
  (void)__sigaction(number, &standard, nullptr);
}

}  // namespace ashlar::replace

using namespace ashlar::replace;

extern "C" {

// Weak: a program that is linked with the static library may have its own.
ASHLAR_EXPORT __attribute__((weak)) int sigaction(int number, const struct sigaction* wanted,
                                                  struct sigaction* old) noexcept {
  if (!stands_in_for(number)) return __sigaction(number, wanted, old);
  const struct sigaction ours = our_action();
  const bool is_default = wanted != nullptr && wanted->sa_handler == SIG_DFL;
  const int result = __sigaction(number, is_default ? &ours : wanted, old);
  if (result == 0 && old != nullptr && is_ours(*old)) *old = {};
  return result;
}

ASHLAR_EXPORT __attribute__((weak)) sighandler_t signal(int number, sighandler_t handler) noexcept {
  if (!stands_in_for(number)) return ::ssignal(number, handler);
  if (handler == SIG_DFL) {
    const struct sigaction ours = our_action();
    struct sigaction old = {};
    if (__sigaction(number, &ours, &old) != 0) return SIG_ERR;
    return is_ours(old) ? SIG_DFL : old.sa_handler;
  }
  const sighandler_t old = ::ssignal(number, handler);
  return old == our_action().sa_handler ? SIG_DFL : old;
}

}  // extern "C"
