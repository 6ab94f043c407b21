// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/snapshot_reader.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "tools/ashlar/process/unique_fd.hpp"

namespace ashlar::tool {

namespace {

using observe::snapshot;

/// A writer needs microseconds for a change. One that is still not done after this many pauses of a
/// millisecond has died, or was stopped by a debugger.
constexpr int read_attempts = 50;

/// A read-only view of the file, shared with its writer.
class mapping {
 public:
  explicit mapping(int fd)
      : address_(::mmap(nullptr, sizeof(snapshot), PROT_READ, MAP_SHARED, fd, 0)) {}
  mapping(const mapping&) = delete;
  mapping& operator=(const mapping&) = delete;
  ~mapping() {
    if (*this) ::munmap(address_, sizeof(snapshot));
  }

  explicit operator bool() const { return address_ != MAP_FAILED; }
  const snapshot& record() const { return *static_cast<const snapshot*>(address_); }

 private:
  void* address_;
};

std::uint32_t load_sequence(const snapshot& record) {
  // acquire: pairs with the writer's release when it makes the sequence even again.
  return __atomic_load_n(&record.sequence, __ATOMIC_ACQUIRE);
}

/// Copies the record. Returns false if it changed meanwhile: the copy may be torn.
bool copy_record(const snapshot& shared, snapshot& copy) {
  const std::uint32_t before = load_sequence(shared);
  std::memcpy(&copy, &shared, sizeof copy);
  // acquire fence: the bytes above are read before the sequence below.
  std::atomic_thread_fence(std::memory_order_acquire);
  return before % 2 == 0 && load_sequence(shared) == before;
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

  const mapping shared(fd.get());
  if (!shared) {
    result.status = read_status::unreadable;
    return result;
  }
  auto copy = std::make_unique<snapshot>();
  bool whole = copy_record(shared.record(), *copy);
  for (int attempt = 1; !whole && attempt < read_attempts; ++attempt) {
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
    whole = copy_record(shared.record(), *copy);
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
