// SPDX-License-Identifier: Apache-2.0
// Gradient penalties inside whole updates of D. The truth is the central difference of the loss
// that the metrics report, in double precision: code of first order alone.
#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "core/error.h"
#include "tests/models/random_network.h"
#include "tests/models/worst_error.h"
#include "tests/reference/reference_backend.h"
#include "tests/tolerances.h"
#include "tests/train/training_rig.h"

namespace gantry {
namespace {

using Overrides = std::vector<std::string>;

const std::string kPenaltyGenerator =
    R"(generator.layers=[{"type":"dense","units":64},{"type":"tanh"},{"type":"reshape","shape":[1,8,8]}])";
const std::string kLeaky =
    R"([{"type":"conv","channels":6,"kernel":4,"stride":2,"padding":1},{"type":"leaky_relu","slope":0.2},)"
    R"({"type":"conv","channels":8,"kernel":4,"stride":2,"padding":1},{"type":"leaky_relu","slope":0.2},)"
    R"({"type":"flatten"},{"type":"dense","units":1}])";

// `random` of tests/models as a critic: one score, no layer that mixes samples.
std::string random_critic(uint64_t seed) {
  std::string json = testing::replaced(testing::random_network(seed), "batch_norm", "layer_norm");
  json = testing::replaced(testing::replaced(json, "\"image\"", "\"x\""), "\"units\": 2",
                           "\"units\": 1");
  return "discriminator=" + testing::replaced(json, "\n", " ");
}

Overrides game(const std::string& objective, const std::string& discriminator,
               const Overrides& more = {}) {
  Overrides all = {kPenaltyGenerator,
                   "objective=" + objective,
                   discriminator,
                   "train.batch=4",
                   R"(optimizer.g={"type":"sgd","lr":0.01})",
                   R"(optimizer.d={"type":"sgd","lr":0.01})"};
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

testing::WorstError penalised_difference("D's update");

// D's loss and its gradient as one recorded step makes them, at weights of one's choice.
class CriticUpdate {
 public:
  explicit CriticUpdate(const Overrides& overrides)
      : rig_(open_reference_backend(), kTinyGan, overrides), at_(rig_.session().checkpoint()) {
    std::mt19937_64 engine(7);  // biases off their initial zero
    std::normal_distribution<double> noise(0, 0.1);
    for_each_parameter(at_, [&](HostTensor& tensor) {
      for (double& w : tensor.as<double>()) w += noise(engine);
    });
  }

  // Lets the states that steps move come to rest; needs a learning rate of 0.
  void settle(int steps) {
    rig_.session().restore(at_, "memory");
    rig_.step(steps);
    at_ = rig_.session().checkpoint();
  }

  static bool is_parameter(const System& system, const std::string& name) {
    for (const ParamRange& range : system.player("d").store.params()) {
      if (name == "d." + range.name) return true;
    }
    return false;
  }

  template <typename Body>
  void for_each_parameter(Checkpoint& checkpoint, const Body& body) {
    for (HostTensor& tensor : checkpoint.tensors) {
      if (is_parameter(rig_.session().system(), tensor.name)) body(tensor);
    }
  }

  // d.loss_real + d.loss_fake + d.penalty of a step from these weights.
  double loss(const Checkpoint& from) {
    rig_.session().restore(from, "memory");
    rig_.step(1);
    double sum = 0;
    for (const auto& [name, value] : rig_.metrics()) {
      if (name.starts_with("d.loss") || name.starts_with("d.penalty")) sum += value;
    }
    return sum;
  }

  std::map<std::string, std::vector<double>> gradient() {
    loss(at_);
    std::map<std::string, std::vector<double>> gradients;
    const ParamStore& store = rig_.session().system().player("d").store;
    const double* flat = store.grads().as<double>();
    for (const ParamRange& range : store.params()) {
      gradients["d." + range.name] = {flat + range.first,
                                      flat + range.first + range.shape.elements()};
    }
    return gradients;
  }

  // Largest error of <gradient, direction> per tensor, relative to the gradient's size.
  double worst_error() {
    constexpr double kEps = 1e-6;
    const auto gradients = gradient();
    double worst = 0, size = 0;
    for (const auto& [name, g] : gradients) {
      for (const double value : g) size += value * value;
    }
    for (const auto& [name, g] : gradients) {
      std::mt19937_64 engine(11);
      std::normal_distribution<double> normal;
      std::vector<double> direction(g.size());
      double got = 0, length = 0;
      for (size_t i = 0; i < g.size(); ++i) {
        direction[i] = normal(engine);
        got += g[i] * direction[i];
        length += direction[i] * direction[i];
      }
      const double want =
          (loss(moved(name, direction, kEps)) - loss(moved(name, direction, -kEps))) / (2 * kEps);
      const double scale = std::max(std::abs(want), 1e-2 * std::sqrt(size * length));
      worst = std::max(worst, std::abs(got - want) / scale);
    }
    return worst;
  }

  std::map<std::string, double> metrics() { return rig_.metrics(); }
  Session& session() { return rig_.session(); }

 private:
  Checkpoint moved(const std::string& name, const std::vector<double>& direction, double by) {
    Checkpoint result = at_;
    for_each_parameter(result, [&](HostTensor& tensor) {
      if (tensor.name != name) return;
      for (size_t i = 0; i < direction.size(); ++i) tensor.as<double>()[i] += by * direction[i];
    });
    return result;
  }

  TrainingRig rig_;
  Checkpoint at_;
};

const std::string kObjectives[] = {
    R"({"type":"wgan_gp"})",
    R"({"type":"wgan_gp","penalties":{"gradient":{"one_sided":true,"target":0.2}}})",
    R"({"type":"dragan"})",
    R"({"type":"gan","penalties":{"r1":3}})",
    R"({"type":"hinge","penalties":{"r2":3}})",
    R"({"type":"lsgan","penalties":{"gradient":{"weight":2},"dragan":{"weight":3},"r1":1,"r2":2}})",
};

TEST(Penalty, TheGradientIsThatOfTheWholeLoss) {
  for (const std::string& objective : kObjectives) {
    for (const Overrides& more :
         {Overrides{}, Overrides{"train.accumulate=2", "train.order=d_first"}}) {
      CriticUpdate update(game(objective, "discriminator.layers=" + kLeaky, more));
      EXPECT_LT(penalised_difference.see(update.worst_error()), kUpdateDifference) << objective;
    }
  }
}

TEST(Penalty, TheGradientIsThatOfTheWholeLossForAnyCritic) {
  for (const std::string norm : {R"({"type":"layer_norm"})", R"({"type":"elu"})",
                                 R"({"type":"dropout","rate":0.3})", R"({"type":"tanh"})"}) {
    const std::string layers =
        testing::replaced(kLeaky, R"({"type":"leaky_relu","slope":0.2})", norm);
    for (const std::string& objective : {kObjectives[0], kObjectives[2], kObjectives[3]}) {
      CriticUpdate update(game(objective, "discriminator.layers=" + layers));
      EXPECT_LT(penalised_difference.see(update.worst_error()), kUpdateDifference)
          << objective << " " << norm;
    }
  }
  for (uint64_t seed = 1; seed <= 12; ++seed) {
    // Its power iteration moves with the weights, which its gradient leaves out.
    const std::string critic =
        testing::replaced(random_critic(seed), ", \"spectral_norm\": true", "");
    CriticUpdate update(game(kObjectives[seed % 6], critic));
    EXPECT_LT(penalised_difference.see(update.worst_error()), kUpdateDifference)
        << kObjectives[seed % 6] << critic;
  }
}

// A weight is divided by u^T W v, u and v held constant in its gradient. Where they have come to
// rest that is the slope of the largest singular value too, whose difference this is.
TEST(Penalty, TheGradientIsThatOfTheWholeLossUnderSpectralNorm) {
  const std::string layers =
      testing::replaced(kLeaky, R"({"type":"leaky_relu","slope":0.2})", R"({"type":"elu"})");
  for (const std::string& objective : kObjectives) {
    CriticUpdate update(
        game(objective, "discriminator.layers=" + layers,
             {"discriminator.spectral_norm=true", R"(optimizer.d={"type":"sgd","lr":0})"}));
    update.settle(200);
    EXPECT_LT(penalised_difference.see(update.worst_error()), kUpdateDifference) << objective;
  }
}

using Gradients = std::map<std::string, std::vector<double>>;

Gradients gradients_of(const std::string& objective, const Overrides& more = {}) {
  return CriticUpdate(game(objective, "discriminator.layers=" + kLeaky, more)).gradient();
}

// every = k makes the penalty k times as strong where it is, and leaves it out elsewhere.
TEST(Penalty, LazyPenaltiesAreAsStrongOnTheWhole) {
  const Gradients none = gradients_of(R"({"type":"gan"})");
  const Gradients each = gradients_of(R"({"type":"gan","penalties":{"r1":3}})");
  const Gradients lazy = gradients_of(R"({"type":"gan","penalties":{"r1":3,"every":4}})");
  for (const auto& [name, g] : lazy) {
    for (size_t i = 0; i < g.size(); ++i) {
      const double want = none.at(name)[i] + 4 * (each.at(name)[i] - none.at(name)[i]);
      EXPECT_NEAR(g[i], want, 1e-12) << name;
    }
  }
  TrainingRig rig(
      open_reference_backend(), kTinyGan,
      game(R"({"type":"gan","penalties":{"r1":3,"every":4}})", "discriminator.layers=" + kLeaky));
  for (int step = 0; step < 9; ++step) {
    rig.step(1);
    EXPECT_EQ(rig.metrics().contains("d.penalty"), step % 4 == 0) << step;
    EXPECT_EQ(rig.metrics().contains("d.gradient_norm"), step % 4 == 0) << step;
  }
}

// Of one sample the penalty is (|g| - 1)^2 with the norm that is logged: over the whole sample.
TEST(Penalty, TheLoggedNormExplainsTheLoggedPenalty) {
  for (const char* kind : {"gradient", "dragan"}) {
    const std::string objective =
        concat(R"({"type":"gan","penalties":{")", kind, R"(":{"weight":5}}})");
    TrainingRig rig(open_reference_backend(), kTinyGan,
                    game(objective, "discriminator.layers=" + kLeaky, {"train.batch=1"}));
    rig.step(1);
    const double norm = rig.metrics().at("d.gradient_norm");
    EXPECT_GT(norm, 0);
    EXPECT_NEAR(rig.metrics().at("d.penalty"), 5 * (norm - 1) * (norm - 1), 1e-7);
  }
}

TEST(Penalty, ResumingContinuesBitForBit) {
  for (const std::string& objective : kObjectives) {
    for (const char* every : {"1", "3"}) {
      const Overrides overrides =
          game(objective, "discriminator.layers=" + kLeaky,
               {concat("objective.penalties.every=", every), "train.d_steps=2",
                R"(optimizer.d={"lr":1e-3,"betas":[0,0.9]})"});
      TrainingRig whole = tested_rig(overrides), first = tested_rig(overrides),
                  second = tested_rig(overrides);
      whole.step(7);
      first.step(2);
      second.step(1);  // dirt that restore() must replace
      second.session().restore(first.session().checkpoint(), "memory");
      second.step(5);
      EXPECT_EQ(whole.session().checkpoint().tensors, second.session().checkpoint().tensors)
          << objective;
    }
  }
}

// Floating-point operations of D's layers in its update, by layer.
std::map<std::string, double> costs(const std::string& objective, const std::string& layers) {
  TrainingRig rig =
      tested_rig(game(objective, "discriminator.layers=" + layers, {"optimizer.d.weight_clip=0"}));
  std::map<std::string, double> flops;
  for (const Call& call : rig.session().usual().recorded.program.calls()) {
    const size_t at = call.name.find(".d.");
    if (!call.name.starts_with("d1.") || at == std::string::npos) continue;
    const std::string layer = call.name.substr(at + 3, call.name.rfind('.') - at - 3);
    flops[layer] += call.kernel->flops();
  }
  return flops;
}

// Design section 6: four passes over each convolution beside the six of [real; fake], six where a
// layer behind it is curved. The first layer's update needs four, since nobody asks for its dx.
TEST(Penalty, CostsAsManyPassesAsItShould) {
  const auto ratio = [](const std::string& layers, const char* layer) {
    return costs(R"({"type":"gan","penalties":{"gradient":{"weight":10}}})", layers).at(layer) /
           costs(R"({"type":"gan"})", layers).at(layer);
  };
  EXPECT_DOUBLE_EQ(ratio(kLeaky, "conv2"), 10.0 / 6);
  EXPECT_DOUBLE_EQ(ratio(kLeaky, "dense1"), 10.0 / 6);
  EXPECT_DOUBLE_EQ(ratio(kLeaky, "conv1"), 8.0 / 4);
  const std::string norms =
      testing::replaced(kLeaky, R"({"type":"leaky_relu","slope":0.2})", R"({"type":"layer_norm"})");
  EXPECT_DOUBLE_EQ(ratio(norms, "conv2"), 12.0 / 6);
}

}  // namespace
}  // namespace gantry
