// SPDX-License-Identifier: Apache-2.0
#include "train/last_layer.h"

#include <algorithm>
#include <optional>

#include "core/error.h"
#include "models/graph.h"

namespace gantry {
namespace {

// What comes out lies between the least and the greatest that goes in (and 0, for pad).
constexpr const char* kRangeKeeping[] = {"reshape",
                                         "flatten",
                                         "crop",
                                         "pad",
                                         "max_pool",
                                         "average_pool",
                                         "global_max_pool",
                                         "global_average_pool",
                                         "upsample"};

bool keeps_range(const std::string& type) {
  return std::find(std::begin(kRangeKeeping), std::end(kRangeKeeping), type) !=
         std::end(kRangeKeeping);
}

std::optional<size_t> find(const std::vector<std::string>& names, const std::string& name) {
  const auto at = std::find(names.begin(), names.end(), name);
  if (at == names.end()) return std::nullopt;
  return static_cast<size_t>(at - names.begin());
}

// The layer that layer `at` reads; none where that is an input of the network.
std::optional<size_t> before(const NetworkConfig& network, const std::vector<std::string>& names,
                             size_t at) {
  const std::vector<std::string>& inputs = network.layers[at].inputs;
  if (!inputs.empty()) return find(names, inputs.front());
  if (at == 0) return std::nullopt;
  return at - 1;
}

}  // namespace

LastLayer last_layer(const NetworkConfig& network, const std::string& pointer, size_t output) {
  const std::vector<std::string> names = layer_names(network);
  std::optional<size_t> at;
  if (output < network.outputs.size()) {
    at = find(names, network.outputs[output]);
  } else if (output == 0 && network.outputs.empty() && !names.empty()) {
    at = names.size() - 1;
  }
  // A cycle is refused later, when the graph is made: no walk is longer than the list.
  for (size_t passed = 0; at && passed < names.size(); ++passed) {
    const std::string& type = network.layers[*at].type;
    if (!keeps_range(type)) return {type, concat(pointer, "/layers/", *at, "/type"), passed == 0};
    at = before(network, names, *at);
  }
  return {};
}

std::string describe(const LastLayer& last, const std::string& player) {
  return concat("the last layer of ", player, last.at_end ? "" : " that changes values", " is ",
                last.type);
}

}  // namespace gantry
