// SPDX-License-Identifier: Apache-2.0
#include "train/penalty_config.h"

namespace gantry {

void SlopePenaltyConfig::describe(Fields& f, bool has_spread) {
  f.real({"weight", "Factor of the penalty (lambda); 0 for none."}, weight, {.min = 0});
  f.real({"target", "The norm that costs nothing."}, target, {.min = 0});
  f.flag({"one_sided", "Penalise norms above the target alone."}, one_sided);
  if (!has_spread) return;
  f.real(
      {"spread", "How far the points lie from the samples, in standard deviations of the batch."},
      spread, {.min = 0, .open_min = true});
}

void PenaltiesConfig::describe(Fields& f) {
  f.object(
      {"gradient",
       "What the norm of D's gradient lacks to `target`, squared, at points between a real and a "
       "generated sample (WGAN-GP)."},
      [this](Fields& g) { gradient.describe(g, false); });
  f.object({"dragan", "The same at points about real samples (DRAGAN)."},
           [this](Fields& g) { dragan.describe(g, true); });
  f.real({"r1",
          "Penalty on the squared norm of D's gradient at real samples: gamma, of which half is "
          "the factor; 0 for none."},
         r1, {.min = 0});
  f.real({"r2", "The same at generated samples."}, r2, {.min = 0});
  f.integer(
      {"every", "Add the penalties in every so many steps only, and so many times as strong."},
      every, {.min = 1, .max = 1000});
}

}  // namespace gantry
