// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "train/session.h"

namespace gantry {

// To be called after each step. Throws NumericError naming the first tensor that is not finite, if
// a step has left a metric or gradient that is not; looks as often as costs nothing. All ranks see
// the same metrics, so that all of them throw. `newest_checkpoint`: for the message.
void require_finite(Session& session, const std::function<std::string()>& newest_checkpoint);

}  // namespace gantry
