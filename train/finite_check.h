// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "train/session.h"

namespace gantry {

// Throws NumericError naming the first tensor that is not finite, if a step has left a metric or
// gradient that is not. All ranks see the same metrics, so that all of them throw, and must look
// after the same steps. `newest_checkpoint`: for the message.
void require_finite(Session& session, const std::function<std::string()>& newest_checkpoint);

// Whether to look after this step: it need not hold up a device that works behind the host's back.
bool is_finite_check_due(Session& session);

}  // namespace gantry
