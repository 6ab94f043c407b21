// SPDX-License-Identifier: MIT
#include "ashlar/manager/check/arena_snapshot.hpp"

#include <cstring>

namespace ashlar {

// Calls `visit(chunk, data, size)` for each chunk in use, the newest first, those beside last.
template <class Visit>
void arena_snapshot::for_each_piece(Visit visit) const noexcept {
  const arena& a = *arena_;
  for (const chunk* c = a.current_; c != nullptr; c = c->previous) {
    const std::byte* const top = c == a.current_ ? a.cur_ : c->top;
    if (c->data != nullptr) visit(c, c->data, static_cast<std::size_t>(top - c->data));
  }
  // One that was adopted takes its bytes, not its positions.
  for (const chunk* c = a.beside_; c != nullptr; c = c->previous)
    visit(c, c->data, static_cast<std::size_t>(c->top - c->data));
}

arena_snapshot::arena_snapshot(arena& source, memory storage) noexcept
    : arena_(&source), storage_(storage) {
  if (poison::is_watched()) {  // what lies between blocks is hidden, from us too
    reason_ = status::unsupported;
    return;
  }
  for_each_piece([&](const chunk*, std::byte*, std::size_t size) {
    ++pieces_;
    size_ += size;
  });
  const allocation a = storage_.allocate({size_ + pieces_ * sizeof(piece) + 1, alignof(piece)});
  reason_ = a.reason();
  if (!a) return;
  copy_ = a.get();
  position_ = source.pos();
  first_data_ = source.first_.data;
  last_owned_ = source.last_owned_;
  auto* next = static_cast<piece*>(copy_.data);
  auto* bytes = reinterpret_cast<std::byte*>(next + pieces_);
  for_each_piece([&](const chunk* c, std::byte* data, std::size_t size) {
    *next++ = {c, data, size};
    if (size != 0) std::memcpy(bytes, data, size);
    bytes += size;
  });
}

arena_snapshot::~arena_snapshot() {
  if (copy_) storage_.deallocate(copy_, alignof(piece));
}

// Whether the chunk is in use and what was copied of it is within it.
bool arena_snapshot::is_same(const piece& saved) const noexcept {
  bool found = false;
  for_each_piece([&](const chunk* c, const std::byte* data, std::size_t) {
    found = found || (c == saved.of && data == saved.data &&
                      static_cast<std::size_t>(c->end - data) >= saved.size);
  });
  return found;
}

bool arena_snapshot::restore() noexcept {
  arena& a = *arena_;
  if (!copy_ || a.child_ != nullptr || a.first_.data != first_data_) return false;
  const auto* const saved = static_cast<const piece*>(copy_.data);
  for (std::size_t i = 0; i < pieces_; ++i)
    if (!is_same(saved[i])) return false;
  // Owned objects: those of then must be there still, below whatever came since.
  const detail::arena_finalizer* f = a.last_owned_;
  while (f != nullptr && f != last_owned_) f = f->previous;
  if (f != last_owned_) return false;
  if (a.pos() < position_) {
    // What is missing is taken again, if it comes to lie where it was.
    if (pieces_ != 1 || a.watcher_ != nullptr) return false;
    const allocation again = a.allocate({position_ - a.pos(), 1});
    if (!again || a.pos() != position_) return false;
  } else if (a.pos() > position_) {
    a.pop_to(position_);
    if (a.pos() != position_) return false;
  }
  const auto* bytes = reinterpret_cast<const std::byte*>(saved + pieces_);
  for (std::size_t i = 0; i < pieces_; ++i) {
    if (saved[i].size != 0) std::memcpy(saved[i].data, bytes, saved[i].size);
    bytes += saved[i].size;
  }
  return true;
}

}  // namespace ashlar
