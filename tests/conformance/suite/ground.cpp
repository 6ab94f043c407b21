// SPDX-License-Identifier: MIT
#include "conformance/suite/ground.hpp"

#include <cstdlib>
#include <cstring>

#include "ashlar/base/units.hpp"

#if defined(__SANITIZE_ADDRESS__) || ASHLAR_TSAN
// Sizes that nobody can serve are asked for on purpose.
extern "C" const char* __asan_default_options();
extern "C" const char* __asan_default_options() { return "allocator_may_return_null=1"; }
extern "C" const char* __tsan_default_options();
extern "C" const char* __tsan_default_options() { return "allocator_may_return_null=1"; }
#endif

namespace ashlar::test {

namespace {

// More than any test needs, and little enough that no real allocator is driven mad.
constexpr std::size_t most = 1_GiB;

// An alignment takes its own size of memory, and sanitizers mark all of it: without a limit that is
// a third of what the suite takes with AddressSanitizer, for a handful of requests.
constexpr std::size_t most_alignment = 16_MiB;

std::uintptr_t first_of(os::range part) { return address_of(part.data); }
std::uintptr_t last_of(os::range part) { return address_of(part.data) + part.size; }

ground& owner_of(void* context) { return *static_cast<ground*>(context); }

}  // namespace

// --- the ranges ----------------------------------------------------------------------------------

bool range_set::contains(std::uintptr_t first, std::uintptr_t last) const {
  auto at = ranges_.upper_bound(first);
  return at != ranges_.begin() && (--at)->second >= last;
}

bool range_set::add(std::uintptr_t first, std::uintptr_t last) {
  auto next = ranges_.lower_bound(first);
  if (next != ranges_.end() && next->first < last) return false;
  if (next != ranges_.begin()) {
    const auto before = std::prev(next);
    if (before->second > first) return false;
    if (before->second == first) {
      first = before->first;
      ranges_.erase(before);
    }
  }
  if (next != ranges_.end() && next->first == last) {
    last = next->second;
    ranges_.erase(next);
  }
  ranges_.emplace(first, last);
  return true;
}

bool range_set::remove(std::uintptr_t first, std::uintptr_t last) {
  if (!contains(first, last)) return false;
  const auto at = std::prev(ranges_.upper_bound(first));
  const auto [whole_first, whole_last] = *at;
  ranges_.erase(at);
  if (whole_first < first) ranges_.emplace(whole_first, first);
  if (last < whole_last) ranges_.emplace(last, whole_last);
  return true;
}

std::size_t range_set::total() const {
  std::size_t sum = 0;
  for (const auto& [first, last] : ranges_) sum += last - first;
  return sum;
}

// --- requests and refusals -----------------------------------------------------------------------

ground::ground() : os_(make_verbs(*this)), upstream_(*this, os_) {}

// What a manager with a flaw has not given back, the tests of the suite itself must not leak.
ground::~ground() {
  for (const auto& [at, lent] : blocks_)
    std::free(at_address(at) - (lent.alignment < 8 ? 8 : lent.alignment));
}

void ground::refuse_call(std::size_t n, bool all_after) {
  const std::lock_guard guard(mutex_);
  calls_until_refusal_ = n;
  all_after_ = all_after;
}

void ground::limit(std::size_t bytes) {
  const std::lock_guard guard(mutex_);
  limit_ = bytes;
}

void ground::accept_all() {
  refuse_call(0);
  limit(SIZE_MAX);
}

std::size_t ground::calls() const {
  const std::lock_guard guard(mutex_);
  return calls_;
}

std::size_t ground::refusals() const {
  const std::lock_guard guard(mutex_);
  return refusals_;
}

std::size_t ground::in_use() const {
  const std::lock_guard guard(mutex_);
  return in_use_;
}

bool ground::is_bare() const {
  const std::lock_guard guard(mutex_);
  return blocks_.empty() && reservations_.empty();
}

std::string ground::problem() const {
  const std::lock_guard guard(mutex_);
  return problem_;
}

void ground::fail(const char* text) {
  if (problem_.empty()) problem_ = text;
}

bool ground::refuses(std::size_t growth) {
  ++calls_;
  bool refused = growth > most || in_use_ + growth > limit_;
  if (calls_until_refusal_ == 1) {
    refused = true;
    if (!all_after_) calls_until_refusal_ = 0;
  } else if (calls_until_refusal_ != 0) {
    --calls_until_refusal_;
  }
  refusals_ += refused;
  return refused;
}

// --- blocks --------------------------------------------------------------------------------------

allocation ground::block_source::allocate(layout request, fit wanted) noexcept {
  if (!is_power_of_two(request.alignment)) return allocation::failed(status::bad_alignment);
  if (request.size > max_size) return allocation::failed(status::too_large);
  // Some more than asked for, so that whoever above confuses the two is found out.
  const std::size_t usable =
      wanted == fit::get_no_less ? align_up(request.size + 1, 16) : request.size;
  void* const data = owner_.lend(request, usable);
  return data != nullptr ? allocation::of(data, usable) : allocation::failed(status::no_memory);
}

void ground::block_source::deallocate(block b, std::size_t alignment) noexcept {
  if (b.data != nullptr) owner_.take_back(b, alignment);
}

manager_usage ground::block_source::usage() const noexcept {
  const std::lock_guard guard(owner_.mutex_);
  std::size_t sum = 0;
  for (const auto& [at, lent] : owner_.blocks_) sum += lent.usable;
  return {.used = sum, .held = sum, .live_blocks = owner_.blocks_.size()};
}

void* ground::lend(layout request, std::size_t usable) {
  const std::lock_guard guard(mutex_);
  if (refuses(request.alignment > most_alignment ? SIZE_MAX : usable)) return nullptr;
  // At an odd multiple of the alignment, so that whoever relies on more is found out.
  const std::size_t alignment = request.alignment < 8 ? 8 : request.alignment;
  void* raw = nullptr;
  if (::posix_memalign(&raw, alignment * 2, usable + alignment + 1) != 0) return nullptr;
  auto* const data = static_cast<std::byte*>(raw) + alignment;
  std::memset(data, 0xa5, usable);
  blocks_[address_of(data)] = {request.size, usable, request.alignment};
  in_use_ += usable;
  return data;
}

void ground::take_back(block b, std::size_t alignment) {
  const std::lock_guard guard(mutex_);
  const auto at = blocks_.find(address_of(b.data));
  if (at == blocks_.end()) return fail("a block came back that was not lent");
  const lent_block lent = at->second;
  if (b.size < lent.asked || b.size > lent.usable + (lent.asked == 0))
    fail("a block came back with a wrong size");
  if (alignment != lent.alignment) fail("a block came back with another alignment");
  in_use_ -= lent.usable;
  blocks_.erase(at);
  std::memset(b.data, 0xdd, lent.usable);
  std::free(static_cast<std::byte*>(b.data) - (alignment < 8 ? 8 : alignment));
}

// --- the OS --------------------------------------------------------------------------------------

os_verbs ground::make_verbs(ground& owner) {
  return {
      .context = &owner,
      .reserve = [](void* c, std::size_t size,
                    std::size_t alignment) { return owner_of(c).reserve(size, alignment); },
      .release = [](void* c, os::range memory,
                    std::size_t committed) { owner_of(c).release(memory, committed, false); },
      .commit = [](void* c, os::range part) { return owner_of(c).commit(part); },
      .decommit = [](void* c, os::range part) { return owner_of(c).decommit(part); },
      .discard =
          [](void* c, os::range part) {
            return owner_of(c).is_committed(part) && os::discard(part).ok();
          },
      .populate =
          [](void* c, os::range part) {
            return owner_of(c).is_committed(part) && os::populate(part).ok();
          },
      .protect =
          [](void* c, os::range part, os::access rights) {
            return owner_of(c).is_committed(part) && os::protect(part, rights).ok();
          },
      .mirror = [](void* c, std::size_t size) { return owner_of(c).mirror(size); },
      .release_mirrored =
          [](void* c, os::range memory) { owner_of(c).release(memory, memory.size / 2, true); },
      .zeroed = true,
  };
}

os::range ground::reserve(std::size_t size, std::size_t alignment) {
  const std::lock_guard guard(mutex_);
  if (refuses(0)) return {};
  const os::range memory = os::reserve(size, alignment).value;
  if (memory) reservations_[first_of(memory)] = {memory.size, {}, false};
  return memory;
}

void ground::release(os::range memory, std::size_t committed, bool mirrored) {
  const std::lock_guard guard(mutex_);
  const auto at = reservations_.find(first_of(memory));
  if (at == reservations_.end() || at->second.size != memory.size ||
      at->second.mirrored != mirrored)
    return fail("a range was released that is no reservation");
  const std::size_t really = mirrored ? memory.size / 2 : at->second.committed.total();
  if (really != committed) fail("a range was released with a wrong number of committed bytes");
  in_use_ -= really;
  reservations_.erase(at);
  mirrored ? os::release_mirrored(memory) : os::release(memory, really);
}

bool ground::commit(os::range part) {
  const std::lock_guard guard(mutex_);
  reservation* const whole = find(part);
  if (whole == nullptr) {
    fail("a range was committed that is not reserved");
    return false;
  }
  if (refuses(part.size)) return false;
  if (!whole->committed.add(first_of(part), last_of(part))) {
    fail("a range was committed twice");
    return false;
  }
  in_use_ += part.size;
  return os::commit(part).ok();
}

bool ground::decommit(os::range part) {
  const std::lock_guard guard(mutex_);
  if (!is_committed(part) || refuses(0) || !os::decommit(part).ok()) return false;
  (void)find(part)->committed.remove(first_of(part), last_of(part));
  in_use_ -= part.size;
  return true;
}

// Hints and what only takes away may fail too, so they count as requests.
bool ground::is_committed(os::range part) {
  const std::lock_guard guard(mutex_);
  reservation* const whole = find(part);
  if (whole == nullptr || !whole->committed.contains(first_of(part), last_of(part))) {
    fail("a call for a range that is not committed");
    return false;
  }
  return true;
}

os::range ground::mirror(std::size_t size) {
  const std::lock_guard guard(mutex_);
  if (refuses(size)) return {};
  const os::range memory = os::reserve_mirrored(size).value;
  if (!memory) return {};
  reservations_[first_of(memory)] = {memory.size, {}, true};
  in_use_ += memory.size / 2;
  return memory;
}

ground::reservation* ground::find(os::range part) {
  auto at = reservations_.upper_bound(first_of(part));
  if (at == reservations_.begin()) return nullptr;
  --at;
  const bool is_inside = last_of(part) <= at->first + at->second.size;
  const bool is_whole_pages = is_aligned(first_of(part) | part.size, os::page_size());
  return is_inside && is_whole_pages && part.size != 0 ? &at->second : nullptr;
}

}  // namespace ashlar::test
