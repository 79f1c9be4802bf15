// SPDX-License-Identifier: Apache-2.0
#include "models/network.h"

namespace gantry {

namespace {

constexpr size_t kMaxLayers = 100000;

}  // namespace

void InitConfig::describe(Fields& f) {
  const auto entry = [&f](const char* key, const char* doc, Entry& e) {
    f.object(
        {key, doc}, [&e](Fields& g) { e.init.describe(g); }, &e.present);
  };
  entry("weight", "Weights of dense and convolution layers.", weight);
  entry("bias", "Biases of dense and convolution layers.", bias);
  entry("scale", "Scales of normalisation layers.", scale);
  entry("shift", "Shifts of normalisation layers.", shift);
}

const Initializer* InitConfig::find(const std::string& parameter) const {
  for (const auto& [name, entry] : entries()) {
    if (name == parameter && entry->present) return &entry->init;
  }
  return nullptr;
}

std::vector<std::string> InitConfig::given() const {
  std::vector<std::string> names;
  for (const auto& [name, entry] : entries()) {
    if (entry->present) names.push_back(name);
  }
  return names;
}

void LayerConfig::describe(Fields& f) {
  f.text({"name", "What other layers, checkpoints and messages call it; default: type and number."},
         name);
  f.texts({"inputs",
           "Layers or inputs of the network (z, x, label) that it reads; default: the layer before "
           "it."},
          inputs, 0, kMaxLayers);
  f.object({"init", "Initialisers of this layer's parameters."},
           [this](Fields& g) { init.describe(g); });
  f.variant(
      {"type", "What the layer computes.", true}, type, layer_types(),
      [this](const std::string& selected) {
        type = selected;
        layer = make_layer(selected);
      },
      [this](Fields& g) { layer->describe(g); });
}

void NetworkConfig::describe(Fields& f) {
  f.texts({"inputs",
           "What the network is given, the first to its first layer: z (the latents; of G) or x "
           "(samples), and label (the class of each sample as a one-hot vector [classes,1,1]); "
           "default: z or x alone."},
          inputs, 0, 2);
  f.list(
      {"layers", "The layers; each reads the one before it unless it names its inputs.", true},
      layers.size(), [this](size_t size) { layers.resize(size); },
      [this](size_t i, Fields& g) { layers[i].describe(g); });
  f.texts({"outputs", "Layers whose outputs are the network's; default: the last."}, outputs, 0,
          kMaxLayers);
  f.object({"init", "Initialisers of all parameters, in place of the layers' own."},
           [this](Fields& g) { init.describe(g); });
  f.flag({"spectral_norm", "Divide every weight by its largest singular value."}, spectral_norm);
}

}  // namespace gantry
