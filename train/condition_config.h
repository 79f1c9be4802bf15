// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/fields.h"

namespace gantry {

// "acgan": D names the class of what it sees, by its second output, n x classes logits, and G
// makes samples whose class is named (Odena et al. 2017). Each term is the mean cross-entropy
// against the sample's own class; 0 leaves it out.
struct ClassLossConfig {
  double d_real = 1, d_fake = 1, g = 1;

  void describe(Fields& f);
};

// "infogan": D reads the codes from G's samples by its further outputs, one a code in the order of
// latent.codes (Chen et al. 2016).
struct CodeLossConfig {
  enum class Updates : uint8_t { kBoth, kDiscriminator };
  double categorical = 1, continuous = 1;  // lambda of eq. 6
  double deviation = 1;                    // of the readings of continuous codes
  Updates updates = Updates::kBoth;

  void describe(Fields& f);
};

}  // namespace gantry
