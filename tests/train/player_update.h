// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <random>
#include <string>
#include <vector>

#include "tests/reference/reference_backend.h"
#include "tests/train/training_rig.h"

namespace gantry {

using Metrics = std::map<std::string, double>;

// In double precision.
inline TrainingRig reference_rig(const std::vector<std::string>& overrides) {
  return {open_reference_backend(), kTinyGan, overrides};
}

// One player's loss and its gradient as a recorded step makes them, at weights of one's choice. The
// player's update is the first of the step, so that nothing has moved before it.
class PlayerUpdate {
 public:
  PlayerUpdate(std::string player, std::function<double(const Metrics&)> loss,
               std::vector<std::string> overrides)
      : player_(std::move(player)), loss_(std::move(loss)), rig_(reference_rig(first(overrides))) {
    rig_.step(3);  // anchors, tallies and probabilities off their initial values
    at_ = rig_.session().checkpoint();
  }

  // Largest error of <gradient, direction> per tensor, relative to the gradient's size.
  double worst_error() {
    constexpr double kEps = 1e-6;
    const ParamStore& store = rig_.session().system().player(player_).store;
    loss(at_);
    const double* grads = store.grads().as<double>();
    const std::vector<double> flat(grads, grads + store.grads().shape.elements());
    double worst = 0, size = 0;
    for (const double g : flat) size += g * g;
    for (const ParamRange& range : store.params()) {
      std::mt19937_64 engine(11);
      std::normal_distribution<double> normal;
      std::vector<double> direction(static_cast<size_t>(range.shape.elements()));
      double got = 0, length = 0;
      for (size_t i = 0; i < direction.size(); ++i) {
        direction[i] = normal(engine);
        got += flat[static_cast<size_t>(range.first) + i] * direction[i];
        length += direction[i] * direction[i];
      }
      const std::string name = player_ + "." + range.name;
      const double want =
          (loss(moved(name, direction, kEps)) - loss(moved(name, direction, -kEps))) / (2 * kEps);
      worst = std::max(
          worst, std::abs(got - want) / std::max(std::abs(want), 1e-2 * std::sqrt(size * length)));
    }
    return worst;
  }

 private:
  std::vector<std::string> first(std::vector<std::string> overrides) const {
    const std::vector<std::string> more = {
        player_ == "g" ? "train.order=g_first" : "train.order=d_first", "train.batch=8",
        R"(optimizer.g={"type":"sgd","lr":0.01})", R"(optimizer.d={"type":"sgd","lr":0.01})"};
    overrides.insert(overrides.end(), more.begin(), more.end());
    return overrides;
  }

  double loss(const Checkpoint& from) {
    rig_.session().restore(from, "memory");
    rig_.step(1);
    return loss_(rig_.metrics());
  }

  Checkpoint moved(const std::string& name, const std::vector<double>& direction, double by) const {
    Checkpoint result = at_;
    for (HostTensor& tensor : result.tensors) {
      for (size_t i = 0; tensor.name == name && i < direction.size(); ++i)
        tensor.as<double>()[i] += by * direction[i];
    }
    return result;
  }

  std::string player_;
  std::function<double(const Metrics&)> loss_;
  TrainingRig rig_;
  Checkpoint at_;
};

}  // namespace gantry
