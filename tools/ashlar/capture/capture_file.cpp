// SPDX-License-Identifier: MIT
#include "tools/ashlar/capture/capture_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <type_traits>
#include <utility>

#include "ashlar/observe/tag.hpp"
#include "tools/ashlar/process/unique_fd.hpp"
#include "tools/ashlar/report/text.hpp"

namespace ashlar::tool {

namespace {

using namespace observe;

/// What is wrong with a capture, thrown through the parser only.
struct bad_capture {
  std::string problem;
};

/// The entries of the section `kind`; none if there is no such section.
template <class Entries>
void read_section(std::string_view bytes, const capture_header& header, section_kind kind,
                  Entries& into) {
  using entry = typename Entries::value_type;
  static_assert(std::is_trivially_copyable_v<entry>);
  for (const capture_section& section : header.sections) {
    if (section.kind != kind) continue;
    if (section.entry_size != sizeof(entry))
      throw bad_capture{fmt::format("it is damaged: entries of section {} have {} bytes",
                                    static_cast<std::uint32_t>(kind), section.entry_size)};
    if (section.offset > bytes.size() ||
        section.count > (bytes.size() - section.offset) / sizeof(entry))
      throw bad_capture{fmt::format("it is cut short: section {} does not lie in its {} bytes",
                                    static_cast<std::uint32_t>(kind), bytes.size())};
    into.resize(section.count);
    if (section.count != 0)
      std::memcpy(into.data(), bytes.data() + section.offset, section.count * sizeof(entry));
  }
}

capture_header read_header(std::string_view bytes) {
  capture_header header{};
  if (bytes.empty()) throw bad_capture{"it is empty"};
  std::memcpy(&header, bytes.data(), std::min(bytes.size(), sizeof header));
  // The header is written last: before that, zeros stand in its place.
  if (header.magic == 0 && bytes.size() >= sizeof header)
    throw bad_capture{"it is not whole: its process ended while it was written"};
  if (header.magic != capture_magic) throw bad_capture{"it is no capture"};
  if (bytes.size() >= 12 && header.version != capture_version)
    throw bad_capture{fmt::format("it is of version {}, and this tool reads version {}",
                                  header.version, capture_version)};
  if (bytes.size() < sizeof header) throw bad_capture{"it is cut short: its header is not whole"};
  if (header.level > 4)
    throw bad_capture{fmt::format("it is damaged: there is no level {}", header.level)};
  if (header.reason > capture_reason::termination)
    throw bad_capture{fmt::format("it is damaged: there is no reason {}",
                                  static_cast<std::uint32_t>(header.reason))};
  header.program[sizeof header.program - 1] = 0;
  return header;
}

void check(bool holds, const char* what) {
  if (!holds) throw bad_capture{fmt::format("it is damaged: {}", what)};
}

/// Everything that one entry says about another is in range.
void check_references(const capture& all) {
  check(!all.strings.empty() && all.strings.front() == 0 && all.strings.back() == 0,
        "its texts do not end");
  const auto is_text = [&](std::uint32_t offset) { return offset < all.strings.size(); };
  for (const capture_site& site : all.sites) {
    check(is_text(site.file) && is_text(site.function), "a site names a text that is not there");
    check(site.first_frame <= all.frames.size() &&
              site.frame_count <= all.frames.size() - site.first_frame,
          "a site has a stack that is not there");
    check(site.tag == 0 || site.tag < all.tags.size(), "a site has a tag that is not there");
  }
  check(all.tags.size() <= most_tags, "it has more tags than there can be");
  for (std::size_t i = 0; i < all.tags.size(); ++i) {
    check(is_text(all.tags[i].name), "a tag has a name that is not there");
    check(i == 0 || all.tags[i].parent < i, "a tag comes before its parent");
  }
  for (const capture_thread& thread : all.threads)
    check(is_text(thread.name), "a thread has a name that is not there");
  for (const auto* marks : {&all.marks, &all.frame_marks})
    for (const capture_mark& mark : *marks)
      check(is_text(mark.name), "a mark has a name that is not there");
  check(all.header.period_marks <= all.marks.size(), "periods begin at marks that are not there");
  for (const capture_period& period : all.periods) {
    check(period.site < all.sites.size(), "a period is of a site that is not there");
    check(period.mark <= all.marks.size(), "a period begins at a mark that is not there");
  }
  for (const capture_inner& inner : all.inner) {
    check(inner.site < all.sites.size(), "a container's blocks are of a site that is not there");
    check(is_text(inner.kind) && is_text(inner.name), "a manager has a name that is not there");
  }
}

std::string read_all(int fd) {
  std::string bytes;
  struct stat status {};
  if (::fstat(fd, &status) == 0 && status.st_size > 0)
    bytes.reserve(static_cast<std::size_t>(status.st_size));
  char buffer[1 << 16];
  ssize_t got = 0;
  while ((got = ::read(fd, buffer, sizeof buffer)) > 0 || (got < 0 && errno == EINTR))
    if (got > 0) bytes.append(buffer, static_cast<std::size_t>(got));
  if (got < 0) throw bad_capture{std::strerror(errno)};
  return bytes;
}

capture parse(std::string_view bytes) {
  capture all;
  all.header = read_header(bytes);
  read_section(bytes, all.header, section_kind::maps, all.maps);
  read_section(bytes, all.header, section_kind::strings, all.strings);
  read_section(bytes, all.header, section_kind::frames, all.frames);
  read_section(bytes, all.header, section_kind::sites, all.sites);
  read_section(bytes, all.header, section_kind::tags, all.tags);
  read_section(bytes, all.header, section_kind::threads, all.threads);
  read_section(bytes, all.header, section_kind::marks, all.marks);
  read_section(bytes, all.header, section_kind::frame_marks, all.frame_marks);
  read_section(bytes, all.header, section_kind::periods, all.periods);
  read_section(bytes, all.header, section_kind::inner, all.inner);
  read_section(bytes, all.header, section_kind::suppressions, all.suppressions);
  read_section(bytes, all.header, section_kind::said, all.said);
  if (all.strings.empty()) all.strings.assign(1, '\0');
  check_references(all);
  return all;
}

}  // namespace

std::string capture::program() const {
  const std::string name = printable(header.program);
  return name.empty() ? "?" : name;
}

std::string capture::tag_path(std::uint32_t tag) const {
  std::string path;
  for (; tag != 0; tag = tags[tag].parent)
    path = printable(text(tags[tag].name)) + (path.empty() ? "" : "/") + path;
  return path;
}

capture_result parse_capture(std::string_view bytes) {
  capture_result result;
  try {
    result.value = std::make_shared<const capture>(parse(bytes));
  } catch (const bad_capture& bad) {
    result.problem = bad.problem;
  }
  return result;
}

capture_result read_capture(const std::filesystem::path& file) {
  capture_result result;
  const unique_fd fd(::open(file.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd) {
    result.missing = errno == ENOENT;
    result.problem = std::strerror(errno);
    return result;
  }
  try {
    capture all = parse(read_all(fd.get()));
    struct stat status {};
    if (::fstat(fd.get(), &status) == 0) all.written = status.st_mtime;
    result.value = std::make_shared<const capture>(std::move(all));
  } catch (const bad_capture& bad) {
    result.problem = bad.problem;
  }
  return result;
}

std::string capture_file_name(pid_t pid) { return fmt::format("{}.capture", pid); }

std::vector<std::filesystem::path> captures_meanwhile(const std::filesystem::path& folder,
                                                      pid_t pid) {
  std::vector<std::pair<unsigned, std::filesystem::path>> found;
  const std::string begin = fmt::format("{}.", pid);
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    unsigned number = 0;
    const char* const digits = name.data() + std::min(begin.size(), name.size());
    const auto parsed = std::from_chars(digits, name.data() + name.size(), number);
    if (name.starts_with(begin) && parsed.ec == std::errc() &&
        name == fmt::format("{}.{}.capture", pid, number))
      found.emplace_back(number, entry.path());
  }
  std::sort(found.begin(), found.end());
  std::vector<std::filesystem::path> files;
  for (auto& [number, file] : found) files.push_back(std::move(file));
  return files;
}

}  // namespace ashlar::tool
