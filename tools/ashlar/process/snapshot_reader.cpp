// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/snapshot_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstddef>
#include <cstring>
#include <thread>

#include "tools/ashlar/process/unique_fd.hpp"

namespace ashlar::tool {

namespace {

using observe::snapshot;

/// A writer needs microseconds for a change. One that is still not done after this many pauses of a
/// millisecond has died, or was stopped by a debugger.
constexpr int read_attempts = 50;

bool read_at(int fd, void* to, std::size_t size, std::size_t offset) {
  return ::pread(fd, to, size, static_cast<off_t>(offset)) == static_cast<ssize_t>(size);
}

/// Copies the record. Returns false if it changed meanwhile: the copy may be torn. By reads, not by
/// a mapping: what takes bytes away from the file, as its file system may, would end the tool.
bool copy_record(int fd, snapshot& copy) {
  const auto read_sequence = [fd](std::uint32_t& sequence) {
    return read_at(fd, &sequence, sizeof sequence, offsetof(snapshot, sequence));
  };
  std::uint32_t before = 0;
  std::uint32_t after = 0;
  return read_sequence(before) && read_at(fd, &copy, sizeof copy, 0) && read_sequence(after) &&
         before % 2 == 0 && after == before;
}

bool counts_in_range(const snapshot& record) {
  return record.class_count <= observe::snapshot_class_limit &&
         record.cell_count <= observe::snapshot_cell_limit &&
         std::memchr(record.program, 0, sizeof record.program) != nullptr &&
         std::memchr(record.library_version, 0, sizeof record.library_version) != nullptr;
}

/// Judges what identifies the record. These fields never change once they are written.
read_status check_identity(int fd, std::uint32_t& version) {
  struct {
    std::uint64_t magic;
    std::uint32_t version;
    std::uint32_t size;
  } head{};
  const ssize_t got = ::pread(fd, &head, sizeof head, 0);
  if (got < 0) return read_status::unreadable;
  if (got == 0 || head.magic == 0) return read_status::empty;
  if (got < static_cast<ssize_t>(sizeof head) || head.magic != observe::snapshot_magic)
    return read_status::no_snapshot;
  version = head.version;
  if (head.version != observe::snapshot_version || head.size != sizeof(snapshot))
    return read_status::other_version;
  struct stat status {};
  if (::fstat(fd, &status) != 0) return read_status::unreadable;
  const auto enough = static_cast<off_t>(sizeof(snapshot));
  return status.st_size < enough ? read_status::damaged : read_status::ok;
}

}  // namespace

read_result read_snapshot(const std::filesystem::path& file) {
  read_result result;
  const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    result.status = errno == ENOENT ? read_status::missing : read_status::unreadable;
    return result;
  }
  result.status = check_identity(fd.get(), result.version);
  if (result.status != read_status::ok) return result;

  auto copy = std::make_unique<snapshot>();
  bool whole = copy_record(fd.get(), *copy);
  for (int attempt = 1; !whole && attempt < read_attempts; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    whole = copy_record(fd.get(), *copy);
  }
  result.status = whole ? read_status::ok : read_status::torn;
  if (counts_in_range(*copy))
    result.record = std::move(copy);
  else
    result.status = read_status::damaged;
  return result;
}

std::string snapshot_file_name(pid_t pid) { return fmt::format("{}.ashlar", pid); }

std::string describe(const read_result& result) {
  switch (result.status) {
    case read_status::ok: return "it is whole";
    case read_status::torn: return "it was being changed when its process ended";
    case read_status::missing:
    case read_status::empty: return "there is none";
    case read_status::no_snapshot: return "the file holds something else";
    case read_status::other_version:
      return fmt::format("it is of version {}, and this tool reads version {}", result.version,
                         observe::snapshot_version);
    case read_status::damaged: return "it is damaged";
    case read_status::unreadable: return "it cannot be read";
  }
  return "unknown";
}

}  // namespace ashlar::tool
