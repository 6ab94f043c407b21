// SPDX-License-Identifier: MIT
// std::pmr both ways: a manager as a memory_resource, a memory_resource as a manager.
//
//     ashlar::memory_resource nodes = ashlar::as_memory_resource(pool);
//     std::pmr::map<int, std::pmr::string> names(&nodes);
//
//     std::pmr::monotonic_buffer_resource theirs;
//     ashlar::pmr_manager ours(&theirs);
//     ashlar::vector<int> numbers(ours);
//
// What stands behind must outlive both. A std::pmr container keeps its resource for life: moves and
// swaps between different ones go element by element, or are not allowed, as the standard says.
// Threads: as what stands behind. Cost: one virtual call more than what stands behind.
#pragma once

#include <cstddef>
#include <memory_resource>

#include "ashlar/manager/concepts.hpp"
#include "ashlar/manager/memory.hpp"
#include "ashlar/manager/tally.hpp"

namespace ashlar {

/// A manager in the shape of a std::pmr::memory_resource. Two are equal if their managers are.
/// Refused memory is thrown (refusal.hpp), after the reclaimers were asked.
class ASHLAR_EXPORT memory_resource final : public std::pmr::memory_resource {
 public:
  explicit memory_resource(memory behind) noexcept : memory_(behind) {}
  memory get_memory() const noexcept { return memory_; }

 private:
  void* do_allocate(std::size_t size, std::size_t alignment) override;
  void do_deallocate(void* data, std::size_t size, std::size_t alignment) override;
  bool do_is_equal(const std::pmr::memory_resource& other) const noexcept override;

  memory memory_;
};

/// Returns an object that must outlive the containers which get its address: give it a name.
[[nodiscard]] inline memory_resource as_memory_resource(memory behind) noexcept {
  return memory_resource(behind);
}

/// A manager over a std::pmr::memory_resource, which must outlive it. What the resource throws
/// becomes `no_memory`. Sizes are exact, as a resource wants back just what was asked for.
class ASHLAR_EXPORT pmr_manager : public manager {
 public:
  static constexpr const char* kind_name = "pmr";

  /// `upstream`: not null. `name`: in the registry; outlives this.
  explicit pmr_manager(std::pmr::memory_resource* upstream = std::pmr::get_default_resource(),
                       const char* name = nullptr) noexcept
      : manager(ops_for<pmr_manager>, nullptr), resource_(upstream) {
    join_registry(name);
  }
  ~pmr_manager() { leave_registry(); }

  std::pmr::memory_resource* resource() const { return resource_; }

  allocation allocate(layout request, fit wanted = fit::get_exact) noexcept;
  void deallocate(block b, std::size_t alignment = default_alignment) noexcept;
  manager_usage usage() const noexcept;
  void restart_peak() noexcept { use_.restart_peak(); }

 private:
  std::pmr::memory_resource* resource_;
  use_tally<false> use_;
};

}  // namespace ashlar
