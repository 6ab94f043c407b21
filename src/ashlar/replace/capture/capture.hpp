// SPDX-License-Identifier: MIT
// A capture asked for by a C++ program, whether or not the drop-in malloc is there.
#pragma once

#include "ashlar/replace/capture/capture.h"

namespace ashlar {

/// As `ashlar_write_capture`: writes what is tracked now to a file; null: the next one of the
/// folder of captures. Errors: false, also in a program that runs without libashlar-malloc.
inline bool write_capture(const char* path = nullptr) noexcept {
  return &::ashlar_write_capture != nullptr && ::ashlar_write_capture(path) != 0;
}

}  // namespace ashlar
