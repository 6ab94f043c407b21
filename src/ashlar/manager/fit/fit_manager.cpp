// SPDX-License-Identifier: MIT
// The fit managers, made once for each index.
#include "ashlar/manager/fit/fit_manager.hpp"

#include "ashlar/manager/fit/fit_allocate.hpp"
#include "ashlar/manager/fit/fit_free.hpp"
#include "ashlar/manager/fit/fit_resize.hpp"
#include "ashlar/manager/fit/fit_upkeep.hpp"

namespace ashlar {

template class fit_manager<fit_tree>;
template class fit_manager<fit_tlsf>;
template class fit_manager<fit_hybrid>;

}  // namespace ashlar
