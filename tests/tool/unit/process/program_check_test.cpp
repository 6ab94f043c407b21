// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/program_check.hpp"

#include <elf.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <optional>

#include "tests/tool/support/temporary_folder.hpp"
#include "tools/ashlar/failure.hpp"

namespace ashlar::tool {
namespace {

namespace fs = std::filesystem;

/// Returns what `action` throws, or nothing.
template <class Action>
std::optional<failure> failure_of(Action action) {
  try {
    action();
  } catch (const failure& error) {
    return error;
  }
  return std::nullopt;
}

std::optional<failure> check(const fs::path& path) {
  return failure_of([&] { check_preloadable(path, "prog"); });
}

std::string own_bytes() {
  std::ifstream file("/proc/self/exe", std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class program_check : public testing::Test {
 protected:
  test::temporary_folder folder;
};

TEST_F(program_check, accepts_a_dynamic_program) { EXPECT_FALSE(check("/proc/self/exe")); }

TEST_F(program_check, refuses_a_static_program_and_says_how_to_link) {
  const auto error = check(ASHLAR_STATIC_PROGRAM);
  ASSERT_TRUE(error);
  EXPECT_EQ(error->exit_code(), exit_cannot_serve);
  EXPECT_STREQ(error->what(),
               "cannot serve 'prog': it is linked statically, so nothing can be preloaded; "
               "link it with ashlar::malloc instead");
}

TEST_F(program_check, refuses_a_program_for_another_machine) {
  std::string bytes = own_bytes();
  bytes[offsetof(Elf64_Ehdr, e_machine)] = static_cast<char>(EM_S390);
  const auto error = check(folder.write("foreign", bytes, 0755));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->exit_code(), exit_cannot_serve);
  EXPECT_NE(std::string(error->what()).find("another kind of machine"), std::string::npos);
}

TEST_F(program_check, refuses_a_program_of_another_width) {
  std::string bytes = own_bytes();
  bytes[EI_CLASS] = bytes[EI_CLASS] == ELFCLASS64 ? ELFCLASS32 : ELFCLASS64;
  EXPECT_TRUE(check(folder.write("narrow", bytes, 0755)));
}

TEST_F(program_check, refuses_a_cut_header) {
  EXPECT_TRUE(check(folder.write("cut", own_bytes().substr(0, 20), 0755)));
}

TEST_F(program_check, follows_the_interpreter_of_a_script) {
  EXPECT_FALSE(check(folder.write("script", "#!/bin/sh\nexit 0\n", 0755)));
  EXPECT_FALSE(check(folder.write("spaced", "#! \t/bin/sh -e\nexit 0\n", 0755)));
  EXPECT_TRUE(
      check(folder.write("static", std::string("#!") + ASHLAR_STATIC_PROGRAM + "\n", 0755)));
}

TEST_F(program_check, names_a_missing_interpreter) {
  const auto error = check(folder.write("script", "#!/no/such/shell -x\n", 0755));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->exit_code(), exit_not_found);
  EXPECT_STREQ(error->what(),
               "cannot run 'prog': its interpreter '/no/such/shell': No such file or directory");
}

TEST_F(program_check, ends_on_a_script_that_interprets_itself) {
  const fs::path script = folder.path() / "self";
  folder.write("self", "#!" + script.string() + "\n", 0755);
  EXPECT_FALSE(check(script));  // the kernel refuses it in its own words
}

TEST_F(program_check, refuses_what_is_neither_program_nor_script) {
  const auto error = check(folder.write("data", "just data", 0755));
  ASSERT_TRUE(error);
  EXPECT_EQ(error->exit_code(), exit_not_executable);
}

TEST_F(program_check, set_id_bits_matter_only_if_they_change_somebody) {
  const identity runner{1000, 1000};
  struct stat status {};
  status.st_mode = S_IFREG | 0755 | S_ISUID;
  status.st_uid = 0;
  EXPECT_TRUE(changes_identity(status, runner));
  status.st_uid = 1000;
  EXPECT_FALSE(changes_identity(status, runner));
  status.st_mode = S_IFREG | 0755 | S_ISGID;
  status.st_gid = 50;
  EXPECT_TRUE(changes_identity(status, runner));
  status.st_mode = S_IFREG | 0745 | S_ISGID;
  EXPECT_FALSE(changes_identity(status, runner));
  status.st_mode = S_IFREG | 0755;
  EXPECT_FALSE(changes_identity(status, runner));
}

TEST_F(program_check, finds_programs_as_a_shell_does) {
  EXPECT_EQ(find_program("/bin/sh"), "/bin/sh");
  EXPECT_EQ(find_program("sh").filename(), "sh");
  const auto error = failure_of([] { find_program("no-such-program"); });
  ASSERT_TRUE(error);
  EXPECT_EQ(error->exit_code(), exit_not_found);
  EXPECT_STREQ(error->what(), "cannot run 'no-such-program': No such file or directory");
}

TEST_F(program_check, tells_what_cannot_be_executed) {
  for (const fs::path& path : {folder.write("plain", "x", 0644), folder.path()}) {
    const auto error = failure_of([&] { find_program(path.string()); });
    ASSERT_TRUE(error) << path;
    EXPECT_EQ(error->exit_code(), exit_not_executable) << path;
  }
  EXPECT_EQ(failure_of([] { find_program(""); })->exit_code(), exit_not_found);
  EXPECT_EQ(failure_of([] { find_program("/bin/sh/x"); })->exit_code(), exit_not_found);
}

}  // namespace
}  // namespace ashlar::tool
