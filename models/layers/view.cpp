// SPDX-License-Identifier: Apache-2.0
#include "models/layers/view.h"

#include "models/layers/window.h"

namespace gantry {

void Reshape::describe(Fields& f) {
  f.integers({"shape", "The new shape, [C,H,W] or [C]; elements keep their order H, W, C.", true},
             shape_, {1, kMaxChannels}, 1, 3);
  f.require(shape_.size() != 2, "shape", "must be [C,H,W] or [C]");
}

LayerPlan Reshape::plan(std::span<const Shape> x) {
  y_ = {1, shape_[0], shape_.size() == 3 ? shape_[1] : 1, shape_.size() == 3 ? shape_[2] : 1};
  // In double: the product of three large sizes may not fit an integer.
  const double wanted =
      static_cast<double>(y_.c) * static_cast<double>(y_.h) * static_cast<double>(y_.w);
  if (wanted != static_cast<double>(x[0].elements())) {
    throw ConfigError(concat("shape ", config_shape(y_), " has ", wanted, " elements, the input ",
                             config_shape(x[0]), " has ", x[0].elements(),
                             "; both must have as many"));
  }
  return {y_, {}, {}};
}

LayerPlan Flatten::plan(std::span<const Shape> x) {
  y_ = {1, x[0].per_sample(), 1, 1};
  return {y_, {}, {}};
}

}  // namespace gantry
