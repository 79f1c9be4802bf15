// SPDX-License-Identifier: Apache-2.0
#include "tests/ranks/comparison.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/train/weights_of.h"

namespace gantry {
namespace {

constexpr int kSteps = 2;

using Vectors = std::vector<std::vector<double>>;

Vectors all_weights(Session& session) {
  Vectors all;
  for (const auto& player : session.system().players) all.push_back(weights_of(session, *player));
  return all;
}

Vectors all_gradients(Session& session) {
  Vectors all;
  for (const auto& player : session.system().players) {
    all.push_back(
        read_reals(*session.system().backend.device, session.stream(), player->store.grads()));
  }
  return all;
}

double largest_loss_difference(const std::map<std::string, double>& expected,
                               const std::map<std::string, double>& got) {
  EXPECT_EQ(expected.size(), got.size());
  double worst = 0;
  for (const auto& [metric, value] : got) {
    if (metric.find("loss") == std::string::npos) continue;
    worst = std::max(worst, std::abs(value - expected.at(metric)) / (1 + std::abs(value)));
  }
  return worst;
}

}  // namespace

Lone train_alone(const Team::Load& load) {
  Team one(1, load);
  return train_alone(one);
}

Lone train_alone(Team& one) {
  Lone lone;
  lone.start = all_weights(one.session(0));
  for (int step = 0; step < kSteps; ++step) {
    one.step(1);
    lone.metrics.push_back(one.session(0).latest_metrics());
    if (step == 0) lone.gradients = all_gradients(one.session(0));
  }
  lone.end = all_weights(one.session(0));
  return lone;
}

Difference compare(const Lone& one, Team& many) {
  Difference worst;
  for (size_t step = 0; step < one.metrics.size(); ++step) {
    many.step(1);
    worst.losses = std::max(
        worst.losses, largest_loss_difference(one.metrics[step], many.session(0).latest_metrics()));
    const Vectors gradients = step == 0 ? all_gradients(many.session(0)) : Vectors{};
    for (size_t i = 0; i < gradients.size(); ++i) {
      const Vectors zero = {std::vector<double>(gradients[i].size())};
      const double length = distance(one.gradients[i], zero[0]);
      worst.gradients =
          std::max(worst.gradients, distance(one.gradients[i], gradients[i]) / length);
    }
  }
  const Vectors end = all_weights(many.session(0));
  for (size_t i = 0; i < end.size(); ++i) {
    const double way = distance(one.end[i], one.start[i]);
    EXPECT_GT(way, 0);
    worst.weights = std::max(worst.weights, distance(one.end[i], end[i]) / way);
  }
  many.checkpoint();  // the same on all ranks
  return worst;
}

}  // namespace gantry
