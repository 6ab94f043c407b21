// SPDX-License-Identifier: MIT
#include "ashlar/manager/fit/fit_space.hpp"

namespace ashlar {

namespace {

// Puts what links reach evenly around the range, so that blocks added later are in reach wherever
// they lie. Also where nothing is to spare the first block must not have link 0; the last one still
// has a link then.
fit_links links_around(const std::byte* start, std::size_t size) {
  const std::size_t spare = fit_block::reach - smaller(size, fit_block::reach);
  const std::size_t before = larger(align_down(spare / 2, fit_block::granule), fit_block::granule);
  return fit_links(address_of(start) + fit_block::header - before);
}

// What a trim may give back of a free block: not its head, node and foot.
os::range whole_pages(fit_block* b, std::size_t page) {
  const std::size_t from = align_up(address_of(b) + sizeof(fit_block), page);
  const std::size_t to = align_down(address_of(b->next()) - 8, page);
  return to > from ? os::range{at_address(from), to - from} : os::range{};
}

}  // namespace

// While the OS, or what stands for it, has to do with hidden pages. Those that it keeps are hidden
// again when they are committed.
class fit_space::shown {
 public:
  shown(const fit_space& space, os::range pages) : space_(space), pages_(pages) {
    if (space_.is_watched_) poison::show_defined(pages_.data, pages_.size);
  }
  ~shown() {
    if (space_.is_watched_ && pages_.data < space_.committed_)
      poison::hide(pages_.data, pages_.size);
  }
  shown(const shown&) = delete;
  shown& operator=(const shown&) = delete;

