// SPDX-License-Identifier: MIT
#include "tools/ashlar/report/sums.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "tests/tool/support/fake_snapshot.hpp"

namespace ashlar::tool {
namespace {

std::int64_t total_of(const std::array<sum_part, 8>& parts) {
  std::int64_t total = 0;
  for (const sum_part& part : parts) total += part.bytes;
  return total;
}

TEST(sums, parts_of_the_resident_set_add_up_exactly) {
  for (const observe::snapshot& record : {test::small_snapshot(), test::fragmented_snapshot()})
    EXPECT_EQ(total_of(resident_sum(record)), static_cast<std::int64_t>(record.resident));
}

TEST(sums, unexplained_is_what_was_put_in_beyond_the_known_parts) {
  observe::snapshot record = test::small_snapshot();
  EXPECT_EQ(unexplained_bytes(record), static_cast<std::int64_t>(1'200 * test::kib));
  record.resident -= 1'300 * test::kib;
  EXPECT_EQ(unexplained_bytes(record), -static_cast<std::int64_t>(100 * test::kib));
}

TEST(sums, rounded_numbers_add_up_to_the_rounded_total) {
  test::sequence random;
  for (int round = 0; round < 1'000; ++round) {
    std::vector<double> values(8);
    for (double& value : values) value = random.next(100'000) / 977.0 - 20;
    const double total = std::accumulate(values.begin(), values.end(), 0.0);
    const auto rounded = round_to_sum(values, std::llround(total));
    EXPECT_EQ(std::accumulate(rounded.begin(), rounded.end(), std::int64_t{0}),
              std::llround(total));
    for (std::size_t i = 0; i < values.size(); ++i)
      EXPECT_LT(std::abs(static_cast<double>(rounded[i]) - values[i]), 1.0);
  }
}

TEST(sums, whole_numbers_stay_as_they_are) {
  const std::vector<double> values{0, 5, -3, 0.4, 0.4};
  EXPECT_EQ(round_to_sum(values, 3), (std::vector<std::int64_t>{0, 5, -3, 1, 0}));
}

TEST(sums, live_bytes_of_a_class_are_without_slack) {
  observe::size_class_record record{};
  record.block_size = 64;
  record.live_blocks = 10;
  record.slack_bytes = 40;
  EXPECT_EQ(live_bytes(record), 600U);
  record.slack_bytes = 1'000;
  EXPECT_EQ(live_bytes(record), 0U);
}

}  // namespace
}  // namespace ashlar::tool
