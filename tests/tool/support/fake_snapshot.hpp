// SPDX-License-Identifier: MIT
// Records as processes in interesting states would publish them, without any such process.
//
// Header only, since the fake library, which links nothing, uses it too. All numbers are made up
// but agree with each other: the sum, the shares of the map, and the order of the fit sizes.
#pragma once

#include <cstdint>
#include <cstring>

#include "ashlar/observe/snapshot.hpp"

namespace ashlar::tool::test {

inline constexpr std::uint64_t kib = 1024;
inline constexpr std::uint64_t mib = 1024 * kib;

/// Returns a record with an identity and no memory.
inline observe::snapshot bare_snapshot(std::uint32_t pid, const char* program) {
  observe::snapshot record{};
  record.magic = observe::snapshot_magic;
  record.version = observe::snapshot_version;
  record.size = sizeof record;
  record.sequence = 2;
  record.state = observe::process_state::exited;
  record.pid = pid;
  record.parent_pid = 1;
  std::strncpy(record.program, program, sizeof record.program - 1);
  std::strncpy(record.library_version, "0.1.0", sizeof record.library_version - 1);
  record.start_ns = 1'000'000'000;
  record.taken_ns = 2'920'000'000;
  record.heaps = 1;
  return record;
}

/// Makes the sum agree: what is resident beyond the known parts is `unexplained`.
inline void finish_sum(observe::snapshot& record, std::uint64_t unexplained) {
  record.total_free = record.free + record.cached + record.returned;
  record.unused = record.total_free + record.slack;
  record.resident = record.live + record.slack + record.free + record.cached + record.metadata +
                    record.file + unexplained - record.untouched;
}

/// A generator with a fixed seed: the same map every time.
class sequence {
 public:
  std::uint32_t next(std::uint32_t below) {
    state_ = state_ * 6364136223846793005ULL + 1442695040888963407ULL;
    return static_cast<std::uint32_t>(state_ >> 33U) % below;
  }

