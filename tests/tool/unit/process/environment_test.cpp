// SPDX-License-Identifier: MIT
#include "tools/ashlar/process/environment.hpp"

#include <gtest/gtest.h>

#include <algorithm>

namespace ashlar::tool {
namespace {

const preload_settings settings{"/lib/libashlar-malloc.so", "/run/ashlar-1", false};

bool has(const std::vector<std::string>& variables, const std::string& wanted) {
  return std::count(variables.begin(), variables.end(), wanted) == 1;
}

TEST(environment, adds_what_is_not_there_and_keeps_the_rest) {
  const auto changed = preload_environment({"HOME=/root", "LD_PRELOADED=x"}, settings);
  EXPECT_EQ(changed.size(), 4U);
  EXPECT_TRUE(has(changed, "HOME=/root"));
  EXPECT_TRUE(has(changed, "LD_PRELOADED=x"));
  EXPECT_TRUE(has(changed, "LD_PRELOAD=/lib/libashlar-malloc.so"));
  EXPECT_TRUE(has(changed, "ASHLAR_OPTIONS=snapshot=/run/ashlar-1,follow=0"));
}

TEST(environment, preloads_before_others_and_takes_the_last_word_in_options) {
  preload_settings following = settings;
  following.follow_children = true;
  const auto changed =
      preload_environment({"LD_PRELOAD=a.so:b.so", "ASHLAR_OPTIONS=purge_delay=5"}, following);
  EXPECT_EQ(changed.size(), 2U);
  EXPECT_TRUE(has(changed, "LD_PRELOAD=/lib/libashlar-malloc.so:a.so:b.so"));
  EXPECT_TRUE(has(changed, "ASHLAR_OPTIONS=purge_delay=5,snapshot=/run/ashlar-1,follow=1"));
}

TEST(environment, tracking_goes_behind_and_the_last_value_of_a_key_counts) {
  preload_settings tracking = settings;
  tracking.tracking = "track=full,depth=8,capture=/run/ashlar-1";
  const auto changed = preload_environment({"ASHLAR_OPTIONS=track=off,cgroup=0"}, tracking);
  EXPECT_TRUE(has(changed,
                  "ASHLAR_OPTIONS=track=off,cgroup=0,snapshot=/run/ashlar-1,follow=0,track=full,"
                  "depth=8,capture=/run/ashlar-1"));
  EXPECT_EQ(option_in(changed, "track"), "full");
  EXPECT_EQ(option_in(changed, "cgroup"), "0");
  EXPECT_EQ(option_in(changed, "rack"), "");
  EXPECT_EQ(option_in({"X=track=full"}, "track"), "");
  EXPECT_EQ(option_in({"ASHLAR_OPTIONS=track,,track="}, "track"), "");
}

TEST(environment, empty_variables_count_as_absent) {
  const auto changed = preload_environment({"LD_PRELOAD=", "ASHLAR_OPTIONS="}, settings);
  EXPECT_TRUE(has(changed, "LD_PRELOAD=/lib/libashlar-malloc.so"));
  EXPECT_TRUE(has(changed, "ASHLAR_OPTIONS=snapshot=/run/ashlar-1,follow=0"));
}

TEST(environment, knows_names_that_its_variables_cannot_hold) {
  EXPECT_TRUE(can_be_preloaded_by_path("/opt/lib/libashlar-malloc.so"));
  EXPECT_FALSE(can_be_preloaded_by_path("/my programs/libashlar-malloc.so"));
  EXPECT_FALSE(can_be_preloaded_by_path("/a:b/libashlar-malloc.so"));
  EXPECT_FALSE(can_be_preloaded_by_path("/opt/$LIB/libashlar-malloc.so"));
  EXPECT_TRUE(can_be_named_in_options("/run/user/1000"));
  EXPECT_FALSE(can_be_named_in_options("/run/" + std::string(240, 'x')));
  EXPECT_FALSE(can_be_named_in_options("/run/a,b"));
}

}  // namespace
}  // namespace ashlar::tool
