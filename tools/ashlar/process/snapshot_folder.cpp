// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/snapshot_folder.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/process/environment.hpp"
#include "tools/ashlar/process/snapshot_reader.hpp"

namespace ashlar::tool {

namespace {

namespace fs = std::filesystem;

/// Makes a folder below `parent` that only this user can enter. Returns an empty path on failure.
fs::path make_private_folder(const fs::path& parent) {
  std::string pattern = (parent / "ashlar-XXXXXX").string();
  return ::mkdtemp(pattern.data()) != nullptr ? fs::path(pattern) : fs::path();
}

/// Returns the process that `name` belongs to, or 0 if it is no record's name.
pid_t process_of(const std::string& name) {
  pid_t pid = 0;
  const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
  const bool is_record = parsed.ec == std::errc() && pid > 0 && name == snapshot_file_name(pid);
  return is_record ? pid : 0;
}

}  // namespace

snapshot_folder::snapshot_folder() {
  const char* runtime = std::getenv("XDG_RUNTIME_DIR");
  if (runtime != nullptr && runtime[0] == '/' && can_be_named_in_options(runtime))
    path_ = make_private_folder(runtime);
  if (path_.empty()) path_ = make_private_folder("/tmp");
  if (path_.empty())
    throw failure(exit_cannot_serve,
                  fmt::format("cannot make a folder in /tmp: {}", std::strerror(errno)));
}

snapshot_folder::~snapshot_folder() {
  std::error_code ignored;  // a folder that is gone already is as good as removed
  fs::remove_all(path_, ignored);
}

fs::path snapshot_folder::file_of(pid_t pid) const { return path_ / snapshot_file_name(pid); }

std::vector<pid_t> snapshot_folder::processes() const {
  std::vector<pid_t> found;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_, error))
    if (const pid_t pid = process_of(entry.path().filename().string())) found.push_back(pid);
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace ashlar::tool
