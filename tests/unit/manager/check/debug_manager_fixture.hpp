// SPDX-License-Identifier: MIT
// A debug manager over operator new, and what it reports.
#pragma once

#include <gtest/gtest.h>

#include <string>

#include "ashlar/debug.hpp"
#include "ashlar/sources.hpp"
#include "support/fault_log.hpp"
#include "support/unwatched.hpp"

namespace ashlar::test {

/// Collects the lines of reports.
struct report_text {
  static void write(void* self, const char* line) {
    auto& text = static_cast<report_text*>(self)->text;
    text.append(line).append("\n");
  }
  ashlar::debug_sink sink() { return {this, write}; }
  bool has(const std::string& part) const { return text.find(part) != std::string::npos; }
  std::size_t count(const std::string& part) const {
    std::size_t n = 0;
    for (std::size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1))
      ++n;
    return n;
  }
  std::string text = with_room();

  // Signal handlers append, too, and must not allocate.
  static std::string with_room() {
    std::string empty;
    empty.reserve(std::size_t{64} << 10);
    return empty;
  }
};

class debug_manager_test : public ::testing::Test {
 protected:
  ashlar::debug_manager make(ashlar::debug_options options = {}) {
    options.sink = report.sink();
    return ashlar::debug_manager(inner, options);
  }
  static void free(ashlar::debug_manager& m, const ashlar::allocation& a) { m.deallocate(a.get()); }
  static unsigned char* bytes(const ashlar::allocation& a) {
    return static_cast<unsigned char*>(a.data());
  }
  static std::string here(int line) {
    return std::string("debug_manager_test.cpp:") + std::to_string(line);
  }

  const ashlar::test::unwatched quiet;
  ashlar::new_manager inner;
  report_text report;
  ashlar::test::fault_log faults;
};

}  // namespace ashlar::test
