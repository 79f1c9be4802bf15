// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gantry {

// The parts of a call's name in a recorded step. "d1.m1.g.dropout1.forward" has micro "d1.m1",
// layer "g.dropout1" and pass "forward"; "d1.m1.loss_real" has no layer; what belongs to a penalty
// has its name after the micro-batch: "d1.m1.r1.d.dropout1.forward" has penalty ".r1". All are
// empty for what belongs to no micro-batch.
struct CallName {
  std::string micro, penalty, layer, pass;

  std::string update() const { return micro.substr(0, micro.find('.')); }
};

CallName split_call(const std::string& name);

}  // namespace gantry
