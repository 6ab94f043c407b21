// SPDX-License-Identifier: MIT
#include "ashlar/replace/debug/page_trap.hpp"

#include <signal.h>
#include <ucontext.h>

#include <cerrno>

#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/debug/debug_report.hpp"
#include "ashlar/replace/debug/page_guard.hpp"

namespace ashlar::replace {

namespace {

constinit struct sigaction before = {};
constinit bool is_set = false;
constinit const void* reported = nullptr;  // an access that is about to be made again

// What the thread was about to do. One behind the address of the instruction, as for all frames.
caller interrupted(const void* context) {
  const auto& machine = static_cast<const ucontext_t*>(context)->uc_mcontext;
#if defined(__x86_64__)
  return {at_address(static_cast<std::uintptr_t>(machine.gregs[REG_RIP]) + 1),
          at_address(static_cast<std::uintptr_t>(machine.gregs[REG_RBP]))};
#elif defined(__aarch64__)
  return {at_address(machine.pc + 1), at_address(machine.regs[29])};
#else
  return {};
#endif
}

const char* access_words(const void* context) {
#if defined(__x86_64__)
  constexpr greg_t is_write = 2;
  const greg_t error = static_cast<const ucontext_t*>(context)->uc_mcontext.gregs[REG_ERR];
  return (error & is_write) != 0 ? "  written to at" : "  read at";
#else
  (void)context;
  return "  accessed at";
#endif
}

// Returns whether the address lies in a block of ours.
bool report_access(const void* address, const void* context) {
  guarded_block b;
  if (!locate_around(address, b)) return false;
  debug_report what = {.pointer = address,
                       .from = interrupted(context),
                       .from_words = access_words(context),
                       .ends_anyway = true};
  if (b.data == nullptr) {
    const os::range span = span_of(*b.header);
    if (!freed_blocks.find_within(span.data, span.data + span.size, what.dead)) return false;
    report(fault_kind::use_after_free, what);
    return true;
  }
  what.live = b;
  const bool in_front = address < b.data;
  os::line note;
  note.text("  touched: ");
  if (in_front)
    note.decimal(address_of(b.data) - address_of(address)).text(" bytes in front of it");
  else
    note.decimal(address_of(address) - address_of(b.data + b.facts.size)).text(" bytes behind it");
  what.note = note.c_str();
  report(in_front ? fault_kind::underrun : fault_kind::overrun, what);
  return true;
}

void on_fault(int number, siginfo_t* info, void* context) {
  const int saved = errno;
  if (info->si_code > 0 && info->si_addr != reported) (void)report_access(info->si_addr, context);
  errno = saved;
  // The access is made again, and now meets what would have met it without us.
  (void)::sigaction(number, &before, nullptr);
  if (info->si_code <= 0) (void)::raise(number);
}

}  // namespace

void set_page_trap() noexcept {
  struct sigaction ours = {};
  ours.sa_sigaction = on_fault;
  ours.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
  (void)::sigaction(SIGSEGV, &ours, &before);
  is_set = true;
}

void report_page_access(const siginfo_t& info, const void* context) noexcept {
  if (!is_set || info.si_signo != SIGSEGV || info.si_code <= 0) return;
  reported = info.si_addr;
  (void)report_access(info.si_addr, context);
}

}  // namespace ashlar::replace
