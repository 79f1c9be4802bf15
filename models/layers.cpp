// SPDX-License-Identifier: Apache-2.0
#include "models/layers/conv.h"
#include "models/layers/dense.h"
#include "models/layers/norm.h"
#include "models/layers/pointwise.h"
#include "models/layers/view.h"

namespace gantry {

namespace {

template <typename T>
LayerPtr make() {
  return std::make_unique<T>();
}

template <ActivationKind kKind>
LayerPtr make_pointwise() {
  return std::make_unique<Pointwise>(kKind);
}

// Every layer type, in the order of the reference. Adding one: its name here, and how it is made below.
constexpr const char* kTypes[] = {
    "dense",      "conv",       "conv_transpose", "batch_norm", "layer_norm", "instance_norm",
    "group_norm", "relu",       "leaky_relu",     "tanh",       "sigmoid",    "elu",
    "silu",       "softplus",   "reshape",        "flatten",
};
constexpr LayerPtr (*kMakers[])() = {
    make<Dense>,
    make<Conv>,
    make<ConvTranspose>,
    make<BatchNorm>,
    make<LayerNorm>,
    make<InstanceNorm>,
    make<GroupNorm>,
    make_pointwise<ActivationKind::kReLU>,
    make_pointwise<ActivationKind::kLeakyReLU>,
    make_pointwise<ActivationKind::kTanh>,
    make_pointwise<ActivationKind::kSigmoid>,
    make_pointwise<ActivationKind::kELU>,
    make_pointwise<ActivationKind::kSiLU>,
    make_pointwise<ActivationKind::kSoftplus>,
    make<Reshape>,
    make<Flatten>,
};
static_assert(std::size(kTypes) == std::size(kMakers));

}  // namespace

std::span<const char* const> layer_types() { return kTypes; }

LayerPtr make_layer(const std::string& type) {
  for (size_t i = 0; i < std::size(kTypes); ++i) {
    if (type == kTypes[i]) return kMakers[i]();
  }
  GANTRY_CHECK(false, "layer type ", type);
  return nullptr;
}

}  // namespace gantry
