// SPDX-License-Identifier: Apache-2.0
#include "train/condition_config.h"

namespace gantry {
namespace {

constexpr const char* kUpdates[] = {"both", "d"};

}  // namespace

void ClassLossConfig::describe(Fields& f) {
  const RealRange weight{.min = 0};
  f.real({"d_real", "Weight in D's loss of the cross-entropy on real samples; 0 for none."}, d_real,
         weight);
  f.real({"d_fake", "Weight in D's loss of the cross-entropy on generated samples; 0 for none."},
         d_fake, weight);
  f.real({"g", "Weight in G's loss of the cross-entropy; 0 for none."}, g, weight);
}

void CodeLossConfig::describe(Fields& f) {
  const RealRange weight{.min = 0, .open_min = true};
  f.real({"categorical", "Weight of the cross-entropy of each categorical code."}, categorical,
         weight);
  f.real({"continuous", "Weight of the negative log-likelihood of each other code."}, continuous,
         weight);
  f.real({"deviation", "Standard deviation of the normal distribution about D's reading."},
         deviation, weight);
  f.choice_of({"updates",
               "Whose loss has these terms: both (G is rewarded for codes that can be read); d (D "
               "learns to read them, G does not know)."},
              updates, kUpdates);
}

}  // namespace gantry
