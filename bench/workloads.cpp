// SPDX-License-Identifier: MIT
// ashlar-workloads: runs one workload and prints its checksum and one JSON line.
//
//   ashlar-workloads list
//   ashlar-workloads NAME [--scale X] [--threads N]
//
// The time in the JSON line is the workload's own: process start, dynamic linking and exit are
// outside. Peak and final resident size come from /proc/self/status, so they are this process's
// alone.
#include <algorithm>
#include <string_view>
#include <thread>

#include "workload/table.hpp"

namespace bench {

long status_kib(const char* field) {
  std::FILE* file = std::fopen("/proc/self/status", "r");
  if (file == nullptr) return -1;
  const std::size_t length = std::strlen(field);
  char line[256];
  long kib = -1;
  while (std::fgets(line, sizeof line, file) != nullptr) {
    if (std::strncmp(line, field, length) == 0 && line[length] == ':') {
      kib = std::strtol(line + length + 1, nullptr, 10);
      break;
    }
  }
  std::fclose(file);
  return kib;
}

namespace {

constexpr int usage_error = 2;

int usage() {
  std::fputs("usage: ashlar-workloads list | NAME [--scale X] [--threads N]\n", stderr);
  return usage_error;
}

int list() {
  for (const workload& each : workloads) std::printf("%s\t%s\n", each.name, each.stresses);
  return 0;
}

bool parse(int argc, char** argv, settings& into) {
  for (int i = 2; i < argc; i += 2) {
    if (i + 1 == argc) return false;
    const std::string_view option = argv[i];
    char* end = nullptr;
    if (option == "--scale") {
      into.scale = std::strtod(argv[i + 1], &end);
    } else if (option == "--threads") {
      into.threads = static_cast<unsigned>(std::strtoul(argv[i + 1], &end, 10));
    } else {
      return false;
    }
    if (end == argv[i + 1] || *end != '\0') return false;
  }
  return into.scale > 0 && into.threads >= 2 && into.threads <= 256;
}

void print(const workload& of, const session& done, double seconds) {
  const auto checksum = static_cast<unsigned long long>(done.checksum());
  std::printf("checksum %s %016llx\n", of.name, checksum);
  std::printf(
      "{\"workload\":\"%s\",\"seconds\":%.6f,\"vm_hwm_kib\":%ld,\"vm_rss_kib\":%ld,"
      "\"left_kib\":%ld,\"live_kib\":%zu,\"checksum\":\"%016llx\"}\n",
      of.name, seconds, status_kib("VmHWM"), status_kib("VmRSS"), done.left_kib(),
      done.live_bytes() / 1024, checksum);
}

int run(const workload& chosen, const settings& with) {
  session now(with);
  now.watch().resume();
  chosen.run(now);
  now.watch().pause();
  print(chosen, now, now.watch().seconds());
  return 0;
}

}  // namespace
}  // namespace bench

int main(int argc, char** argv) {
  if (argc < 2) return bench::usage();
  const std::string_view name = argv[1];
  if (name == "list") return bench::list();
  bench::settings with;
  with.threads = std::clamp(std::thread::hardware_concurrency(), 2U, 8U);
  if (!bench::parse(argc, argv, with)) return bench::usage();
  for (const bench::workload& each : bench::workloads) {
    if (name == each.name) return bench::run(each, with);
  }
  std::fprintf(stderr, "ashlar-workloads: no workload '%s'; see 'ashlar-workloads list'\n",
               argv[1]);
  return bench::usage_error;
}
