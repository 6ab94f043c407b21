// SPDX-License-Identifier: MIT
#include "conformance/suite/model.hpp"

#include <algorithm>
#include <cstring>

#include "ashlar/base/bits.hpp"
#include "support/pattern.hpp"

namespace ashlar::test {

namespace {

std::size_t at_least_one(std::size_t n) { return n + (n == 0); }

bool is_zero(const allocation& a) { return first_nonzero(a.data(), a.size()) == a.size(); }

bool is_same(const manager_usage& a, const manager_usage& b) {
  return a.used == b.used && a.live_blocks == b.live_blocks;
}

}  // namespace

void manager_model::expect(bool condition, const char* text) {
  if (!condition && problem_.empty()) problem_ = text;
}

std::size_t manager_model::pick(std::size_t which) const {
  return is_lifo() ? live_.size() - 1 : which % live_.size();
}

void manager_model::forget_marks_above(std::size_t count) {
  std::erase_if(marks_, [count](const taken_mark& m) { return m.below > count; });
}

// --- making and ending blocks --------------------------------------------------------------------

const allocation& manager_model::allocate(layout request, fit wanted, bool zeroed) {
  const manager_usage before = memory_.usage();
  last_ = zeroed ? memory_.allocate_zeroed(request, wanted) : memory_.allocate(request, wanted);
  if (!last_) {
    check_refusal(last_, request, before);
    return last_;
  }
  if (zeroed) expect(is_zero(last_), "zeroed memory is not zero");
  enter(last_, request, wanted);
  return last_;
}

void manager_model::enter(const allocation& a, layout request, fit wanted) {
  auto* const data = static_cast<std::byte*>(a.data());
  expect(a.reason() == status::success, "a success with a reason");
  expect(is_aligned(address_of(data), request.alignment), "a block is not aligned");
  expect(a.size() >= request.size, "a block is too small");
  expect(wanted == fit::get_no_less || a.size() == request.size, "get_exact gave another size");
  const std::uintptr_t first = address_of(data);
  const std::uintptr_t last = first + at_least_one(a.size());
  const auto next = places_.lower_bound(first);
  expect(next == places_.end() || next->first >= last, "a block overlaps the next one");
  expect(next == places_.begin() || std::prev(next)->second <= first,
         "a block overlaps the one before");
  if (!is_well()) return;
  places_[first] = last;
  live_.push_back({data, request.size, a.size(), request.alignment, ++last_stamp_});
  fill_pattern(data, a.size(), last_stamp_);
}

live_block manager_model::leave(std::size_t which) {
  const live_block b = live_[which];
  forget_marks_above(which);
  places_.erase(address_of(b.data));
  live_.erase(live_.begin() + static_cast<std::ptrdiff_t>(which));
  return b;
}

void manager_model::deallocate(std::size_t which, std::size_t extra) {
  if (live_.empty()) return;
  which = pick(which);
  check_contents(live_[which], live_[which].usable);
  const live_block b = leave(which);
  memory_.deallocate({b.data, std::min(b.size + extra, b.usable)}, b.alignment);
}

void manager_model::deallocate_unsized(std::size_t which) {
  if (live_.empty()) return;
  which = pick(which);
  check_contents(live_[which], live_[which].usable);
  const live_block b = leave(which);
  memory_.get()->ops().deallocate_unsized(*memory_.get(), b.data);
}

const allocation& manager_model::reallocate(std::size_t which, const resize& change) {
  last_ = {};
  if (live_.empty()) return last_;
  which = pick(which);
  const live_block old = live_[which];
  const manager_usage before = memory_.usage();
  check_contents(old, old.usable);
  last_ = memory_.reallocate({old.data, old.size}, old.alignment, change);
  const allocation& a = last_;
  if (!a) {
    check_refusal(a, {change.size, old.alignment}, before);
    const bool may_be_unsupported = !change.may_move || change.size > kind_.largest ||
                                    (is_lifo() && !memory_.can(capability::resize));
    expect(a.reason() != status::unsupported || may_be_unsupported, "a resize is not supported");
    check_contents(old, old.usable);
    return a;
  }
  expect(change.may_move || a.data() == old.data, "a block moved that must not");
  const std::size_t kept =
      std::min({old.size, change.size, a.data() == old.data ? old.size : change.used});
  check_contents({static_cast<std::byte*>(a.data()), 0, 0, 0, old.stamp}, kept);
  (void)leave(which);
  enter(a, {change.size, old.alignment}, change.wanted);
  return last_;
}

void manager_model::deallocate_all() {
  while (!live_.empty() && is_well()) deallocate(live_.size() - 1);
}

void manager_model::end_all_blocks() {
  if (memory_.can(capability::free_all) && memory_.can(capability::no_op_deallocate))
    free_all();
  else
    deallocate_all();
}

void manager_model::free_all() {
  for (const live_block& b : live_) check_contents(b, b.usable);
  memory_.free_all();
  live_.clear();
  places_.clear();
  marks_.clear();
  const std::size_t used = memory_.usage().used;
  expect(used == 0 || used == manager_usage::unknown, "memory is used after free_all");
}

void manager_model::take_mark() { marks_.push_back({memory_.here(), live_.size()}); }

void manager_model::rewind() {
  if (marks_.empty()) return;
  const taken_mark to = marks_.back();
  marks_.pop_back();
  while (live_.size() > to.below) {
    check_contents(live_.back(), live_.back().usable);
    places_.erase(address_of(live_.back().data));
    live_.pop_back();
  }
  memory_.rewind(to.place);
}

void manager_model::trim(std::size_t keep) {
  const std::size_t held = memory_.usage().held;
  const std::size_t given_back = memory_.trim(keep);
  expect(memory_.usage().held <= held, "trim took memory");
  expect(given_back == 0 || memory_.can(capability::trim), "a trim that is not declared");
}

void manager_model::adopt(manager_model& other) {
  subject_.adopt(other.subject_);
  for (const live_block& b : other.live_) {
    places_[address_of(b.data)] = address_of(b.data) + at_least_one(b.usable);
    live_.push_back(b);
  }
  last_stamp_ = std::max(last_stamp_, other.last_stamp_);
  other.live_.clear();
  other.places_.clear();
  other.marks_.clear();
  marks_.clear();
}

// --- what may be refused -------------------------------------------------------------------------

void manager_model::check_refusal(const allocation& a, layout request,
                                  const manager_usage& before) {
  const status why = a.reason();
  expect(why != status::success, "a failure without a reason");
  expect(why == status::not_enough_memory || a.would_fit() == 0, "would_fit has no meaning");
  expect(why != status::not_enough_memory || a.would_fit() < at_least_one(request.size),
         "refused, although it would fit");
  expect(is_same(before, memory_.usage()), "a refusal changed the figures");
  const bool must_serve = request.size <= kind_.largest && request.alignment <= kind_.max_alignment;
  if (!must_serve || why == status::unsupported) return;
  expect(may_run_out_, "a request was refused that must be served");
  expect(why == status::no_memory || why == status::not_enough_memory || why == status::over_budget,
         "a refusal for want of memory has another reason");
}

void manager_model::ask_for_the_absurd() {
  const manager_usage before = memory_.usage();
  const auto refused = [&](layout request, status why) {
    for (const fit wanted : {fit::get_exact, fit::get_no_less}) {
      expect(memory_.allocate(request, wanted).reason() == why, "an absurd request: wrong reason");
      expect(memory_.allocate_zeroed(request, wanted).reason() == why,
             "an absurd zeroed request: wrong reason");
    }
  };
  for (const std::size_t alignment : {1, 16, 4096}) {
    refused({max_size + 1, alignment}, status::too_large);
    refused({SIZE_MAX - 15, alignment}, status::too_large);
    refused({SIZE_MAX, alignment}, status::too_large);
  }
  for (const std::size_t alignment : {0, 3, 24, 65535})
    refused({8, alignment}, status::bad_alignment);
  // Whatever is added to these must not wrap.
  for (const std::size_t less : {0, 1, 15, 16, 4096, 65536})
    for (const std::size_t alignment : {1, 16, 65536}) {
      const allocation a = memory_.allocate({max_size - less, alignment});
      expect(!a && a.reason() != status::success, "nearly all of the address space was served");
      expect(a.reason() != status::bad_alignment || alignment > kind_.max_alignment,
             "a wrong reason for a huge size");
    }
  expect(is_same(before, memory_.usage()), "absurd requests changed the figures");
}

// --- manager and model as a whole ----------------------------------------------------------------

void manager_model::check_contents(const live_block& b, std::size_t bytes) {
  expect(has_pattern(b.data, bytes, b.stamp), "contents were changed");
}

void manager_model::check_walk() {
  std::map<std::uintptr_t, std::size_t> found;
  memory_.walk({&found, [](void* context, const walked_block& b) {
                  static_cast<decltype(found)*>(context)->emplace(address_of(b.data), b.size);
                  return true;
                }});
  expect(found.size() == live_.size(), "the walk found another number of blocks");
  for (const live_block& b : live_) {
    const auto at = found.find(address_of(b.data));
    expect(at != found.end(), "the walk left a block out");
    expect(at == found.end() || at->second >= b.usable, "the walk tells a size that is too small");
  }
}

void manager_model::check_usage() {
  const manager_usage now = memory_.usage();
  std::size_t sum = 0;
  for (const live_block& b : live_) sum += b.usable;
  if (now.used == manager_usage::unknown)
    return expect(now.held == manager_usage::unknown, "it holds memory and does not know its use");
  const bool is_noop = memory_.can(capability::no_op_deallocate);
  expect(now.used >= sum, "less is used than is live");
  expect(is_noop || kind_.caches || !live_.empty() || now.used == 0,
         "memory is used and nothing is live");
  expect(now.live_blocks == manager_usage::unknown || is_noop || now.live_blocks == live_.size(),
         "a wrong number of live blocks");
  most_used_ = std::max(most_used_, now.used);
  expect(now.peak_used >= most_used_, "the peak lies below what was used");
  expect(now.used <= now.limit, "more is used than the limit allows");
}

void manager_model::check_all() {
  for (const live_block& b : live_) {
    check_contents(b, b.usable);
    if (memory_.can(capability::own))
      expect(memory_.owns(b.data) && memory_.owns(b.data + at_least_one(b.usable) - 1),
             "a block is not owned");
    if (memory_.can(capability::size))
      expect(memory_.usable_size(b.data) >= b.usable, "usable_size is too small");
  }
  if (memory_.can(capability::own))
    expect(!memory_.owns(nullptr) && !memory_.owns(this), "foreign memory is owned");
  if (memory_.can(capability::walk)) check_walk();
  check_usage();
  expect(subject_.is_well(), "the invariants do not hold");
}

}  // namespace ashlar::test
