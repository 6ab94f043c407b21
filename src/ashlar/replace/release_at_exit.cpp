// SPDX-License-Identifier: MIT
#include "ashlar/replace/release_at_exit.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>

#include "ashlar/os/diagnostic.hpp"
#include "ashlar/replace/process_heap.hpp"

// Calls all exit handlers that have not been called yet, but those of on_exit.
extern "C" void __cxa_finalize(void* library);

namespace ashlar::replace {

namespace {

constinit int message_file = -1;

// Exit handlers run in reverse order. This one is registered before main and, in a shared library,
// before the loader's own, so it comes last. In the program itself the loader's was there before;
// so whatever is left is called from here, and that is the destructors of libraries. Then nothing
// but the flushing of stdio would follow, which this does itself. After the release there is no way
// back into libc, whose buffers are gone.
void release_and_exit(int status, void*) {
  __cxa_finalize(nullptr);
  std::fflush(nullptr);
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
