// SPDX-License-Identifier: MIT
// The managers of the container layer: a manager over a std::pmr::memory_resource, which stands
// here over a manager again.
#include "ashlar/pmr.hpp"
#include "conformance.hpp"

namespace ashlar::test {
namespace {

struct pmr_subject {
  static constexpr std::size_t largest = 1_MiB;
  explicit pmr_subject(memory upstream) : resource_(upstream), manager_(&resource_) {}
  manager& get() { return manager_; }

  memory_resource resource_;
  pmr_manager manager_;
};
ASHLAR_CONFORMS(pmr_manager, pmr_subject);

}  // namespace
}  // namespace ashlar::test
