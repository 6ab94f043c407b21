// SPDX-License-Identifier: MIT
// Stands in for libashlar-malloc.so: publishes a made-up record and serves no malloc.
//
// It keeps to the contract of `snapshot` and `follow` in ASHLAR_OPTIONS, so that tests of the tool
// need no heap: one file per process, `running` until its end, and with follow=0 only in the
// process for which the file exists already.
#include <fcntl.h>
#include <pthread.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>

#include "tests/tool/support/fake_snapshot.hpp"

namespace {

using ashlar::observe::snapshot;

snapshot* published = nullptr;

/// Returns the value of `key` in ASHLAR_OPTIONS. The last one counts.
std::string option(const std::string& key) {
  const char* all = std::getenv("ASHLAR_OPTIONS");
  const std::string text = std::string(",") + (all != nullptr ? all : "");
  const std::size_t at = text.rfind("," + key + "=");
  if (at == std::string::npos) return "";
  const std::size_t begin = at + key.size() + 2;
  return text.substr(begin, text.find(',', begin) - begin);
}

std::uint64_t now_ns() {
  timespec now{};
  clock_gettime(CLOCK_MONOTONIC, &now);
  return static_cast<std::uint64_t>(now.tv_sec) * 1'000'000'000 +
         static_cast<std::uint64_t>(now.tv_nsec);
}

void publish() {
  const std::string folder = option("snapshot");
  if (folder.empty()) return;
  const std::string file = folder + "/" + std::to_string(getpid()) + ".ashlar";
  const int may_create = option("follow") == "1" ? O_CREAT : 0;
  const int fd = open(file.c_str(), O_RDWR | O_CLOEXEC | may_create, 0600);
  if (fd < 0) return;
  if (ftruncate(fd, sizeof(snapshot)) == 0) {
    void* address = mmap(nullptr, sizeof(snapshot), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (address != MAP_FAILED) published = static_cast<snapshot*>(address);
  }
  close(fd);
  if (published == nullptr) return;
  *published = ashlar::tool::test::small_snapshot(static_cast<std::uint32_t>(getpid()),
                                                  program_invocation_short_name);
  published->parent_pid = static_cast<std::uint32_t>(getppid());
  published->state = ashlar::observe::process_state::running;
  published->start_ns = published->taken_ns = now_ns();
}

void publish_in_child() {
  published = nullptr;
  publish();
}

[[gnu::constructor]] void begin() {
  publish();
  pthread_atfork(nullptr, nullptr, publish_in_child);
}

[[gnu::destructor]] void end() {
  if (published == nullptr) return;
  published->state = ashlar::observe::process_state::exited;
  published->taken_ns = now_ns();
}

}  // namespace
