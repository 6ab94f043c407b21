// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/program_check.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tools/ashlar/failure.hpp"
#include "tools/ashlar/process/elf_header.hpp"
#include "tools/ashlar/process/unique_fd.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

/// The kernel follows at most this many scripts that interpret each other.
constexpr int script_depth = 5;

failure cannot_run(const std::string& name, int error) {
  const int code = error == ENOENT || error == ENOTDIR ? exit_not_found : exit_not_executable;
  return {code, fmt::format("cannot run '{}': {}", printable(name), std::strerror(error))};
}

/// Returns 0 if `path` can be executed, else why not.
int why_not_executable(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return errno;
  if (S_ISDIR(status.st_mode)) return EISDIR;
  if (!S_ISREG(status.st_mode)) return EACCES;
  return ::access(path.c_str(), X_OK) == 0 ? 0 : errno;
}

/// Returns the first bytes of the file, as many as the kernel reads to recognize a script.
std::optional<std::string> first_bytes(int fd) {
  std::string bytes(256, '\0');
  const ssize_t got = ::pread(fd, bytes.data(), bytes.size(), 0);
  if (got < 0) return std::nullopt;
  bytes.resize(static_cast<std::size_t>(got));
  return bytes;
}

/// Returns the interpreter in a "#!" line.
std::string interpreter_of(const std::string& bytes) {
  const std::string text = bytes.substr(2, bytes.find('\n') - 2);
  const std::size_t begin = text.find_first_not_of(" \t");
  if (begin == std::string::npos) return "";
  return text.substr(begin, text.find_first_of(" \t\r", begin) - begin);
}

bool has_capabilities(int fd) { return ::fgetxattr(fd, "security.capability", nullptr, 0) > 0; }

failure cannot_preload(const std::string& name, const std::string& why) {
  return {exit_cannot_serve, fmt::format("cannot serve '{}': {}", printable(name), why)};
}

void check_elf(int fd, const std::string& name) {
  const elf_kind kind = read_elf_kind(fd);
  if (kind == elf_kind::other_machine)
    throw cannot_preload(name, "it is built for another kind of machine than libashlar-malloc.so");
  if (kind == elf_kind::static_program)
    throw cannot_preload(name,
                         "it is linked statically, so nothing can be preloaded; link it with "
                         "ashlar::malloc instead");

  struct stat status {};
  const identity runner{::getuid(), ::getgid()};
  if (::fstat(fd, &status) == 0 && changes_identity(status, runner))
    throw cannot_preload(name, "it is setuid or setgid, and such programs ignore LD_PRELOAD");
  if (runner.user != 0 && has_capabilities(fd))
    throw cannot_preload(name, "it has file capabilities, and such programs ignore LD_PRELOAD");
}

void check_file(const std::filesystem::path& path, const std::string& name, int depth) {
  const unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) return;
  const std::optional<std::string> bytes = first_bytes(fd.get());
  if (!bytes) return;
  if (is_elf(*bytes)) {
    check_elf(fd.get(), name);
  } else if (bytes->starts_with("#!")) {
    const std::string interpreter = interpreter_of(*bytes);
    if (const int error = why_not_executable(interpreter))
      throw failure(exit_not_found,
                    fmt::format("cannot run '{}': its interpreter '{}': {}", printable(name),
                                printable(interpreter), std::strerror(error)));
    if (depth < script_depth) check_file(interpreter, interpreter, depth + 1);
  } else {
    throw cannot_run(name, ENOEXEC);
  }
}

}  // namespace

std::filesystem::path find_program(const std::string& program) {
  if (program.empty()) throw cannot_run(program, ENOENT);
  if (program.find('/') != std::string::npos) {
    if (const int error = why_not_executable(program)) throw cannot_run(program, error);
    return program;
  }
  const char* path = std::getenv("PATH");
  std::string folders = path != nullptr ? path : "/bin:/usr/bin";
  int error = ENOENT;
  for (std::size_t begin = 0; begin <= folders.size();) {
    const std::size_t end = std::min(folders.find(':', begin), folders.size());
    const std::string folder = folders.substr(begin, end - begin);
    const std::filesystem::path candidate =
        std::filesystem::path(folder.empty() ? "." : folder) / program;
    const int why_not = why_not_executable(candidate);
    if (why_not == 0) return candidate;
    // A folder of that name is no program, and the search goes on without a word, as in a shell.
    if (why_not == EACCES) error = EACCES;
    begin = end + 1;
  }
  throw cannot_run(program, error);
}

void check_preloadable(const std::filesystem::path& path, const std::string& name) {
  check_file(path, name, 0);
}

bool changes_identity(const struct stat& status, const identity& runner) {
  const bool set_user = (status.st_mode & S_ISUID) != 0 && status.st_uid != runner.user;
  // Without the group's execute bit, setgid means mandatory locking and changes nobody.
  const bool set_group = (status.st_mode & S_ISGID) != 0 && (status.st_mode & S_IXGRP) != 0 &&
                         status.st_gid != runner.group;
  return set_user || set_group;
}

}  // namespace ashlar::tool
