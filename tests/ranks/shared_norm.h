// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "kernels/kernels.h"

namespace gantry {

// Runs work(rank, backend, communicator) on so many ranks.
using OnRanks =
    std::function<void(int, const std::function<void(int, const Backend&, Communicator&)>&)>;

// batch_norm of a batch that ranks share: what each of them computes of its part is that part of
// what one computes of the whole (kSharedNormF32).
void expect_parts_of_the_whole(const OnRanks& on_ranks);

}  // namespace gantry
