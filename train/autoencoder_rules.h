// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "train/config_rules.h"

namespace gantry {

// The rules of objectives that reconstruct samples or compare features: ebgan, began,
// feature_matching, autoencoder, vae; and of layers that compare the samples of a batch.
void check_reconstruction(const RunConfig& config, std::vector<BrokenRule>& rules);

}  // namespace gantry
