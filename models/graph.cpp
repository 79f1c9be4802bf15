// SPDX-License-Identifier: Apache-2.0
#include "models/graph.h"

#include <functional>
#include <map>
#include <queue>

#include "core/fields_reader.h"

namespace gantry {

namespace {

using Names = std::map<std::string, int>;

constexpr size_t kListedNames = 30;

std::string quoted(const std::string& name) { return "\"" + name + "\""; }

// "; there are "a", "b"; did you mean "a"?"
std::string choices(const Names& names, const std::string& found, bool inputs_too) {
  std::vector<std::string> valid;
  for (const auto& [name, index] : names) {
    if (index >= 0 || inputs_too) valid.push_back(name);
  }
  const std::string nearest = nearest_name(found, valid);
  if (valid.size() > kListedNames) valid.resize(kListedNames);
  return concat("; there are ", quoted_list(valid),
                nearest.empty() ? "" : concat("; did you mean ", quoted(nearest), "?"));
}

Names names_of(const NetworkConfig& config, const std::vector<NamedShape>& inputs) {
  Names names;
  for (size_t i = 0; i < inputs.size(); ++i) names[inputs[i].name] = -1 - static_cast<int>(i);
  for (size_t i = 0; i < config.layers.size(); ++i) {
    names[config.layers[i].name] = static_cast<int>(i);
  }
  return names;
}

void check_count(const LayerConfig& layer, size_t count, const std::string& place) {
  const size_t least = layer.layer->min_inputs(), most = layer.layer->max_inputs();
  if (count >= least && count <= most) return;
  const std::string wanted = least == most ? concat(least) : concat("at least ", least);
  throw ConfigError(concat(place, ": has ", count, " input", count == 1 ? "" : "s", ", needs ",
                           wanted, "; name them in \"inputs\""));
}

std::vector<int> resolve_inputs(const NetworkConfig& config, const Names& names, size_t layer,
                                const std::string& place) {
  const LayerConfig& entry = config.layers[layer];
  std::vector<int> found;
  if (entry.inputs.empty()) found.push_back(static_cast<int>(layer) - 1);
  for (size_t i = 0; i < entry.inputs.size(); ++i) {
    const auto at = names.find(entry.inputs[i]);
    if (at == names.end()) {
      throw ConfigError(concat(place, ": inputs/", i, " is ", quoted(entry.inputs[i]),
                               ", which is neither a layer nor an input of the network",
                               choices(names, entry.inputs[i], true)));
    }
    found.push_back(at->second);
  }
  check_count(entry, found.size(), place);
  return found;
}

// Kahn's algorithm, the first configured of those that are ready.
std::vector<int> sort(const std::vector<std::vector<int>>& inputs) {
  std::vector<std::vector<int>> readers(inputs.size());
  std::vector<size_t> waiting(inputs.size(), 0);
  for (size_t i = 0; i < inputs.size(); ++i) {
    for (const int from : inputs[i]) {
      if (from < 0) continue;
      readers[static_cast<size_t>(from)].push_back(static_cast<int>(i));
      ++waiting[i];
    }
  }
  std::priority_queue<int, std::vector<int>, std::greater<>> ready;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (waiting[i] == 0) ready.push(static_cast<int>(i));
  }
  std::vector<int> order;
  while (!ready.empty()) {
    const int layer = ready.top();
    ready.pop();
    order.push_back(layer);
    for (const int reader : readers[static_cast<size_t>(layer)]) {
      if (--waiting[static_cast<size_t>(reader)] == 0) ready.push(reader);
    }
  }
  return order;
}

// Walks against the arrows among the layers that could not be sorted: each has an input there, so
// the walk must come back to where it was.
[[noreturn]] void throw_cycle(const NetworkConfig& config, const Graph& graph,
                              const std::string& where) {
  std::vector<bool> sorted(graph.inputs.size(), false);
  for (const int layer : graph.order) sorted[static_cast<size_t>(layer)] = true;
  size_t at = 0;
  while (sorted[at]) ++at;
  std::vector<size_t> path, seen(graph.inputs.size(), SIZE_MAX);
  while (seen[at] == SIZE_MAX) {
    seen[at] = path.size();
    path.push_back(at);
    for (const int from : graph.inputs[at]) {
      if (from < 0 || sorted[static_cast<size_t>(from)]) continue;
      at = static_cast<size_t>(from);
      break;
    }
  }
  std::string cycle = quoted(config.layers[at].name);
  for (size_t i = path.size(); i-- > seen[at];)
    cycle += " -> " + quoted(config.layers[path[i]].name);
  throw ConfigError(concat(layer_place(config, where, at), ": its output leads back to its input: ",
                           cycle, "; a network must not have cycles"));
}

std::vector<int> resolve_outputs(const NetworkConfig& config, const Names& names,
                                 const std::string& where) {
  if (config.outputs.empty()) return {static_cast<int>(config.layers.size()) - 1};
  std::vector<int> found;
  for (size_t i = 0; i < config.outputs.size(); ++i) {
    const std::string& name = config.outputs[i];
    const auto at = names.find(name);
    const std::string place = concat(where, "/outputs/", i, ": ", quoted(name));
    if (at == names.end() || at->second < 0) {
      throw ConfigError(concat(place, " is not a layer", choices(names, name, false)));
    }
    for (const int other : found) {
      if (other == at->second) throw ConfigError(concat(place, " is listed twice; remove one"));
    }
    found.push_back(at->second);
  }
  return found;
}

void check_used(const NetworkConfig& config, const std::vector<NamedShape>& inputs,
                const Graph& graph, const std::string& where) {
  std::vector<bool> layer_used(graph.inputs.size(), false), input_used(inputs.size(), false);
  for (const int output : graph.outputs) layer_used[static_cast<size_t>(output)] = true;
  for (size_t i = graph.order.size(); i-- > 0;) {
    const auto layer = static_cast<size_t>(graph.order[i]);
    if (!layer_used[layer]) continue;
    for (const int from : graph.inputs[layer]) {
      if (from >= 0)
        layer_used[static_cast<size_t>(from)] = true;
      else
        input_used[static_cast<size_t>(-1 - from)] = true;
    }
  }
  for (size_t i = 0; i < layer_used.size(); ++i) {
    if (layer_used[i]) continue;
    throw ConfigError(
        concat(layer_place(config, where, i),
               ": no output of the network depends on it; read it in the \"inputs\" of "
               "another layer, name it in \"outputs\", or remove it"));
  }
  for (size_t i = 0; i < input_used.size(); ++i) {
    if (input_used[i]) continue;
    throw ConfigError(concat(where, "/layers: nothing reads the network's input ",
                             quoted(inputs[i].name), "; name it in the \"inputs\" of a layer"));
  }
}

}  // namespace