 private:
  std::uint64_t state_ = 42;
};

inline void add_class(observe::snapshot& record, std::uint64_t block_size, std::uint64_t live,
                      std::uint64_t cached, std::uint64_t free) {
  observe::size_class_record& each = record.classes[record.class_count++];
  each.block_size = block_size;
  each.live_blocks = live;
  each.cached_blocks = cached;
  each.free_blocks = free;
  each.slabs = ((live + cached + free) * block_size + 64 * kib - 1) / (64 * kib);
  each.span_bytes = each.slabs * 64 * kib;
  each.slack_bytes = live * block_size / 16;
  each.requests_sampled = live / 10;
  record.live += live * block_size - each.slack_bytes;
  record.slack += each.slack_bytes;
  record.cached += cached * block_size;
  record.free += each.span_bytes - (live + cached) * block_size;
}

inline void set_large(observe::snapshot& record, const observe::large_record& large) {
  record.large = large;
  record.live += large.live_bytes;
  record.slack += large.slack_bytes;
}

inline observe::cell used_cell(std::uint32_t used_share, std::uint32_t returned_share = 0) {
  const std::uint32_t rest = 255 - used_share - returned_share;
  return {observe::cell_kind::used, static_cast<std::uint8_t>(used_share),
          static_cast<std::uint8_t>(rest), static_cast<std::uint8_t>(returned_share)};
}

/// A short script: a few megabytes, one slice after the other, much reserved behind them.
inline observe::snapshot small_snapshot(std::uint32_t pid = 123, const char* program = "python3") {
  observe::snapshot record = bare_snapshot(pid, program);
  add_class(record, 16, 3'200, 60, 800);
  add_class(record, 32, 9'100, 120, 1'100);
  add_class(record, 48, 12'345, 90, 2'300);
  add_class(record, 64, 20'480, 40, 0);
  add_class(record, 512, 1'103, 12, 37);
  add_class(record, 1'024, 402, 3, 21);
  add_class(record, 8'192, 7, 0, 1);
  set_large(record, {3, 1'400'000, 9'072, 1'409'072});
  record.metadata = 260 * kib;
  record.file = 5'800 * kib;
  record.untouched = 180 * kib;
  finish_sum(record, 1'200 * kib);
  record.peak_resident = record.resident + 700 * kib;
  record.reserved = 64 * mib;
  record.committed = 8 * mib;
  record.peak_committed = 9 * mib;
  record.largest_free = 512 * kib;
  record.free_ranges = 4'388;
  record.fits[0] = record.total_free * 7 / 10;
  record.fits[1] = record.total_free * 6 / 10;
  record.minor_faults = 1'930;
  record.major_faults = 2;
  record.os_calls = 41;
  record.user_ns = 1'610'000'000;
  record.system_ns = 94'000'000;
  record.cell_bytes = 64 * kib;
  record.cell_count = 1024;
  sequence random;
  record.cells[0] = {observe::cell_kind::metadata, 0, 0, 0};
  for (std::uint32_t i = 1; i < 90; ++i) record.cells[i] = used_cell(255 - random.next(90));
  for (std::uint32_t i = 90; i < 110; ++i) record.cells[i] = used_cell(random.next(120));
  for (std::uint32_t i = 110; i < 128; ++i) record.cells[i] = {observe::cell_kind::free, 0, 255, 0};
  for (std::uint32_t i = 128; i < 1024; ++i)
    record.cells[i] = {observe::cell_kind::reserved, 0, 0, 0};
  return record;
}

/// Fills the map: full, sparse, free, half full and returned zones of 200 cells.
inline void draw_zones(observe::snapshot& record, sequence& random) {
  record.cell_bytes = mib;
  record.cell_count = 1'400;
  for (std::uint32_t i = 0; i < 1'400; ++i) {
    const std::uint32_t zone = i / 200;
    if (i < 8)
      record.cells[i] = {observe::cell_kind::metadata, 0, 0, 0};
    else if (zone == 4)
      record.cells[i] = {observe::cell_kind::free, 0, 255, 0};
    else if (zone == 6)
      record.cells[i] = {observe::cell_kind::returned, 0, 0, 255};
    else
      record.cells[i] =
          used_cell(zone < 2 ? 255 - random.next(40) : random.next(1 + 255 / (zone % 4 + 1)));
  }
}

/// A server after its peak: much free in half-empty slabs, some returned, all classes in use.
inline observe::snapshot fragmented_snapshot(std::uint32_t pid = 48'213,
                                             const char* program = "game") {
  observe::snapshot record = bare_snapshot(pid, program);
  record.heaps = 24;
  record.idle_heaps = 3;
  record.taken_ns = record.start_ns + 92'400'000'000;
  sequence random;
  std::uint64_t size = 16;
  while (record.class_count < 44) {
    const std::uint64_t blocks = 1 + 24 * mib / size / (1 + random.next(6));
    const std::uint64_t live = blocks * (20 + random.next(78)) / 100;
    add_class(record, size, live, blocks / 50, blocks - live);
    size += size < 128 ? 16 : size / 4 / 16 * 16;
  }
  set_large(record, {1'204, 310 * mib + 12'345, 3 * mib, 313 * mib + 16'384});
  record.metadata = 12 * mib + 100'000;
  record.file = 48 * mib;
  record.untouched = 30 * mib;
  record.returned = 85 * mib + 800 * kib;
  finish_sum(record, 110 * mib + 100 * kib);
  record.peak_resident = record.resident * 5 / 4;
  record.reserved = record.resident + record.returned + 200 * mib;
  record.committed = record.resident - 60 * mib;
  record.peak_committed = record.committed + 50 * mib;
  record.largest_free = 18 * mib;
  record.free_ranges = 21'377;
  record.fits[0] = record.total_free / 100 * 98;
  record.fits[1] = record.total_free / 100 * 81;
  record.fits[2] = record.total_free / 100 * 44;
  record.fits[3] = record.total_free / 1000 * 7;
  record.minor_faults = 1'204'331;
  record.major_faults = 17;
  record.os_calls = 40'212;
  record.discarded = 3 * 1024 * mib;
  record.user_ns = 181'610'000'000;
  record.system_ns = 12'940'000'000;
  draw_zones(record, random);
  return record;
}

}  // namespace ashlar::tool::test
