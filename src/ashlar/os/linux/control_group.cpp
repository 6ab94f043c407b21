// SPDX-License-Identifier: MIT
// Limits of Linux control groups, version 2.
//
// /proc/self/cgroup names the group of the process ("0::/a/b"). Each group on the way from there
// to the root may set limits of its own, and all of them hold; the smallest wins. In a container
// the path may lie outside of what is mounted; groups that cannot be read set no limit.
#include <limits.h>
#include <string.h>

#include "ashlar/base/bits.hpp"
#include "ashlar/os/file.hpp"
#include "ashlar/os/process.hpp"

namespace ashlar::os {

namespace {

// Where version 2 is mounted: alone, or beside version 1.
constexpr const char* mounts[] = {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"};

/// A path in a fixed buffer. One that is too long becomes empty, and so names no file.
class path {
 public:
  path& append(const char* text) {
    const std::size_t size = ::strlen(text);
    if (size >= sizeof text_ - size_) {
      size_ = 0;
    } else {
      ::memcpy(text_ + size_, text, size);
      size_ += size;
    }
    text_[size_] = '\0';
    return *this;
  }

  void cut(std::size_t size) {
    size_ = size;
    text_[size] = '\0';
  }

  /// Removes the last part. Returns false if nothing beyond the first `root` characters was left.
  bool to_parent(std::size_t root) {
    if (size_ <= root) return false;
    std::size_t end = size_;
    do --end;
    while (end > root && text_[end] != '/');
    cut(end);
    return true;
  }

  std::size_t size() const { return size_; }
  const char* c_str() const { return text_; }

 private:
  std::size_t size_ = 0;
  char text_[PATH_MAX] = {};
};

/// Appends the group of this process ("/a/b"; nothing for the root) to `to`.
bool append_own_group(const char* root, path& to) {
  path name;
  name.append(root).append("/proc/self/cgroup");
  line_reader lines(name.c_str());
  while (const char* line = lines.next()) {
    if (::strncmp(line, "0::", 3) != 0) continue;
    if (::strcmp(line + 3, "/") != 0) to.append(line + 3);
    return true;
  }
  return false;
}

/// Calls `visit(text)` with the contents of the file `name` of each group from that of the process
/// up to the root.
template <class Visitor>
void for_each_group(const char* root, const char* name, Visitor visit) {
  for (const char* mount : mounts) {
    path folder;
    folder.append(root).append(mount);
    const std::size_t top = folder.size();
    if (!append_own_group(root, folder)) return;
    do {
      const std::size_t size = folder.size();
      char text[64];
      folder.append("/").append(name);
      if (read_text_file(folder.c_str(), text, sizeof text).ok()) visit(text);
      folder.cut(size);
    } while (folder.to_parent(top));
  }
}

std::size_t smallest_limit(const char* root, const char* name) {
  std::size_t smallest = no_limit;
  for_each_group(root, name, [&smallest](const char* text) {
    std::uint64_t limit = 0;  // "max" has no digits
    if (parse_decimal(text, limit) != text && limit < smallest) smallest = limit;
  });
  return smallest;
}

}  // namespace

memory_limits control_group_memory_limits(const char* root) noexcept {
  return {.hard = smallest_limit(root, "memory.max"), .soft = smallest_limit(root, "memory.high")};
}

std::size_t control_group_cpu_quota(const char* root) noexcept {
  std::size_t smallest = no_limit;
  for_each_group(root, "cpu.max", [&smallest](const char* text) {
    std::uint64_t quota = 0;
    std::uint64_t period = 0;
    const char* const quota_end = parse_decimal(text, quota);
    if (quota_end == text || *quota_end != ' ') return;
    parse_decimal(quota_end + 1, period);
    std::size_t thousandths = 0;
    if (period == 0 || !checked_multiply(quota, 1000, thousandths)) return;
    if (thousandths / period < smallest) smallest = thousandths / period;
  });
  return smallest;
}

}  // namespace ashlar::os
