// SPDX-License-Identifier: MIT
#include "model/heap_model.hpp"

#include <cstdio>
#include <iterator>
#include <memory>
#include <thread>

#include "ashlar/observe/snapshot.hpp"
#include "support/heap_calls.hpp"
#include "support/pattern.hpp"

namespace ashlar::test {

namespace {

constexpr std::size_t filled_whole = std::size_t{1} << 20;
constexpr std::size_t filled_end = std::size_t{1} << 16;

void fill(const live_block& b) {
  if (b.usable <= filled_whole) return fill_pattern(b.data, b.usable, b.stamp);
  fill_pattern(b.data, filled_end, b.stamp);
  fill_pattern(b.data + b.usable - filled_end, filled_end, b.stamp + 1);
}

// Whether the first `kept` bytes are as `fill` left them.
bool is_filled(const live_block& b, std::size_t kept) {
  if (b.usable <= filled_whole)
    return has_pattern(b.data, kept < b.usable ? kept : b.usable, b.stamp);
  if (!has_pattern(b.data, kept < filled_end ? kept : filled_end, b.stamp)) return false;
  return kept < b.usable || has_pattern(b.data + b.usable - filled_end, filled_end, b.stamp + 1);
}

std::string describe_block(const live_block& b) {
  char text[160];
  std::snprintf(text, sizeof text, "block at %p, %zu bytes asked for, %zu usable, alignment %zu",
                static_cast<void*>(b.data), b.size, b.usable, b.alignment);
  return text;
}

}  // namespace

void heap_model::fail(const std::string& text) {
  if (problem_.empty()) problem_ = text;
}

void heap_model::check_place(const live_block& b) {
  const std::uintptr_t start = address_of(b.data);
  const auto next = places_.lower_bound(start);
  const bool meets_next = next != places_.end() && next->first < start + b.usable;
  const bool meets_previous = next != places_.begin() && std::prev(next)->second > start;
  if (meets_next || meets_previous) fail("overlap: " + describe_block(b));
  if (!is_aligned(start, b.alignment)) fail("misaligned: " + describe_block(b));
  if (b.usable < b.size) fail("too small: " + describe_block(b));
  if (heap::usable_size(b.data) != b.usable) fail("usable_size differs: " + describe_block(b));
  if (heap::owner_of(b.data) != &heap_) fail("wrong owner: " + describe_block(b));
}

void heap_model::enter(const allocation& a, layout request) {
  const live_block b = {static_cast<std::byte*>(a.data()), request.size, a.size(),
                        request.alignment, last_stamp_ += 2};
  check_place(b);
  places_[address_of(b.data)] = address_of(b.data) + b.usable;
  live_.push_back(b);
  if (is_well()) fill(b);
}

void heap_model::leave(std::size_t which) {
  places_.erase(address_of(live_[which].data));
  live_[which] = live_.back();
  live_.pop_back();
}

void heap_model::check_contents(const live_block& b, std::size_t kept) {
  if (!is_filled(b, kept)) fail("contents differ: " + describe_block(b));
}

void heap_model::check_refusal(const allocation& a, layout request) {
  if (may_run_out_ && (a.reason() == status::no_memory || a.reason() == status::over_budget))
    return;
  char text[120];
  std::snprintf(text, sizeof text, "%zu bytes at %zu were refused: %s", request.size,
                request.alignment, to_string(a.reason()));
  fail(text);
}

void heap_model::allocate(layout request, bool zeroed) {
  const allocation a = zeroed ? heap_.allocate_zeroed(request, fit::get_no_less)
                              : heap_.allocate(request, fit::get_no_less);
  if (!a) return check_refusal(a, request);
  if (zeroed && first_nonzero(a.data(), a.size()) != a.size()) fail("not zeroed");
  enter(a, request);
}

void heap_model::deallocate(std::size_t which, bool elsewhere) {
  if (live_.empty()) return;
  which %= live_.size();
  check_contents(live_[which], live_[which].usable);
  void* const p = live_[which].data;
  leave(which);
  if (elsewhere)
    std::thread([this, p] { heap_.deallocate(p); }).join();
  else
    heap_.deallocate(p);
}

void heap_model::reallocate(std::size_t which, layout request) {
  if (live_.empty()) return allocate(request, false);
  which %= live_.size();
  const live_block old = live_[which];
  const allocation a = heap_.reallocate({old.data}, request.alignment,
                                        {.size = request.size, .wanted = fit::get_no_less});
  if (!a) {
    check_refusal(a, request);
    return check_contents(old, old.usable);
  }
  live_block kept = old;
  kept.data = static_cast<std::byte*>(a.data());
  check_contents(kept, old.usable < request.size ? old.usable : request.size);
  leave(which);
  enter(a, request);
}

void heap_model::try_resize(std::size_t which, std::size_t size) {
  if (live_.empty()) return;
  which %= live_.size();
  const live_block old = live_[which];
  const bool done = test::try_resize(heap_, old.data, size);
  check_contents(old, done && size < old.usable ? size : old.usable);
  if (!done) return expect(heap::usable_size(old.data) == old.usable, "try_resize changed a block");
  leave(which);
  enter(allocation::of(old.data, heap::usable_size(old.data)), {size, old.alignment});
}

void heap_model::query(std::size_t which) {
  if (live_.empty()) return;
  const live_block& b = live_[which % live_.size()];
  expect(heap::usable_size(b.data) == b.usable, "usable_size changed");
  expect(heap::owner_of(b.data) == &heap_, "the owner changed");
  expect(heap::good_size(b.size) >= b.size, "good_size is too small");
  expect(heap::usable_size(&b) == 0 && heap::owner_of(&b) == nullptr, "a foreign pointer is ours");
  check_contents(b, b.usable);
}

void heap_model::ask_for_the_absurd(std::size_t which, std::uint64_t n) {
  constexpr auto most = static_cast<std::size_t>(-1);
  const std::size_t used = heap_.used_bytes();
  const layout requests[] = {{most - n % 4096, 16},
                             {max_size + 1 + n % 4096, 16},
                             {max_size - n % 4096, 16},
                             {(std::size_t{1} << 48) + n % (std::size_t{1} << 24), 16},
                             {n % 100'000, 0},
                             {n % 100'000, 3 + n % 5 * 2},
                             {n % 100'000, std::size_t{1} << 63},
                             {(std::size_t{1} << 45) + (n << 20), 64}};
  const layout request = requests[n / 4096 % std::size(requests)];
  expect(!heap_.allocate(request), "an absurd allocation succeeded");
  expect(!heap_.allocate_zeroed(request), "an absurd zeroed allocation succeeded");
  if (!live_.empty()) {
    const live_block& b = live_[which % live_.size()];
    expect(!heap_.reallocate({b.data}, request.alignment, {request.size}),
           "an absurd reallocation succeeded");
    if (request.size > (std::size_t{1} << 40))
      expect(!test::try_resize(heap_, b.data, request.size), "an absurd try_resize succeeded");
    check_contents(b, b.usable);
    expect(heap::usable_size(b.data) == b.usable, "an absurd request changed a block");
  }
  // What may change is what the heap does to serve it: giving idle memory back.
  expect(heap_.used_bytes() <= used, "an absurd request took memory");
}

void heap_model::deallocate_all() {
  while (!live_.empty()) deallocate(live_.size() - 1, false);
}

void heap_model::check_walk() {
  struct walk {
    heap_model* model;
    std::size_t blocks;
  } state = {this, 0};
  heap_.walk({&state, [](void* context, const walked_block& b) {
                auto& w = *static_cast<walk*>(context);
                ++w.blocks;
                const auto place = w.model->places_.find(address_of(b.data));
                if (place == w.model->places_.end() || place->second != address_of(b.data) + b.size)
                  w.model->fail("the walk visits what is no live block");
                return true;
              }});
  if (state.blocks != live_.size()) fail("the walk visits not all blocks, or some twice");
}

void heap_model::check_figures() {
  const auto s = std::make_unique<observe::snapshot>();
  heap_.describe(*s);
  std::uint64_t blocks = s->large.live_blocks;
  std::uint64_t spans = 0;
  for (const observe::size_class_record& r : s->classes) {
    blocks += r.live_blocks;
    spans += r.span_bytes;
  }
  expect(blocks == live_.size(), "describe: live blocks");
  const std::uint64_t dirty = heap_.store().current_totals().dirty;
  expect(s->live + s->slack + s->cached + s->free == heap_.used_bytes() + dirty,
         "describe: the parts are not the whole");
  expect(spans + s->large.span_bytes == heap_.used_bytes(), "describe: spans");
  expect(s->total_free == s->free + s->cached + s->returned, "describe: total_free");
  expect(s->unused == s->total_free + s->slack, "describe: unused");
}

void heap_model::check_all() {
  heap_.check_invariants();
  for (const live_block& b : live_) check_contents(b, b.usable);
  check_walk();
  check_figures();
}

}  // namespace ashlar::test
