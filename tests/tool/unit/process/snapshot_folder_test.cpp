// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/snapshot_folder.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/tool/support/temporary_folder.hpp"

namespace ashlar::tool {
namespace {

namespace fs = std::filesystem;

TEST(snapshot_folder, is_private_and_goes_with_all_in_it) {
  const test::temporary_folder runtime;
  ::setenv("XDG_RUNTIME_DIR", runtime.path().c_str(), 1);
  fs::path path;
  {
    const snapshot_folder folder;
    path = folder.path();
    EXPECT_EQ(path.parent_path(), runtime.path());
    struct stat status {};
    ASSERT_EQ(::stat(path.c_str(), &status), 0);
    EXPECT_EQ(status.st_mode & 07777, 0700U);
    std::ofstream(folder.file_of(12)) << "x";
  }
  EXPECT_FALSE(fs::exists(path));
}

TEST(snapshot_folder, falls_back_to_tmp) {
  for (const char* unusable : {"/no/such/folder", "relative", "/tmp/with,comma", ""}) {
    ::setenv("XDG_RUNTIME_DIR", unusable, 1);
    EXPECT_EQ(snapshot_folder().path().parent_path(), "/tmp") << unusable;
  }
}

TEST(snapshot_folder, lists_only_records) {
  ::unsetenv("XDG_RUNTIME_DIR");
  const snapshot_folder folder;
  for (const char* name :
       {"20.ashlar", "3.ashlar", "x.ashlar", "4.ashlar.old", "-5.ashlar", "06.ashlar", "7"})
    std::ofstream(folder.path() / name) << "x";
  EXPECT_EQ(folder.processes(), (std::vector<pid_t>{3, 20}));
}

}  // namespace
}  // namespace ashlar::tool
