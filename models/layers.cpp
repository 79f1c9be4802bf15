// SPDX-License-Identifier: Apache-2.0
#include <array>

#include "models/layers/conv.h"
#include "models/layers/dense.h"
#include "models/layers/dropout.h"
#include "models/layers/join.h"
#include "models/layers/minibatch.h"
#include "models/layers/norm.h"
#include "models/layers/pointwise.h"
#include "models/layers/pool.h"
#include "models/layers/view.h"
#include "models/layers/virtual_norm.h"

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

struct LayerType {
  const char* name;
  LayerPtr (*make)();
};

// Every layer that a config can name, in the order of the reference. To add one, add a line.
constexpr LayerType kLayers[] = {
    {"dense", make<Dense>},
    {"embedding", make<Embedding>},
    {"conv", make<Conv>},
    {"conv_transpose", make<ConvTranspose>},
    {"batch_norm", make<BatchNorm>},
    {"layer_norm", make<LayerNorm>},
    {"instance_norm", make<InstanceNorm>},
    {"group_norm", make<GroupNorm>},
    {"virtual_batch_norm", make<VirtualBatchNorm>},
    {"minibatch_discrimination", make<MinibatchDiscrimination>},
    {"relu", make_pointwise<ActivationKind::kReLU>},
    {"leaky_relu", make_pointwise<ActivationKind::kLeakyReLU>},
    {"tanh", make_pointwise<ActivationKind::kTanh>},
    {"sigmoid", make_pointwise<ActivationKind::kSigmoid>},
    {"elu", make_pointwise<ActivationKind::kELU>},
    {"silu", make_pointwise<ActivationKind::kSiLU>},
    {"softplus", make_pointwise<ActivationKind::kSoftplus>},
    {"dropout", make<Dropout>},
    {"upsample", make<Upsample>},
    {"max_pool", make<MaxPool>},
    {"average_pool", make<AveragePool>},
    {"global_max_pool", make<GlobalMaxPool>},
    {"global_average_pool", make<GlobalAveragePool>},
    {"pad", make<Pad>},
    {"crop", make<Crop>},
    {"concat", make<Concat>},
    {"add", make<Add>},
    {"dot", make<Dot>},
    {"reshape", make<Reshape>},
    {"flatten", make<Flatten>},
};

constexpr auto kTypes = [] {
  std::array<const char*, std::size(kLayers)> types{};
  for (size_t i = 0; i < types.size(); ++i) types[i] = kLayers[i].name;
  return types;
}();

}  // namespace

std::span<const char* const> layer_types() { return kTypes; }

LayerPtr make_layer(const std::string& type) {
  for (const LayerType& layer : kLayers) {
    if (type == layer.name) return layer.make();
  }
  GANTRY_CHECK(false, "layer type ", type);
  return nullptr;
}

}  // namespace gantry
