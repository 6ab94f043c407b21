// SPDX-License-Identifier: MIT
// Tags: whose memory it is, by scope, by class, by manager; and what each may hold.
#pragma once

#include "ashlar/container/managed.hpp"
#include "ashlar/manager/class_tag.hpp"
#include "ashlar/manager/tag.hpp"
#include "ashlar/manager/tag_scope.hpp"
