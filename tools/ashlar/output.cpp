// SPDX-License-Identifier: MIT
#include "tools/ashlar/output.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstring>

#include "tools/ashlar/process/unique_fd.hpp"
#include "tools/ashlar/terminal.hpp"

namespace ashlar::tool {

namespace {

void write_all(int fd, std::string_view text, const std::string& name) {
  while (!text.empty()) {
    const ssize_t written = ::write(fd, text.data(), text.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0)
      return warn(fmt::format("cannot write the report to {}: {}", name, std::strerror(errno)));
    text.remove_prefix(static_cast<std::size_t>(written));
  }
}

unique_fd create(const std::string& file) {
  unique_fd fd(::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
  if (!fd)
    warn(fmt::format("cannot write the report to '{}': {}", printable(file), std::strerror(errno)));
  return fd;
}

}  // namespace

void warn(const std::string& text) {
  std::fputs(fmt::format("ashlar: {}\n", text).c_str(), stderr);
}

void write_to(const std::string& file, const std::function<std::string(int fd)>& compose) {
  if (file.empty()) return write_all(STDERR_FILENO, compose(STDERR_FILENO), "stderr");
  if (file == "-") return write_all(STDOUT_FILENO, compose(STDOUT_FILENO), "stdout");
  const unique_fd fd = create(file);
  if (fd) write_all(fd.get(), compose(fd.get()), file);
}

void write_reports(const report_texts& texts, const run_options& options, bool set_apart) {
  if (!options.json_file.empty()) write_to(options.json_file, [&](int) { return texts.json(); });
  if (options.json) {
    write_to(options.output, [&](int) { return texts.json(); });
  } else if (!options.quiet && texts.text) {
    const std::string gap = options.output.empty() && set_apart ? "\n" : "";
    write_to(options.output, [&](int fd) { return gap + texts.text(format_for(fd, options)); });
  }
}

}  // namespace ashlar::tool
