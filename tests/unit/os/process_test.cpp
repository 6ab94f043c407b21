// SPDX-License-Identifier: MIT
// Limits and usage of the process; control groups in a folder that plays the system's root.
#include "ashlar/os/process.hpp"

#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/resource.h>

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string>
#include <thread>

#include "ashlar/base/units.hpp"
#include "ashlar/os/address_space.hpp"

namespace ashlar {
namespace {

namespace fs = std::filesystem;

class control_group : public testing::Test {
 protected:
  control_group() {
    std::string pattern = fs::temp_directory_path() / "ashlar-cgroup-XXXXXX";
    root_ = ::mkdtemp(pattern.data());
  }
  ~control_group() override { fs::remove_all(root_); }

  void write(const std::string& path, const std::string& text) {
    fs::create_directories((root_ / path).parent_path());
    std::ofstream(root_ / path) << text;
  }

  os::memory_limits limits() const { return os::control_group_memory_limits(root_.c_str()); }
  std::size_t quota() const { return os::control_group_cpu_quota(root_.c_str()); }

  fs::path root_;
};

TEST_F(control_group, without_files_there_is_no_limit) {
  EXPECT_EQ(limits().hard, os::no_limit);
  EXPECT_EQ(limits().soft, os::no_limit);
  EXPECT_EQ(quota(), os::no_limit);
}

TEST_F(control_group, max_is_no_limit) {
  write("proc/self/cgroup", "0::/a\n");
  write("sys/fs/cgroup/a/memory.max", "max\n");
  write("sys/fs/cgroup/a/cpu.max", "max 100000\n");
  EXPECT_EQ(limits().hard, os::no_limit);
  EXPECT_EQ(quota(), os::no_limit);
}

TEST_F(control_group, the_smallest_limit_on_the_way_up_wins) {
  write("proc/self/cgroup", "12:cpuset:/x\n1:name=systemd:/y\n0::/a/b/c\n");
  write("sys/fs/cgroup/a/b/c/memory.max", "max\n");
  write("sys/fs/cgroup/a/b/c/memory.high", "4194304\n");
  write("sys/fs/cgroup/a/b/memory.max", "8388608\n");
  write("sys/fs/cgroup/a/memory.max", "16777216\n");
  write("sys/fs/cgroup/a/memory.high", "5242880\n");
  EXPECT_EQ(limits().hard, 8_MiB);
  EXPECT_EQ(limits().soft, 4_MiB);
}

TEST_F(control_group, in_a_container_the_group_is_the_root) {
  write("proc/self/cgroup", "0::/\n");
  write("sys/fs/cgroup/memory.max", "1073741824\n");
  write("sys/fs/cgroup/cpu.max", "150000 100000\n");
  EXPECT_EQ(limits().hard, 1_GiB);
  EXPECT_EQ(quota(), 1500u);
}

TEST_F(control_group, beside_version_1_it_is_found_too) {
  write("proc/self/cgroup", "4:memory:/x\n0::/a\n");
  write("sys/fs/cgroup/unified/a/memory.max", "1048576\n");
  EXPECT_EQ(limits().hard, 1_MiB);
}

TEST_F(control_group, the_smallest_share_of_processors_wins) {
  write("proc/self/cgroup", "0::/a/b\n");
  write("sys/fs/cgroup/a/b/cpu.max", "400000 100000\n");
  write("sys/fs/cgroup/a/cpu.max", "25000 50000\n");
  EXPECT_EQ(quota(), 500u);
}

TEST_F(control_group, a_quota_of_processors_bounds_the_concurrency) {
  const std::size_t processors = os::usable_cpu_count();
  const auto concurrency = [&](const std::string& quota) {
    write("proc/self/cgroup", "0::/a\n");
    write("sys/fs/cgroup/a/cpu.max", quota + " 100000\n");
    return os::concurrency(root_.c_str());
  };
  EXPECT_EQ(concurrency("max"), processors);
  EXPECT_EQ(concurrency("1000"), 1u);
  EXPECT_EQ(concurrency("50000"), 1u);
  EXPECT_EQ(concurrency("100000"), 1u);
  EXPECT_EQ(concurrency("150000"), std::min<std::size_t>(2, processors));
  EXPECT_EQ(concurrency("800000000"), std::min<std::size_t>(8000, processors));
  EXPECT_EQ(concurrency("0"), 1u);
}

TEST_F(control_group, nonsense_sets_no_limit) {
  write("proc/self/cgroup", "0::/a\n");
  write("sys/fs/cgroup/a/memory.max", "");
  write("sys/fs/cgroup/a/memory.high", "-5\n");
  write("sys/fs/cgroup/a/cpu.max", "100000 0\n");
  EXPECT_EQ(limits().hard, os::no_limit);
  EXPECT_EQ(limits().soft, os::no_limit);
  EXPECT_EQ(quota(), os::no_limit);
}

TEST_F(control_group, a_path_longer_than_any_sets_no_limit) {
  write("proc/self/cgroup", "0::/" + std::string(900, 'a') + "\n");
  write("sys/fs/cgroup/memory.max", "4096\n");
  EXPECT_EQ(limits().hard, 4096u);
}

TEST(process, has_processors_and_memory) {
  EXPECT_GE(os::usable_cpu_count(), 1u);
  EXPECT_LE(os::usable_cpu_count(), std::thread::hardware_concurrency());
  EXPECT_GT(os::physical_memory(), 16_MiB);
}

TEST(process, knows_its_limit_of_address_space) {
  rlimit saved{};
  ASSERT_EQ(::getrlimit(RLIMIT_AS, &saved), 0);
  rlimit limit = saved;
  limit.rlim_cur = std::size_t{1} << 46;
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
  EXPECT_EQ(os::address_space_limit(), std::size_t{1} << 46);
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &saved), 0);
}

TEST(process, sees_its_resident_set_and_faults_grow) {
  const os::resident_set before = os::current_resident_set();
  const os::page_faults faults = os::current_page_faults();
  const os::range memory = os::reserve_committed(32_MiB, os::page_size()).value;
  std::memset(memory.data, 1, memory.size);
  const os::resident_set after = os::current_resident_set();
  EXPECT_GT(before.now, 0u);
  EXPECT_GE(after.now, before.now + 31_MiB);
  EXPECT_GE(after.peak, after.now);
  EXPECT_GT(os::current_page_faults().minor, faults.minor);
  os::release(memory, memory.size);
  // The kernel keeps these numbers in batches per processor, so they are a little off.
  EXPECT_GE(os::current_resident_set().peak + 1_MiB, after.peak);
}

}  // namespace
}  // namespace ashlar