 private:
  const fit_space& space_;
  os::range pages_;
};

status fit_space::prepare(tag_id owner) noexcept {
  if (!from_os_) {
    // Up to the first multiple of 16, the pad, a block aligned to 16, and the sentinel.
    constexpr std::size_t least = 15 + 8 + fit_block::size_for(1, 16) + fit_block::header;
    std::byte* const start = at_address(align_up(address_of(block_.data()), fit_block::alignment));
    std::byte* end = block_.data() + block_.size();
    if (block_.size() <= least) return status::not_enough_memory;
    if (address_of(end) - address_of(start) > fit_block::largest_region)
      end = start + fit_block::largest_region;
    return begin(start, end, end, zeroed_);
  }
  if (os_ == nullptr) os_ = &system_os();
  const std::size_t most = smaller(reserve_, fit_block::largest_region);
  const std::size_t huge = huge_ == huge_pages::wanted ? os::huge_page_size() : 1;
  const std::size_t alignment = most >= huge ? huge : 1;
  page_ = larger(os_->page_size(), alignment);
  const std::size_t size = align_down(smaller(most, os_->available(alignment)), page_);
  if (size == 0) return status::not_enough_memory;
  const os::range region = os_->reserve_for(owner, size, alignment);
  if (!region) return status::no_memory;
  const os::range step{region.data, align_up(smaller(size, larger(step_, 1)), page_)};
  if (const status why = commit_part(step); why != status::success) {
    os_->release(region, 0);
    return why;
  }
  return begin(region.data, step.end(), region.end(), os_->zeroed());
}

status fit_space::commit_part(os::range part) noexcept {
  const status outcome = os_->try_commit(part);
  if (outcome == status::success && huge_ != huge_pages::as_system)
    (void)os_->advise_huge(part, huge_ == huge_pages::wanted);
  return outcome;
}

status fit_space::begin(std::byte* start, std::byte* committed, std::byte* end,
                        bool zeroed) noexcept {
  start_ = start;
  end_ = end;
  committed_ = committed;
  fresh_ = zeroed ? start : end;
  store_relaxed(held_, held_ + static_cast<std::size_t>(committed - start));
  links_ = links_around(start, static_cast<std::size_t>(end - start));
  first_ = fit_block::of(start + fit_block::alignment);
  is_watched_ = poison::is_watched();
  quick_below_ = is_watched_ ? 0 : fit_block::reach + 1;
  set_top(first_);
  return status::success;
}

void fit_space::reset() noexcept {
  if (!is_ready()) return;
  if (from_os_ && added_ == nullptr) return release();
  set_top(first_);
  trim_top(fit_options::unlimited);
  for (row* r = added_; r != nullptr; r = r->next) {
    set_free(r->first(), address_of(r->sentinel) - address_of(r->first()));
    r->sentinel->head = fit_block::used_bit;
  }
}

void fit_space::release() noexcept {
  if (is_ready() && is_watched_) [[unlikely]]
    show_everything();
  if (is_ready() && from_os_) {
    os_->release({start_, static_cast<std::size_t>(end_ - start_)},
                 static_cast<std::size_t>(committed_ - start_));
  }
  first_ = top_ = nullptr;
  added_ = nullptr;
  store_relaxed(held_, std::size_t{0});
}

status fit_space::commit(std::size_t size) noexcept {
  const std::byte* const wanted = top_->payload() + size;
  if (wanted <= committed_) [[likely]]
    return status::success;
  const std::size_t least = align_up(static_cast<std::size_t>(wanted - committed_), page_);
  const std::size_t rest = static_cast<std::size_t>(end_ - committed_);
  // A 64th more each time: few calls, and never much more than is used.
  const std::size_t step = larger(step_, static_cast<std::size_t>(committed_ - start_) / 64);
  std::size_t part = larger(smaller(least, rest), align_up(smaller(step, rest), page_));
  if (commit_part({committed_, part}) != status::success) {
    part = smaller(least, rest);
    if (const status why = commit_part({committed_, part}); why != status::success) return why;
  }
  if (is_watched_) [[unlikely]]
    poison::hide(committed_, part);
  committed_ += part;
  store_relaxed(held_, held_ + part);
  return status::success;
}

std::size_t fit_space::dirty_prefix(const std::byte* data, std::size_t size,
                                    const std::byte* fresh) const {
  const bool in_region = data >= start_ && data < end_;
  if (!in_region || fresh >= data + size) return size;
  return fresh > data ? static_cast<std::size_t>(fresh - data) : 0;
}

fit_block* fit_space::add(std::span<std::byte> block, status& reason) noexcept {
  std::byte* const begin = at_address(align_up(address_of(block.data()), fit_block::alignment));
  std::byte* const end = block.data() + block.size();
  constexpr std::size_t least = sizeof(row) + fit_block::size_for(1, 16) + fit_block::header;
  static_assert(sizeof(row) % fit_block::alignment == fit_block::header, "payloads are aligned");
  reason = status::not_enough_memory;
  if (block.size() < least + fit_block::alignment) return nullptr;
  reason = status::unsupported;
  bool overlaps = begin < end_ && end > start_;
  for (row* r = added_; r != nullptr; r = r->next)
    overlaps |= begin < r->sentinel->payload() && end > reinterpret_cast<std::byte*>(r);
  if (overlaps || !links_.reach(begin, end)) return nullptr;
  reason = status::success;
  row* const r = reinterpret_cast<row*>(begin);
  const std::size_t size = align_down(
      static_cast<std::size_t>(end - begin) - sizeof(row) - fit_block::header, fit_block::granule);
  *r = {.next = added_, .sentinel = r->first()->after(size), .size = block.size()};
  added_ = r;
  set_free(r->first(), size);
  r->sentinel->head = fit_block::used_bit;
  store_relaxed(held_, held_ + block.size());
  return r->first();
}

std::uintptr_t fit_space::end_of_added_row(const fit_block* b) const noexcept {
  for (row* r = added_; r != nullptr; r = r->next)
    if (b >= r->first() && b < r->sentinel) return address_of(r->sentinel);
  return 0;
}

fault_kind fit_space::diagnose(const void* p, fault_detail& detail) const noexcept {
  const auto* const place = static_cast<const std::byte*>(p);
  if (is_ready() && place >= top_->payload() - fit_block::header && place < fresh_ &&
      place < committed_)
    return fault_kind::double_free;  // it was freed and fell to the wilderness
  const std::uintptr_t limit = end_of_row(fit_block::of(place + fit_block::header));
  if (limit == 0) return fault_kind::invalid_free;
  fit_block* b = first_;
  for (row* r = added_; r != nullptr && limit != address_of(top_); r = r->next)
    if (limit == address_of(r->sentinel)) b = r->first();
  for (;; b = b->next()) {
    const std::size_t size = b->size();
    if (size < fit_block::crumb || size > limit - address_of(b)) return fault_kind::corruption;
    if (address_of(place) < address_of(b) + size) break;
  }
  if (!b->is_used()) return fault_kind::double_free;
  if (place == b->payload()) return fault_kind::corruption;
  detail = {.expected = address_of(b->payload()), .actual = b->usable()};
  return fault_kind::interior_free;
}

std::size_t fit_space::footprint() const {
  if (!is_ready()) return 0;
  std::size_t bytes = static_cast<std::size_t>(top_->payload() - start_);
  for (const row* r = added_; r != nullptr; r = r->next) bytes += r->size;
  return bytes;
}

std::size_t fit_space::trim(std::size_t keep) noexcept {
  if (!from_os_ || !is_ready()) return 0;
  std::size_t idle = room_now();
  for_each([&](fit_block* b) {
    if (!b->is_used() && (b->head & fit_block::trimmed_bit) == 0) idle += b->size();
    return true;
  });
  if (idle <= keep) return 0;
  const std::size_t given = trim_top(idle - keep);
  return given + trim_blocks(idle - keep - given);
}

std::size_t fit_space::trim_top(std::size_t wanted) noexcept {
  if (!from_os_) return 0;
  std::byte* const lowest = at_address(align_up(address_of(top_->payload()), page_));
  const std::size_t size =
      align_down(smaller(wanted, static_cast<std::size_t>(committed_ - lowest)), page_);
  if (size == 0) return 0;
  std::byte* const from = committed_ - size;
  const shown pages(*this, {from, size});
  if (os_->decommit({from, size})) {
    committed_ = from;
    store_relaxed(held_, held_ - size);
    if (os_->zeroed() && committed_ < fresh_) fresh_ = committed_;
    return size;
  }
  // It stays committed; only what was touched has pages to give.
  if (!os_->zeroed() || fresh_ <= from || !os_->discard({from, size})) return 0;
  const std::size_t touched = align_up(static_cast<std::size_t>(fresh_ - from), page_);
  fresh_ = from;
  return touched;
}

std::size_t fit_space::trim_blocks(std::size_t wanted) noexcept {
  std::size_t given = 0;
  const auto trim_block = [&](fit_block* b) {
    if (b->is_used() || (b->head & fit_block::trimmed_bit) != 0) return true;
    const os::range pages = whole_pages(b, page_);
    if (!pages || pages.size > wanted - given) return true;
    const shown to_os(*this, pages);
    if (!os_->discard(pages)) return true;
    b->head |= fit_block::trimmed_bit;
    given += pages.size;
    return true;
  };
  for_each_in(first_, top_, trim_block);
  return given;
}

void fit_space::check_invariants() const noexcept {
  if (!is_ready()) return;
  ASHLAR_CHECK(first_ <= top_ && top_->payload() <= committed_ && committed_ <= end_);  // (5)
  ASHLAR_CHECK(top_->payload() <= fresh_);                                              // (5)
  ASHLAR_CHECK(top_->is_previous_used());                                               // (3)
  check_row(first_, top_);
  for (row* r = added_; r != nullptr; r = r->next) check_row(r->first(), r->sentinel);
}

void fit_space::check_row(const fit_block* b, const fit_block* sentinel) const noexcept {
  bool previous_used = true;
  for (; b != sentinel; b = b->next()) {
    ASHLAR_CHECK(b->size() >= (b->is_used() ? fit_block::smallest : fit_block::crumb));  // (1)
    ASHLAR_CHECK(b->size() <= address_of(sentinel) - address_of(b));                     // (1)
    ASHLAR_CHECK(b->is_previous_used() == previous_used);                                // (2)
    ASHLAR_CHECK(b->is_used() || previous_used);                                         // (3)
    ASHLAR_CHECK(b->is_used() || b->is_foot_whole());                                    // (4)
    previous_used = b->is_used();
  }
  ASHLAR_CHECK(sentinel->size() == 0 && sentinel->is_used());   // (1)
  ASHLAR_CHECK(sentinel->is_previous_used() == previous_used);  // (2)
}

}  // namespace ashlar
