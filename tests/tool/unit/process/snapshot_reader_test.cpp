// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/snapshot_reader.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>

#include <atomic>
#include <cstring>
#include <thread>

#include "tests/tool/support/fake_snapshot.hpp"
#include "tests/tool/support/temporary_folder.hpp"
#include "tools/ashlar/process/unique_fd.hpp"

namespace ashlar::tool {
namespace {

using observe::snapshot;

class reader : public testing::Test {
 protected:
  std::filesystem::path write(const snapshot& written, std::size_t size = sizeof(snapshot)) {
    return folder.write("1.ashlar", {reinterpret_cast<const char*>(&written), size});
  }

  test::temporary_folder folder;
  snapshot record = test::small_snapshot();
};

TEST_F(reader, returns_a_copy_of_a_whole_record) {
  const read_result result = read_snapshot(write(record));
  ASSERT_TRUE(result);
  EXPECT_EQ(result.status, read_status::ok);
  EXPECT_EQ(std::memcmp(result.record.get(), &record, sizeof record), 0);
}

TEST_F(reader, tells_a_missing_file_from_an_empty_one) {
  EXPECT_EQ(read_snapshot(folder.path() / "2.ashlar").status, read_status::missing);
  EXPECT_EQ(read_snapshot(write(record, 0)).status, read_status::empty);
  EXPECT_EQ(read_snapshot(write(snapshot{})).status, read_status::empty);
}

TEST_F(reader, refuses_what_is_no_record) {
  EXPECT_EQ(read_snapshot(folder.write("2.ashlar", "This is a text of some length.")).status,
            read_status::no_snapshot);
  EXPECT_EQ(read_snapshot(folder.write("3.ashlar", "short")).status, read_status::no_snapshot);
  EXPECT_EQ(read_snapshot(folder.path()).status, read_status::unreadable);
}

TEST_F(reader, refuses_another_version_and_names_it) {
  record.version = 7;
  const read_result result = read_snapshot(write(record));
  EXPECT_FALSE(result);
  EXPECT_EQ(result.status, read_status::other_version);
  EXPECT_EQ(describe(result), "it is of version 7, and this tool reads version 1");
}

TEST_F(reader, refuses_another_size) {
  record.size -= 8;
  EXPECT_EQ(read_snapshot(write(record)).status, read_status::other_version);
}

TEST_F(reader, refuses_a_file_that_was_cut) {
  EXPECT_EQ(read_snapshot(write(record, sizeof record - 1)).status, read_status::damaged);
  EXPECT_EQ(read_snapshot(write(record, 64)).status, read_status::damaged);
}

TEST_F(reader, refuses_counts_beyond_the_arrays) {
  snapshot bad = record;
  bad.class_count = observe::snapshot_class_limit + 1;
  EXPECT_EQ(read_snapshot(write(bad)).status, read_status::damaged);
  bad = record;
  bad.cell_count = observe::snapshot_cell_limit + 1;
  EXPECT_EQ(read_snapshot(write(bad)).status, read_status::damaged);
  bad = record;
  std::memset(bad.program, 'x', sizeof bad.program);
  EXPECT_EQ(read_snapshot(write(bad)).status, read_status::damaged);
}

TEST_F(reader, returns_a_record_whose_writer_died_in_a_change_and_says_so) {
  record.sequence = 3;
  const read_result result = read_snapshot(write(record));
  ASSERT_TRUE(result);
  EXPECT_EQ(result.status, read_status::torn);
}

/// Changes a shared record under its sequence number, as the library does: `live` and
/// `peak_resident` are always the same number, so a torn copy shows.
class writer {
 public:
  explicit writer(const std::filesystem::path& file) {
    const unique_fd fd(::open(file.c_str(), O_RDWR));
    record_ = static_cast<snapshot*>(
        ::mmap(nullptr, sizeof(snapshot), PROT_READ | PROT_WRITE, MAP_SHARED, fd.get(), 0));
    thread_ = std::thread([this] {
      for (std::uint64_t n = 1; !stop_.load(std::memory_order_relaxed); ++n) {
        change(n);
        if (n % 64 == 0) std::this_thread::yield();
      }
    });
  }
  ~writer() {
    stop_.store(true, std::memory_order_relaxed);
    thread_.join();
    ::munmap(record_, sizeof(snapshot));
  }

 private:
  void change(std::uint64_t n) {
    const std::uint32_t sequence = record_->sequence;
    __atomic_store_n(&record_->sequence, sequence + 1, __ATOMIC_RELAXED);
    std::atomic_thread_fence(std::memory_order_release);
    __atomic_store_n(&record_->live, n, __ATOMIC_RELAXED);
    __atomic_store_n(&record_->peak_resident, n, __ATOMIC_RELAXED);
    __atomic_store_n(&record_->sequence, sequence + 2, __ATOMIC_RELEASE);
  }

  snapshot* record_;
  std::atomic<bool> stop_ = false;
  std::thread thread_;
};

TEST_F(reader, never_calls_a_torn_copy_whole) {
  const std::filesystem::path file = write(record);
  record.live = record.peak_resident = 0;
  write(record);
  const writer changing(file);
  int whole = 0;
  for (int round = 0; round < 2'000; ++round) {
    const read_result result = read_snapshot(file);
    ASSERT_TRUE(result);
    if (result.status != read_status::ok) continue;
    ++whole;
    ASSERT_EQ(result.record->live, result.record->peak_resident);
  }
  EXPECT_GT(whole, 0);
}

}  // namespace
}  // namespace ashlar::tool
