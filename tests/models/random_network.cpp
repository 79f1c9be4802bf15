// SPDX-License-Identifier: Apache-2.0
#include "tests/models/random_network.h"

#include <random>
#include <set>
#include <vector>

#include "core/error.h"

namespace gantry::testing {

namespace {

// Layers that keep a shape of 4 channels.
constexpr const char* kKeeping[] = {
    R"("type": "conv", "channels": 4, "kernel": 3, "padding": 1)",
    R"("type": "conv", "channels": 4, "kernel": 1, "bias": false, "spectral_norm": true)",
    R"("type": "conv", "channels": 4, "kernel": 3, "padding": "same", "dilation": 2, "groups": 2)",
    R"("type": "conv_transpose", "channels": 4, "kernel": 4, "padding": "same")",
    R"("type": "batch_norm")",
    R"("type": "layer_norm")",
    R"("type": "instance_norm", "affine": true)",
    R"("type": "group_norm", "groups": 2)",
    R"("type": "relu")",
    R"("type": "leaky_relu", "slope": 0.3)",
    R"("type": "tanh")",
    R"("type": "sigmoid")",
    R"("type": "elu")",
    R"("type": "silu")",
    R"("type": "softplus")",
    R"("type": "dropout", "rate": 0.3)",
    R"("type": "max_pool", "kernel": 3, "stride": 1, "padding": 1)",
    R"("type": "average_pool", "kernel": 3, "stride": 1, "padding": "same")",
};

class Writer {
 public:
  explicit Writer(uint64_t seed) : engine_(seed) {}

  std::string write() {
    add(R"("type": "conv", "channels": 4, "kernel": 3, "padding": "same")", {"image"});
    for (int i = 0; i < 12; ++i) {
      const std::string from = pick();
      if (draw(5) == 0) {
        add(R"("type": "add")", {from, pick()});
      } else if (draw(6) == 0) {
        const std::string wide = join({from, pick()});
        add(R"("type": "conv", "channels": 4, "kernel": 1)", {wide});
      } else if (draw(8) == 0) {
        const std::string large = passing(R"("type": "upsample", "kind": "bilinear")", {from});
        add(R"("type": "average_pool", "kernel": 2)", {large});
      } else {
        add(kKeeping[draw(std::size(kKeeping))], {from});
      }
    }
    std::vector<std::string> ends;
    for (const std::string& name : names_) {
      if (!read_.contains(name)) ends.push_back(name);
    }
    const std::string last = ends.size() > 1 ? join(ends) : ends[0];
    const std::string flat = add(R"("type": "flatten")", {last});
    add(R"("type": "dense", "units": 2)", {flat});
    return concat("{\"layers\": [", layers_, "]}");
  }

 private:
  size_t draw(size_t below) { return engine_() % below; }

  // Mostly one of the last few, so that networks become deep.
  std::string pick() {
    const size_t reach = draw(3) == 0 ? names_.size() : std::min<size_t>(3, names_.size());
    return names_[names_.size() - 1 - draw(reach)];
  }

  // A layer of another shape, which only the next one may read.
  std::string passing(const std::string& body, const std::vector<std::string>& inputs) {
    const std::string name = add(body, inputs);
    names_.pop_back();
    return name;
  }
  std::string join(const std::vector<std::string>& inputs) {
    return passing(R"("type": "concat")", inputs);
  }

  std::string add(const std::string& body, const std::vector<std::string>& inputs) {
    const std::string name = concat("n", count_++);
    std::string list;
    for (const std::string& input : inputs) {
      list += concat(list.empty() ? "" : ", ", '"', input, '"');
      read_.insert(input);
    }
    layers_ += concat(layers_.empty() ? "" : ",\n", "{\"name\": \"", name, "\", ", body,
                      ", \"inputs\": [", list, "]}");
    names_.push_back(name);
    return name;
  }

  std::mt19937_64 engine_;
  std::string layers_;
  std::vector<std::string> names_;
  std::set<std::string> read_;
  int count_ = 0;
};

}  // namespace

std::string random_network(uint64_t seed) { return Writer(seed).write(); }

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  for (size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
  return text;
}

}  // namespace gantry::testing
