// SPDX-License-Identifier: Apache-2.0
#include "train/technique_config.h"

namespace gantry {
namespace {

constexpr const char* kAugmentations[] = {"none", "diffaugment", "ada"};
constexpr AugmentationSizes kPublished{1, 1, 0.5, 0.125, 0.5};

}  // namespace

void LecamConfig::describe(Fields& f) {
  f.real({"weight", "Factor of the term (lambda; published: 0.3); 0 for none."}, weight,
         {.min = 0});
  f.real({"decay", "Share of the running means of D's answers that an update of D keeps."}, decay,
         {.min = 0, .max = 1, .open_max = true});
  f.integer({"start", "Steps before the term and the averaging begin."}, start, {.min = 1});
}

void TopKConfig::describe(Fields& f) {
  f.real({"nu", "Share of the batch that is left in the end (published: 0.5); 1 for all of it."},
         nu, {.min = 0, .max = 1, .open_min = true});
  f.real({"gamma", "Factor by which the share shrinks each time."}, gamma,
         {.min = 0, .max = 1, .open_min = true});
  f.integer({"every", "Steps from one time to the next (published: an epoch)."}, every, {.min = 1});
}

void AugmentationSizes::describe(Fields& f) {
  const RealRange share{.min = 0, .max = 1};
  f.real({"brightness",
          "Width of the range, about 0, of what is added to all values of a sample; 0 for none, as "
          "below."},
         brightness, {.min = 0});
  f.real({"saturation", "How far the factor of a pixel's colours may lie from 1."}, saturation,
         share);
  f.real({"contrast", "How far the factor of a sample's contrast may lie from 1."}, contrast,
         share);
  f.real({"translation", "Largest shift, as a share of height and of width; zeros come in."},
         translation, share);
  f.real({"cutout", "Sides of the rectangle that is set to zero, as shares of height and width."},
         cutout, share);
}

void AugmentationConfig::describe(Fields& f) {
  f.variant(
      {"type",
       "none; diffaugment: each operation, on every sample; ada: each with a probability that "
       "follows from D's answers to real samples. Sets the published sizes."},
      type, kAugmentations,
      [this](const std::string& name) {
        *this = AugmentationConfig();
        type = name;
        if (type != "none") sizes = kPublished;
      },
      [this](Fields& g) {
        if (type == "none") return;
        sizes.describe(g);
        if (!adaptive()) return;
        g.real({"target", "Mean sign of D's answers to real samples that is aimed at."}, target,
               {.min = -1, .max = 1});
        g.integer({"every", "Real batches of D from one change of the probability to the next."},
                  every, {.min = 1, .max = 1000});
        g.real({"span", "Samples in which the probability can go from 0 to 1."}, span, {.min = 1});
        g.real({"probability", "Of each operation, in the beginning."}, probability,
               {.min = 0, .max = 1});
      });
}

void ConsistencyConfig::describe(Fields& f) {
  f.real({"weight", "Factor of the term (published: 10); 0 for none."}, weight, {.min = 0});
  sizes.describe(f);
}

}  // namespace gantry
