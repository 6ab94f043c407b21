// SPDX-License-Identifier: MIT
// The managers for many sizes over pools: buckets of each family, the general manager.
#include <gtest/gtest.h>

#include "ashlar/buckets.hpp"
#include "ashlar/general.hpp"
#include "conformance/conformance.hpp"

namespace {

using namespace ashlar::literals;

template <ashlar::class_family Family>
struct bucket_subject {
  static constexpr std::size_t largest = 64_KiB;
  explicit bucket_subject(ashlar::memory upstream)
      : buckets_({.upstream = upstream, .family = Family}) {}
  ashlar::manager& get() { return buckets_; }
  bool is_well() { return buckets_.check_invariants(); }
  void adopt(bucket_subject& other) { EXPECT_TRUE(buckets_.adopt(other.buckets_)); }
  ashlar::buckets buckets_;
};

using power_buckets = bucket_subject<ashlar::class_family::powers_of_two>;
using geometric_buckets = bucket_subject<ashlar::class_family::geometric>;
using fine_buckets = bucket_subject<ashlar::class_family::fine>;

struct tight_buckets {
  static constexpr std::size_t largest = 2_KiB;
  static constexpr std::size_t max_alignment = 2_KiB;
  explicit tight_buckets(ashlar::memory upstream)
      : buckets_({.upstream = upstream, .page_size = 4_KiB, .max_block = 2_KiB, .spare = 0}) {}
  ashlar::manager& get() { return buckets_; }
  bool is_well() { return buckets_.check_invariants(); }
  ashlar::buckets buckets_;
};

struct general {
  static constexpr std::size_t largest = 1_MiB;
  explicit general(ashlar::memory upstream) : general_({.os = &upstream.os()}) {}
  ashlar::manager& get() { return general_; }
  bool is_well() { return general_.check_invariants(); }
  ashlar::general_manager general_;
};

struct general_of_few_classes {
  static constexpr std::size_t largest = 256_KiB;
  explicit general_of_few_classes(ashlar::memory upstream)
      : general_({.os = &upstream.os(),
                  .family = ashlar::class_family::powers_of_two,
                  .page_size = 16_KiB,
                  .max_medium = 16_KiB}) {}
  ashlar::manager& get() { return general_; }
  bool is_well() { return general_.check_invariants(); }
  ashlar::general_manager general_;
};

ASHLAR_CONFORMS(power_buckets, power_buckets);
ASHLAR_CONFORMS(geometric_buckets, geometric_buckets);
ASHLAR_CONFORMS(fine_buckets, fine_buckets);
ASHLAR_CONFORMS(tight_buckets, tight_buckets);
ASHLAR_CONFORMS(general, general);
ASHLAR_CONFORMS(general_of_few_classes, general_of_few_classes);

}  // namespace