std::string layer_place(const NetworkConfig& config, const std::string& where, size_t layer) {
  const LayerConfig& entry = config.layers[layer];
  return concat(where, "/layers/", layer, " (", entry.type, " ", quoted(entry.name), ")");
}

std::vector<std::string> layer_names(const NetworkConfig& config) {
  std::vector<std::string> names;
  std::map<std::string, int> count;
  for (const LayerConfig& layer : config.layers) {
    const int number = ++count[layer.type];
    names.push_back(layer.name.empty() ? concat(layer.type, number) : layer.name);
  }
  return names;
}

void name_layers(NetworkConfig& config, const std::vector<NamedShape>& inputs,
                 const std::string& where) {
  if (config.layers.empty()) {
    throw ConfigError(concat(where, "/layers: is empty; a network needs at least one layer"));
  }
  const std::vector<std::string> called = layer_names(config);
  for (size_t i = 0; i < called.size(); ++i) config.layers[i].name = called[i];
  Names names;
  for (size_t i = 0; i < inputs.size(); ++i) names[inputs[i].name] = -1 - static_cast<int>(i);
  for (size_t i = 0; i < config.layers.size(); ++i) {
    const auto [at, added] = names.emplace(config.layers[i].name, static_cast<int>(i));
    if (added) continue;
    const std::string other =
        at->second < 0 ? "an input of the network" : concat(where, "/layers/", at->second);
    throw ConfigError(concat(layer_place(config, where, i), ": its name is also that of ", other,
                             "; names must differ (a layer without one is called type + number)"));
  }
}

Graph make_graph(const NetworkConfig& config, const std::vector<NamedShape>& inputs,
                 const std::string& where) {
  const Names names = names_of(config, inputs);
  Graph graph;
  for (size_t i = 0; i < config.layers.size(); ++i) {
    graph.inputs.push_back(resolve_inputs(config, names, i, layer_place(config, where, i)));
  }
  graph.outputs = resolve_outputs(config, names, where);
  graph.order = sort(graph.inputs);
  if (graph.order.size() < graph.inputs.size()) throw_cycle(config, graph, where);
  check_used(config, inputs, graph, where);
  return graph;
}

}  // namespace gantry
