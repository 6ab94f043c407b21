// SPDX-License-Identifier: MIT
// What nearly every test with GoogleTest includes, precompiled: a third of the time of building the
// tests. A test still includes what it uses.
#pragma once

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>
