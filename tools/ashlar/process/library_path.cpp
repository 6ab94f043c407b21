// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/library_path.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <system_error>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/report/text.hpp"
#include "tools/ashlar/version.hpp"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

constexpr const char* library_name = "libashlar-malloc.so";

bool is_readable_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error) && ::access(path.c_str(), R_OK) == 0;
}

fs::path folder_of_this_tool() {
  std::error_code error;
  return fs::read_symlink("/proc/self/exe", error).parent_path();
}

}  // namespace

fs::path find_library(const std::string& told) {
  if (!told.empty()) {
    if (is_readable_file(told)) return fs::absolute(told);
    throw failure(exit_cannot_serve, fmt::format("cannot read the library '{}'", printable(told)));
  }
  const fs::path folder = folder_of_this_tool();
  const fs::path in_build_tree = (folder / "../lib" / library_name).lexically_normal();
  const fs::path installed = (folder / installed_library_folder / library_name).lexically_normal();
  for (const fs::path& candidate : {in_build_tree, installed})
    if (is_readable_file(candidate)) return candidate;
  std::string places = in_build_tree.string();
  if (installed != in_build_tree) places += " and " + installed.string();
  throw failure(
      exit_cannot_serve,
      fmt::format("cannot find {} (looked at {}); name it with --library", library_name, places));
}

}  // namespace ashlar::tool
