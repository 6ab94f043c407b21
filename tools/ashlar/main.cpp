// SPDX-License-Identifier: MIT
// The command-line tool `ashlar`.
#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tools/ashlar/doctor/doctor.hpp"
#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/leaks.hpp"
#include "tools/ashlar/process/launch.hpp"
#include "tools/ashlar/run.hpp"
#include "tools/ashlar/run_options.hpp"

namespace {

using namespace ashlar::tool;

/// A descriptor that the caller has closed must not be taken by the first file that the tool opens:
/// the report would land there. The program still finds it closed.
void occupy_standard_descriptors() {
  int fd = 0;
  while (fd >= 0 && fd <= STDERR_FILENO) fd = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (fd > STDERR_FILENO) ::close(fd);
}

int say(const std::exception& error, int exit_code) {
  std::fputs(fmt::format("ashlar: {}\n", error.what()).c_str(), stderr);
  return exit_code;
}

int execute(const std::vector<std::string>& words) {
  const command_line parsed = parse_command_line(words);
  std::fputs(parsed.output.c_str(), stdout);
  std::fputs(parsed.error.c_str(), stderr);
  if (parsed.run) end_like(run(*parsed.run));
  if (parsed.leaks) end_like(find_leaks(*parsed.leaks));
  return parsed.doctor ? examine(*parsed.doctor) : parsed.exit_code;
}

}  // namespace

int main(int count, char** words) {
  try {
    occupy_standard_descriptors();
    return execute({words + (count > 0 ? 1 : 0), words + count});
  } catch (const failure& error) {
    return say(error, error.exit_code());
  } catch (const std::exception& error) {
    return say(error, exit_cannot_serve);
  }
}
