// SPDX-License-Identifier: MIT
// The suite itself is tested: each manager here breaks one rule, and is found out.
#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <set>

#include "conformance/conformance.hpp"
#include "conformance/suite/stage.hpp"

namespace ashlar::test {
namespace {

enum class flaw {
  none,
  loses_a_block,
  returns_too_little,
  ignores_alignment,
  serves_a_block_twice,
  serves_zero_with_nothing,
  takes_any_size,
  takes_any_alignment,
  resizes_to_any_alignment,
  forgets_to_zero,
  forgets_contents,
  moves_what_must_stay,
  counts_wrong,
  reserves_at_once,
  owns_everything
};

/// Passes on to its upstream, but for its flaw.
template <flaw Flaw>
class flawed_manager : public manager {
 public:
  static constexpr const char* kind_name = "flawed";

  explicit flawed_manager(memory upstream)
      : manager(ops_for<flawed_manager>, upstream.get()), from_(upstream) {
    if (Flaw == flaw::reserves_at_once) early_ = from_.allocate({64, 8});
  }
  ~flawed_manager() {
    if (early_) from_.deallocate(early_.get(), 8);
  }

  allocation allocate(layout request, fit) noexcept {
    if (Flaw == flaw::serves_zero_with_nothing && request.size == 0) return allocation::of(this, 0);
    if (Flaw == flaw::serves_a_block_twice && last_.data != nullptr && last_.size >= request.size) {
      const block again = last_;
      last_ = {};
      served_twice_.insert(again.data);
      return allocation::of(again.data, request.size);
    }
    if (!is_power_of_two(request.alignment) && Flaw == flaw::takes_any_alignment)
      request.alignment = 16;
    if (Flaw == flaw::takes_any_size && request.size > max_size)
      return allocation::failed(status::no_memory);
    const std::size_t size = request.size;
    if (Flaw == flaw::ignores_alignment && request.alignment == 256) request.alignment = 8;
    const allocation a = from_.allocate(request);
    if (!a) return a;
    used_ += size;
    ++live_;
    if (Flaw == flaw::serves_a_block_twice && size == 17) last_ = a.get();
    return Flaw == flaw::returns_too_little && size > 9 ? allocation::of(a.data(), size - 1) : a;
  }
  allocation allocate_zeroed(layout request, fit wanted) noexcept {
    const allocation a = allocate(request, wanted);
    if (a && (Flaw != flaw::forgets_to_zero || request.size < 100))
      std::memset(a.data(), 0, a.size());
    return a;
  }
  void deallocate(block b, std::size_t alignment) noexcept {
    if (b.data == nullptr || b.data == this) return;
    if (b.data == last_.data) last_ = {};
    used_ -= b.size;
    --live_;
    if (Flaw == flaw::counts_wrong && b.size == 64) ++used_;
    if (Flaw == flaw::loses_a_block && b.size == 33) return;
    if (Flaw == flaw::ignores_alignment && alignment == 256) alignment = 8;
    // It goes back once, so that what both owners do with it is wrong but no use after free.
    if (served_twice_.erase(b.data) != 0) return;
    from_.deallocate(b, alignment);
  }
  allocation reallocate(block b, std::size_t alignment, const resize& change) noexcept {
    if (!is_power_of_two(alignment)) {
      return Flaw == flaw::resizes_to_any_alignment ? allocation::of(b.data, change.size)
                                                    : allocation::failed(status::bad_alignment);
    }
    if (!change.may_move && Flaw != flaw::moves_what_must_stay)
      return allocation::failed(status::unsupported);
    const allocation a = allocate({change.size, alignment}, change.wanted);
    if (!a) return a;
    std::size_t kept = b.size < change.size ? b.size : change.size;
    if (Flaw == flaw::forgets_contents) kept /= 2;
    std::memcpy(a.data(), b.data, kept);
    deallocate(b, alignment);
    return a;
  }
  bool owns(const void* p) const noexcept requires(Flaw == flaw::owns_everything) {
    return p != nullptr;
  }
  manager_usage usage() const noexcept {
    return {.used = used_, .held = used_, .live_blocks = live_};
  }

 private:
  memory from_;
  allocation early_;
  block last_;
  std::set<void*> served_twice_;
  std::size_t used_ = 0;
  std::size_t live_ = 0;
};

template <flaw Flaw>
struct flawed_subject {
  static constexpr std::size_t largest = 4_KiB;
  static constexpr std::size_t steps = 600;
  explicit flawed_subject(memory upstream) : manager_(upstream) {}
  manager& get() { return manager_; }
  flawed_manager<Flaw> manager_;
};

/// Runs all tests of the suite, as if they were no tests, and returns whether one of them failed.
bool is_found_out(const subject_kind& kind) {
  ::testing::TestPartResultArray results;
  {
    ::testing::ScopedFakeTestPartResultReporter reporter(
        ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ALL_THREADS, &results);
    for (const auto& list :
         {request_tests(), resize_tests(), lifetime_tests(), refusal_tests(), traffic_tests()})
      for (const conformance_test& test : list) test.run(kind);
  }
  for (int i = 0; i < results.size(); ++i)
    if (results.GetTestPartResult(i).failed()) return true;
  return false;
}

template <flaw Flaw>
bool is_flaw_found() {
  return is_found_out(describe<flawed_subject<Flaw>>());
}

TEST(conformance_suite, accepts_a_manager_without_a_flaw) {
  EXPECT_FALSE(is_flaw_found<flaw::none>());
}

TEST(conformance_suite, finds_flaws_in_blocks) {
  EXPECT_TRUE(is_flaw_found<flaw::loses_a_block>());
  EXPECT_TRUE(is_flaw_found<flaw::returns_too_little>());
  EXPECT_TRUE(is_flaw_found<flaw::ignores_alignment>());
  EXPECT_TRUE(is_flaw_found<flaw::serves_a_block_twice>());
  EXPECT_TRUE(is_flaw_found<flaw::serves_zero_with_nothing>());
}

TEST(conformance_suite, finds_flaws_in_refusals) {
  EXPECT_TRUE(is_flaw_found<flaw::takes_any_size>());
  EXPECT_TRUE(is_flaw_found<flaw::takes_any_alignment>());
  EXPECT_TRUE(is_flaw_found<flaw::resizes_to_any_alignment>());
}

TEST(conformance_suite, finds_flaws_in_contents) {
  EXPECT_TRUE(is_flaw_found<flaw::forgets_to_zero>());
  EXPECT_TRUE(is_flaw_found<flaw::forgets_contents>());
  EXPECT_TRUE(is_flaw_found<flaw::moves_what_must_stay>());
}

TEST(conformance_suite, finds_flaws_in_what_it_says_of_itself) {
  EXPECT_TRUE(is_flaw_found<flaw::counts_wrong>());
  EXPECT_TRUE(is_flaw_found<flaw::reserves_at_once>());
  EXPECT_TRUE(is_flaw_found<flaw::owns_everything>());
}

}  // namespace
}  // namespace ashlar::test
