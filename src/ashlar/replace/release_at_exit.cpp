// SPDX-License-Identifier: MIT
#include "ashlar/replace/release_at_exit.hpp"

#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <initializer_list>

#include "ashlar/hardening/fault.hpp"
#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/capture/captures.hpp"
#include "ashlar/replace/process_heap.hpp"

// Calls all exit handlers that have not been called yet, but those of on_exit.
extern "C" void __cxa_finalize(void* library);

namespace ashlar::replace {

namespace {

constinit int message_file = -1;
constinit int exit_status = 0;

// Threads that are still at work lose their memory. They wait here until the process ends. If that
// takes long, one of them was stopped under a lock that the end needs: then it ends the process.
void wait_for_the_end(int) {
  const timespec long_enough{.tv_sec = 1, .tv_nsec = 0};
  ::nanosleep(&long_enough, nullptr);
  ::syscall(SYS_exit_group, exit_status);
}

void keep_threads_quiet(int status) {
  exit_status = status;
  set_fault_policy(fault_policy::ignore);
  struct sigaction waiting {};
  waiting.sa_handler = wait_for_the_end;
  for (const int signal : {SIGSEGV, SIGBUS, SIGABRT}) ::sigaction(signal, &waiting, nullptr);
}

// Exit handlers run in reverse order. This one is registered before main and, in a shared library,
// before the loader's own, so it comes last. In the program itself the loader's was there before;
// so whatever is left is called from here, and that is the destructors of libraries. Then nothing
// but the flushing of stdio would follow, which this does itself. After the release there is no way
// back into libc, whose buffers are gone.
void release_and_exit(int status, void*) {
  __cxa_finalize(nullptr);
  std::fflush(nullptr);
  end_captures();
  keep_threads_quiet(status);
  const os::counters left = release_everything();
  os::line message;
  message.text("ashlar: at exit: reserved ").decimal(left.reserved).text(" bytes, committed ");
  message.decimal(left.committed).text(" bytes\n");
  (void)!::write(message_file, message.c_str(), message.size());
  while (true) ::syscall(SYS_exit_group, status);
}

}  // namespace

void release_when_all_is_over() noexcept {
  // Programs such as those of coreutils close stderr before they end.
  message_file = ::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 64);
  if (message_file < 0) message_file = STDERR_FILENO;
  (void)::on_exit(release_and_exit, nullptr);
}

}  // namespace ashlar::replace
