// SPDX-License-Identifier: MIT
// The table of functions that leads every system call through the fake in place.
#include "support/fake_os.hpp"

#include <sys/mman.h>

#include <algorithm>

namespace ashlar::test {

namespace {

fake_os* current = nullptr;

const os::system_calls& real() { return os::real_system_calls; }

std::intptr_t map(void* address, std::size_t size, int protection, int flags, int file) noexcept {
  const std::size_t growth = (flags & MAP_FIXED) != 0 ? 0 : size;
  return current->make(call_kind::map, address, size, growth, 0,
                       [=] { return real().map(address, size, protection, flags, file); });
}

std::intptr_t unmap(void* address, std::size_t size) noexcept {
  return current->make(call_kind::unmap, address, size, 0, size,
                       [=] { return real().unmap(address, size); });
}

std::intptr_t protect(void* address, std::size_t size, int protection) noexcept {
  return current->make(call_kind::protect, address, size, 0, 0,
                       [=] { return real().protect(address, size, protection); });
}

std::intptr_t advise(void* address, std::size_t size, int advice) noexcept {
  return current->make(call_kind::advise, address, size, 0, 0,
                       [=] { return real().advise(address, size, advice); });
}

// With a target, that was mapped already: the source goes.
std::intptr_t remap(void* address, std::size_t size, std::size_t new_size, int flags,
                    void* target) noexcept {
  std::size_t growth = new_size > size ? new_size - size : 0;
  std::size_t shrinkage = new_size < size ? size - new_size : 0;
  if ((flags & MREMAP_FIXED) != 0) {
    growth = 0;
    shrinkage = (flags & MREMAP_DONTUNMAP) != 0 ? 0 : size;
  }
  return current->make(call_kind::remap, address, size, growth, shrinkage,
                       [=] { return real().remap(address, size, new_size, flags, target); });
}

std::intptr_t name(void* address, std::size_t size, const char* text) noexcept {
  return current->make(call_kind::name, address, size, 0, 0,
                       [=] { return real().name(address, size, text); });
}

std::intptr_t residency(void* address, std::size_t size, unsigned char* pages) noexcept {
  return current->make(call_kind::residency, address, size, 0, 0,
                       [=] { return real().residency(address, size, pages); });
}

std::intptr_t create_file(const char* text, std::size_t size) noexcept {
  return current->make(call_kind::create_file, nullptr, size, 0, 0,
                       [=] { return real().create_file(text, size); });
}

std::intptr_t close_file(int file) noexcept {
  return current->make(call_kind::close_file, nullptr, 0, 0, 0,
                       [=] { return real().close_file(file); });
}

constinit const os::system_calls faked{
    .map = map,
    .unmap = unmap,
    .protect = protect,
    .advise = advise,
    .remap = remap,
    .name = name,
    .residency = residency,
    .create_file = create_file,
    .close_file = close_file,
};

}  // namespace

fake_os::fake_os() {
  current = this;
  previous_ = &os::exchange_system_calls(faked);
}

fake_os::~fake_os() {
  os::exchange_system_calls(*previous_);
  current = nullptr;
}

void fake_os::refuse_call(unsigned n, int error) {
  const std::lock_guard lock(mutex_);
  calls_until_refusal_ = n;
  numbered_error_ = error;
}

void fake_os::refuse_all(call_kind kind, int error) {
  const std::lock_guard lock(mutex_);
  kind_error_[static_cast<std::size_t>(kind)] = error;
}

void fake_os::accept_all() {
  const std::lock_guard lock(mutex_);
  std::fill(std::begin(kind_error_), std::end(kind_error_), 0);
  calls_until_refusal_ = 0;
  address_space_ = SIZE_MAX;
}

void fake_os::limit_address_space(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  address_space_ = bytes;
}

std::vector<call_record> fake_os::log() const {
  const std::lock_guard lock(mutex_);
  return log_;
}

std::size_t fake_os::count(call_kind kind) const {
  const std::lock_guard lock(mutex_);
  return static_cast<std::size_t>(std::count_if(
      log_.begin(), log_.end(), [kind](const call_record& call) { return call.kind == kind; }));
}

void fake_os::clear_log() {
  const std::lock_guard lock(mutex_);
  log_.clear();
}

std::intptr_t fake_os::refusal(call_kind kind, std::size_t growth) {
  if (calls_until_refusal_ != 0 && --calls_until_refusal_ == 0) return -numbered_error_;
  if (const int error = kind_error_[static_cast<std::size_t>(kind)]; error != 0) return -error;
  return growth > address_space_ ? -ENOMEM : 0;
}

template <class Call>
std::intptr_t fake_os::make(call_kind kind, void* address, std::size_t size, std::size_t growth,
                            std::size_t shrinkage, Call real_call) {
  const std::lock_guard lock(mutex_);
  std::intptr_t outcome = refusal(kind, growth);
  if (outcome == 0) {
    outcome = real_call();
    const bool refused = outcome < 0 && outcome >= -4095;
    if (!refused && address_space_ != SIZE_MAX) address_space_ += shrinkage - growth;
  }
  log_.push_back({kind, reinterpret_cast<std::uintptr_t>(address), size, outcome});
  return outcome;
}

}  // namespace ashlar::test
