// SPDX-License-Identifier: MIT
// Limits and usage of the process, from system calls and /proc.
#include "ashlar/os/process.hpp"

#include <sched.h>
#include <sys/resource.h>
#include <sys/sysinfo.h>

#include "ashlar/base/bits.hpp"
#include "ashlar/os/address_space.hpp"
#include "ashlar/os/file.hpp"
#include "ashlar/os/posix/errno_guard.hpp"

namespace ashlar::os {

std::size_t usable_cpu_count() noexcept {
  const errno_guard guard;
  // The kernel refuses a set smaller than its own; 8192 processors is the most that it can be
  // built for.
  cpu_set_t sets[8192 / CPU_SETSIZE];
  if (::sched_getaffinity(0, sizeof sets, sets) != 0) return 1;
  const int count = CPU_COUNT_S(sizeof sets, sets);
  return count < 1 ? 1 : static_cast<std::size_t>(count);
}

std::size_t concurrency(const char* root) noexcept {
  const std::size_t processors = usable_cpu_count();
  const std::size_t quota = control_group_cpu_quota(root);
  const std::size_t granted = quota == no_limit ? processors : divide_up(quota, 1000);
  if (granted == 0) return 1;
  return granted < processors ? granted : processors;
}

namespace {

std::size_t resource_limit(decltype(RLIMIT_AS) resource) {
  const errno_guard guard;
  rlimit limit{};
  if (::getrlimit(resource, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return no_limit;
  return static_cast<std::size_t>(limit.rlim_cur);
}

}  // namespace

std::size_t address_space_limit() noexcept { return resource_limit(RLIMIT_AS); }

std::size_t file_size_limit() noexcept { return resource_limit(RLIMIT_FSIZE); }

std::size_t physical_memory() noexcept {
  const errno_guard guard;
  struct sysinfo info {};
  if (::sysinfo(&info) != 0) return 0;
  return static_cast<std::size_t>(info.totalram) * info.mem_unit;
}

resident_set current_resident_set() noexcept {
  const errno_guard guard;
  resident_set result;
  char text[128];
  if (read_text_file("/proc/self/statm", text, sizeof text).ok()) {
    std::uint64_t pages = 0;  // the second of the fields, which one space each separates
    const char* const total_end = parse_decimal(text, pages);
    if (*total_end == ' ') parse_decimal(total_end + 1, pages);
    result.now = pages * page_size();
  }
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) == 0)
    result.peak = static_cast<std::size_t>(usage.ru_maxrss) * 1024;
  // The kernel refreshes its peak now and then only.
  if (result.peak < result.now) result.peak = result.now;
  return result;
}

page_faults current_page_faults() noexcept {
  const errno_guard guard;
  rusage usage{};
  if (::getrusage(RUSAGE_SELF, &usage) != 0) return {};
  return {static_cast<std::uint64_t>(usage.ru_minflt), static_cast<std::uint64_t>(usage.ru_majflt)};
}

}  // namespace ashlar::os
