// SPDX-License-Identifier: Apache-2.0
#include "models/network_builder.h"

#include <limits>

#include "models/layers/window.h"

namespace gantry {

namespace {

// Per sample, and per parameter tensor: what 32-bit kernels can index.
constexpr double kMaxElements = std::numeric_limits<int32_t>::max();

void check_elements(const Shape& shape, const char* what) {
  const double elements = static_cast<double>(shape.n) * static_cast<double>(shape.c) *
                          static_cast<double>(shape.h) * static_cast<double>(shape.w);
  if (elements <= kMaxElements) return;
  throw ConfigError(concat("its ", what, " would have ", elements, " elements, more than ",
                           kMaxElements, "; make it smaller"));
}

LayerPlan plan_layer(Layer& layer, std::span<const Shape> x, const std::string& place) {
  try {
    LayerPlan plan = layer.plan(x);
    check_elements(plan.y, "output");
    for (const ParamSpec& param : plan.params) check_elements(param.shape, param.name.c_str());
    return plan;
  } catch (const ConfigError& error) {
    std::string shapes;
    for (const Shape& shape : x) shapes += (shapes.empty() ? "" : " and ") + config_shape(shape);
    throw ConfigError(concat(place, ": ", error.what(), " (input ", shapes, ")"));
  }
}

// Turns a config and its graph into nodes.
class Builder {
 public:
  Builder(Network::Impl& impl, const Graph& graph, const std::string& where)
      : impl_(impl), graph_(graph), where_(where), node_of_(graph.inputs.size(), -1) {}

  void build() {
    count_readers();
    for (const int layer : graph_.order) add(static_cast<size_t>(layer));
    for (const int output : graph_.outputs) {
      impl_.outputs.push_back(node_of_[static_cast<size_t>(output)]);
    }
  }

 private:
  void count_readers() {
    readers_.assign(graph_.inputs.size(), 0);
    for (const auto& inputs : graph_.inputs) {
      for (const int from : inputs) {
        if (from >= 0) ++readers_[static_cast<size_t>(from)];
      }
    }
    for (const int output : graph_.outputs) ++readers_[static_cast<size_t>(output)];
  }

  void add(size_t layer) {
    const LayerConfig& entry = impl_.config.layers[layer];
    Network::Node node;
    node.name = entry.name;
    node.layer = entry.layer.get();
    std::vector<Shape> x;
    for (const int from : graph_.inputs[layer]) {
      const int source = from < 0 ? from : node_of_[static_cast<size_t>(from)];
      node.inputs.push_back(source);
      x.push_back(source < 0 ? impl_.inputs[static_cast<size_t>(-1 - source)].shape
                             : impl_.nodes[static_cast<size_t>(source)].y);
    }
    const LayerPlan plan = plan_layer(*entry.layer, x, layer_place(impl_.config, where_, layer));
    check_init(layer, plan);
    if (merge(layer)) return;
    node.y = plan.y;
    add_numbers(entry, plan, node);
    node_of_[layer] = static_cast<int>(impl_.nodes.size());
    layer_of_.push_back(layer);
    impl_.nodes.push_back(std::move(node));
  }

  // An activation goes into the layer before it if nothing else reads that layer.
  bool merge(size_t layer) {
    const Activation* activation = impl_.config.layers[layer].layer->pointwise();
    const int from = graph_.inputs[layer][0];
    if (!impl_.config.merge_activations || !activation || from < 0) return false;
    const auto before = static_cast<size_t>(from);
    if (readers_[before] != 1) return false;
    const int node = node_of_[before];
    const size_t absorber = layer_of_[static_cast<size_t>(node)];
    if (!impl_.config.layers[absorber].layer->absorb(*activation)) return false;
    node_of_[layer] = node;
    return true;
  }

  // Network-wide initialisers may find nothing to fill; a layer's own must.
  void check_init(size_t layer, const LayerPlan& plan) const {
    for (const std::string& name : impl_.config.layers[layer].init.given()) {
      bool found = false;
      std::string known;
      for (const ParamSpec& param : plan.params) {
        found = found || param.name == name;
        known += concat(known.empty() ? "" : ", ", param.name);
      }
      if (found) continue;
      throw ConfigError(concat(layer_place(impl_.config, where_, layer), ": init/", name,
                               " is of no use: the layer has ",
                               known.empty() ? "no parameters" : known, "; remove it"));
    }
  }

  void add_numbers(const LayerConfig& entry, const LayerPlan& plan, Network::Node& node) {
    node.first_param = impl_.params.size();
    node.first_state = impl_.states.size();
    for (const StateSpec& state : plan.states) {
      impl_.states.push_back({entry.name + "." + state.name, state.shape, state.initial});
    }
    node.states = plan.states.size();
    for (const ParamSpec& param : plan.params) {
      const Initializer* init = entry.init.find(param.name);
      if (!init) init = impl_.config.init.find(param.name);
      ParamInfo info{entry.name + "." + param.name, param.shape, param.fans,
                     init ? *init : param.init, -1};
      if (param.spectral || (impl_.config.spectral_norm && param.name == "weight")) {
        info.u_state = static_cast<int64_t>(impl_.states.size());
        impl_.states.push_back({info.name + "_u", vector_shape(param.shape.n), 0});
      }
      impl_.params.push_back(std::move(info));
    }
    node.params = plan.params.size();
  }

  Network::Impl& impl_;
  const Graph& graph_;
  const std::string& where_;
  std::vector<int> node_of_;      // per layer
  std::vector<size_t> layer_of_;  // per node
  std::vector<int> readers_;      // per layer, the network's outputs included
};

}  // namespace

void build_network(Network::Impl& impl, const std::string& where) {
  name_layers(impl.config, impl.inputs, where);
  const Graph graph = make_graph(impl.config, impl.inputs, where);
  Builder(impl, graph, where).build();
}

}  // namespace gantry
