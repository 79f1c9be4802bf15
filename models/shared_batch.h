// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

#include "models/layer.h"

namespace gantry {

// What a layer or loss that looks at a whole batch asks of the other ranks (Recorder::sharing),
// recorded as calls of the program. Where this rank has the whole batch nothing is recorded.

int64_t ranks_sharing(const Recorder&);

// The rows x of all ranks, in the order of the global sample index: [rank 0; rank 1; ...], in each
// of `groups` equal, consecutive parts of x. An all_reduce of a buffer that is 0 but for this
// rank's rows: 0 + x is x.
TensorRef of_all_ranks(Recorder&, const std::string& name, const TensorRef& x, int64_t groups = 1);

// This rank's rows of what of_all_ranks() has made of one group.
TensorRef own_rows(const Recorder&, const TensorRef& all);

// x <- the mean of x over ranks. `what`: for messages.
void average_over_ranks(Recorder&, const TensorRef& x, const std::string& what);

}  // namespace gantry
