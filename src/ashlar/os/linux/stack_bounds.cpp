// SPDX-License-Identifier: MIT
// Finds what is mapped of a stack. The first pages of a thread's own are known without asking. Else
// by one question to kernels that answer it (Linux 6.11), or in the list of all mappings, which
// takes ten times as long where there are many.
#include "ashlar/os/stack_bounds.hpp"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "ashlar/base/bits.hpp"
#include "ashlar/base/units.hpp"
#include "ashlar/os/mapping.hpp"
#include "ashlar/os/posix/errno_guard.hpp"
#include "ashlar/os/thread.hpp"

namespace ashlar::os {

namespace {

// As in linux/fs.h of those kernels; libc's copy may be older.
struct mapping_question {
  std::uint64_t size;
  std::uint64_t flags;
  std::uint64_t address;
  std::uint64_t begin;  // the answer, as all that follows
  std::uint64_t end;
  std::uint64_t rights;
  std::uint64_t page_size;
  std::uint64_t offset;
  std::uint64_t inode;
  std::uint32_t device[2];
  std::uint32_t name_size;
  std::uint32_t build_id_size;
  std::uint64_t name;
  std::uint64_t build_id;
};
static_assert(sizeof(mapping_question) == 104);

constexpr unsigned long ask_for_mapping = _IOWR('f', 17, mapping_question);

// Empty if the kernel does not answer.
stack_bounds ask_kernel(std::uint64_t inside) noexcept {
  const errno_guard guard;
  const cancellation_hold hold;
  const int file = ::open("/proc/self/maps", O_RDONLY | O_CLOEXEC);
  if (file < 0) return {};
  mapping_question question = {};
  question.size = sizeof question;
  question.address = inside;
  const bool answered = ::ioctl(file, ask_for_mapping, &question) == 0;
  ::close(file);
  if (!answered) return {};
  return {question.begin, question.end};
}

stack_bounds look_up(std::uint64_t inside) noexcept {
  mapping_list list;
  for (mapped_range each; list.next(each);)
    if (inside >= each.begin && inside < each.end) return {each.begin, each.end};
  return {};
}

// `mark` lies behind the frames of the thread's own stack: if it is in the same mapping, `found`
// ends or begins there. For the kernel makes one mapping of what was mapped side by side: so only
// what lies from `own_from` to the mark is known to be the thread's.
void cut_at(stack_bounds& found, std::uint64_t mark, std::uint64_t own_from,
            std::uint64_t wanted) noexcept {
  if (!found.contains(mark)) return;
  (mark > wanted ? found.high : found.low) = mark;
  if (mark > wanted) found.own_from = own_from;
}

// What every thread but the main one has right below what libc knows of it: libc takes no stack of
// less than 16 KiB, and needs less than four at its end.
constexpr std::uint64_t always_there = 12_KiB;

}  // namespace

// The main thread's stack begins with the strings of its arguments and environment, which may take
// megabytes; the program's frames lie below the first of them. Those of other threads begin with
// what libc knows of the thread, which is also what `pthread_self` points to. (What it knows of the
// main thread lies anywhere. A thread that forked is the main one of the child: its stack is taken
// for another's.)
stack_bounds find_stack(const void* inside) noexcept {
  const std::uint64_t wanted = address_of(inside);
  const auto self = static_cast<std::uint64_t>(::pthread_self());
  const bool is_main = ::gettid() == ::getpid();
  // Most short threads ask for no more than this.
  if (const stack_bounds near = {self - always_there, self, self - always_there};
      !is_main && near.contains(wanted))
    return near;
  stack_bounds found = ask_kernel(wanted);
  if (!found.contains(wanted)) found = look_up(wanted);
  cut_at(found, address_of(program_invocation_name), found.low, wanted);
  if (!is_main) cut_at(found, self, self - always_there, wanted);
  return found;
}

// A call that reads there before it finds that it is asked for nothing that exists.
bool can_read(std::uintptr_t address) noexcept {
  const errno_guard guard;
  constexpr int no_such_change = -1;
  constexpr std::size_t kernel_set = 8;
  ::syscall(SYS_rt_sigprocmask, no_such_change, address, nullptr, kernel_set);
  return errno != EFAULT;
}

}  // namespace ashlar::os
