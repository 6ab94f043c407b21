// SPDX-License-Identifier: MIT
#include "ashlar/manager/pool/place_table.hpp"

#include <cstring>

#include "ashlar/manager/source/os_manager.hpp"
#include "ashlar/manager/tag_scope.hpp"

namespace ashlar {

namespace {

constexpr std::size_t first_directory_size = 16;

}  // namespace

memory place_table::source() const noexcept { return upstream_ ? upstream_ : memory(system_os()); }

bool place_table::grow() noexcept {
  const block_tag_scope counted(tag_);
  const std::size_t count = std::size_t{1} << chunk_shift_;
  if (count > none - used_) return false;
  const std::size_t chunk = used_ >> chunk_shift_;
  if (chunk == directory_size_ && !grow_directory()) return false;
  const allocation fresh = source().allocate({stride_ << chunk_shift_, alignment_});
  if (!fresh) return false;
  held_ += fresh.size();
  chunks_[chunk] = static_cast<std::byte*>(fresh.data());
  // In ascending order, so that objects made one after the other lie side by side.
  const auto end = static_cast<std::uint32_t>(used_ + count);
  for (std::uint32_t i = used_; i < end; ++i) (*this)[i] = {0, i + 1 < end ? i + 1 : none};
  first_free_ = used_;
  used_ = end;
  return true;
}

bool place_table::grow_directory() noexcept {
  const std::size_t size = directory_size_ == 0 ? first_directory_size : 2 * directory_size_;
  const allocation fresh = source().allocate({size * sizeof(std::byte*), alignof(std::byte*)});
  if (!fresh) return false;
  const std::size_t old_bytes = directory_size_ * sizeof(std::byte*);
  if (old_bytes != 0) std::memcpy(fresh.data(), chunks_, old_bytes);
  source().deallocate({chunks_, old_bytes}, alignof(std::byte*));
  held_ += fresh.size() - old_bytes;
  chunks_ = static_cast<std::byte**>(fresh.data());
  directory_size_ = size;
  return true;
}

void place_table::release() noexcept {
  const memory from = source();
  for (std::size_t i = 0; i < used_ >> chunk_shift_; ++i)
    from.deallocate({chunks_[i], stride_ << chunk_shift_}, alignment_);
  from.deallocate({chunks_, directory_size_ * sizeof(std::byte*)}, alignof(std::byte*));
  first_free_ = none;
  used_ = 0;
  chunks_ = nullptr;
  directory_size_ = live_ = held_ = 0;
}

}  // namespace ashlar
