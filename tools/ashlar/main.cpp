// SPDX-License-Identifier: MIT
// The command-line tool `ashlar`.
#include <fmt/format.h>

#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/launch.hpp"
#include "tools/ashlar/run.hpp"
#include "tools/ashlar/run_options.hpp"

namespace {

using namespace ashlar::tool;

int execute(const std::vector<std::string>& words) {
  const command_line parsed = parse_command_line(words);
  std::fputs(parsed.output.c_str(), stdout);
  std::fputs(parsed.error.c_str(), stderr);
  if (!parsed.run) return parsed.exit_code;
  end_like(run(*parsed.run));
}

}  // namespace

int main(int count, char** words) {
  try {
    return execute({words + (count > 0 ? 1 : 0), words + count});
  } catch (const failure& error) {
    fmt::print(stderr, "ashlar: {}\n", error.what());
    return error.exit_code();
  } catch (const std::exception& error) {
    fmt::print(stderr, "ashlar: {}\n", error.what());
    return exit_cannot_serve;
  }
}
