// SPDX-License-Identifier: Apache-2.0
// Whole steps of the objectives that reconstruct samples, match features or compare neighbours:
// each player's update is the slope of what is logged as its loss, runs are exact, and nonsense is
// refused.
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "tests/reference/reference_backend.h"
#include "tests/train/reconstruction_rig.h"

namespace gantry {
namespace {

constexpr const char* kAdam = R"({"lr": 2e-3, "betas": [0.5, 0.999]})";
constexpr const char* kDescent = R"({"type": "sgd", "lr": 1})";
constexpr const char* kSlowDescent = R"({"type": "sgd", "lr": 1e-3})";

class Reconstruction : public ::testing::TestWithParam<TinyObjective> {};

TEST_P(Reconstruction, ResumingContinuesBitForBit) {
  TrainingRig whole = rig_of(tested_backend(), GetParam(), kAdam),
              first = rig_of(tested_backend(), GetParam(), kAdam),
              second = rig_of(tested_backend(), GetParam(), kAdam);
  whole.step(5);
  first.step(2);
  second.step(1);  // dirt that restore() must replace
  second.session().restore(first.session().checkpoint(), "memory");
  second.step(3);
  EXPECT_EQ(whole.session().checkpoint().tensors, second.session().checkpoint().tensors);
}

double at(const HostTensor& tensor, int64_t i) {
  const auto place = static_cast<size_t>(i);
  return tensor.dtype == DType::kF64 ? tensor.as<double>()[place]
                                     : double{tensor.as<float>()[place]};
}

// Largest difference of real tensors, relative to each tensor's largest value.
double worst_difference(const Checkpoint& a, const Checkpoint& b) {
  double worst = 0;
  for (const HostTensor& tensor : a.tensors) {
    if (tensor.dtype == DType::kI64 || tensor.name.starts_with("metrics.")) continue;
    const HostTensor& other = b.tensor(tensor.name);
    double scale = 1e-3, difference = 0;
    for (int64_t i = 0; i < tensor.elements(); ++i) {
      scale = std::max(scale, std::abs(at(other, i)));
      difference = std::max(difference, std::abs(at(tensor, i) - at(other, i)));
    }
    worst = std::max(worst, difference / scale);
  }
  return worst;
}

TEST_P(Reconstruction, FollowsTheDoublePrecisionReference) {
  TrainingRig fast = rig_of(tested_backend(), GetParam(), kSlowDescent);
  TrainingRig exact = rig_of(open_reference_backend(), GetParam(), kSlowDescent);
  fast.step(3);
  exact.step(3);
  EXPECT_LT(worst_difference(fast.session().checkpoint(), exact.session().checkpoint()), 1e-5);
}

// One step of plain descent from a given state, in double precision.
class Probe {
 public:
  Probe(const TinyObjective& objective, const TinyObjective::Loss& loss)
      : loss_(loss),
        // The player whose loss it is moves first, so that nothing else has moved before it.
        rig_(rig_of(open_reference_backend(), objective, kDescent,
                    loss.player == "g" && objective.losses[0].player == "d"
                        ? std::vector<std::string>{"train.order=g_first"}
                        : std::vector<std::string>{})) {
    rig_.step(1);
    start_ = rig_.session().checkpoint();
  }

  const Checkpoint& start() const { return start_; }

  double loss_with(const std::string& name, int64_t place, double change) {
    Checkpoint moved = start_;
    for (HostTensor& tensor : moved.tensors) {
      if (tensor.name == name) tensor.as<double>()[static_cast<size_t>(place)] += change;
    }
    rig_.session().restore(moved, "memory");
    rig_.step(1);
    const auto metrics = rig_.metrics();
    double loss = 0;
    for (const auto& [metric, weight] : loss_.metrics) loss += weight * metrics.at(metric);
    return loss;
  }

  // What one update with learning rate 1 took off.
  Checkpoint gradient_state() {
    rig_.session().restore(start_, "memory");
    rig_.step(1);
    return rig_.session().checkpoint();
  }

 private:
  const TinyObjective::Loss& loss_;
  TrainingRig rig_;
  Checkpoint start_;
};

// A detached target of G, a margin on the batch's mean or a forgotten factor all fail here.
TEST_P(Reconstruction, EachPlayerDescendsTheSlopeOfItsLoss) {
  constexpr double kEps = 1e-5;
  for (const TinyObjective::Loss& loss : GetParam().losses) {
    Probe probe(GetParam(), loss);
    const Checkpoint after = probe.gradient_state();
    for (const HostTensor& tensor : probe.start().tensors) {
      const bool weight = tensor.name.ends_with(".weight") || tensor.name.ends_with(".bias");
      if (!weight || !tensor.name.starts_with(loss.player + ".") ||
          tensor.name.find(".optimizer.") != std::string::npos) {
        continue;
      }
      for (const int64_t place : {int64_t{0}, tensor.elements() / 2}) {
        const double slope = (probe.loss_with(tensor.name, place, kEps) -
                              probe.loss_with(tensor.name, place, -kEps)) /
                             (2 * kEps);
        const double taken = at(tensor, place) - at(after.tensor(tensor.name), place);
        EXPECT_NEAR(taken, slope, 1e-6 * (1 + std::abs(slope))) << tensor.name << " " << place;
      }
    }
  }
}

TEST_P(Reconstruction, LearnsInAFewSteps) {
  TrainingRig rig = rig_of(tested_backend(), GetParam(), kAdam);
  rig.step(2);
  const auto before = rig.metrics();
  rig.step(60);
  const auto after = rig.metrics();
  for (const auto& [name, value] : after) EXPECT_TRUE(std::isfinite(value)) << name;
  for (const char* error : {"d.energy_real", "e.loss"}) {
    if (!before.contains(error)) continue;
    EXPECT_LT(after.at(error), 0.95 * before.at(error)) << error;
  }
}

INSTANTIATE_TEST_SUITE_P(All, Reconstruction, ::testing::ValuesIn(tiny_objectives()),
                         [](const auto& param) { return param.param.name; });

TinyObjective objective_called(const std::string& name) {
  for (const TinyObjective& objective : tiny_objectives()) {
    if (objective.name == name) return objective;
  }
  throw std::out_of_range(name);
}

// By hand from the logged losses: k and the measure of a step.
TEST(Began, KFollowsTheLossesAndIsKept) {
  TrainingRig rig = rig_of(open_reference_backend(), objective_called("began"), kSlowDescent);
  double k = 0.3f;
  for (int i = 0; i < 4; ++i) {
    rig.step(1);
    const auto m = rig.metrics();
    EXPECT_NEAR(m.at("d.loss_fake"), -k * m.at("d.energy_fake"), 1e-12);
    const double balance = double{0.7f} * m.at("d.energy_real") - m.at("g.loss");
    k = std::clamp(k + double{0.1f} * balance, 0.0, 1.0);
    EXPECT_NEAR(m.at("d.k"), k, 1e-12);
    EXPECT_NEAR(m.at("convergence"), m.at("d.energy_real") + std::abs(balance), 1e-12);
    EXPECT_NEAR(at(rig.session().checkpoint().tensor("objective.k"), 0), k, 1e-12);
  }
  EXPECT_NE(k, 0.3f);
}

// log p of a sample that is reconstructed exactly, plus KL: the metrics as they are published.
TEST(Vae, TheBoundIsMinusReconstructionMinusDivergence) {
  for (const char* name : {"vae_gaussian", "vae_bernoulli"}) {
    TrainingRig rig = rig_of(open_reference_backend(), objective_called(name), kSlowDescent);
    rig.step(1);
    const auto m = rig.metrics();
    const double beta = std::string(name) == "vae_gaussian" ? 2 : 1;
    EXPECT_NEAR(m.at("e.elbo"), -m.at("e.reconstruction") - m.at("e.kl"), 1e-9);
    EXPECT_NEAR(m.at("e.loss"), m.at("e.reconstruction") + beta * m.at("e.kl"), 1e-9);
    EXPECT_GT(m.at("e.kl"), 0);
  }
}

// The whole batch at once or in parts: the same sums (noise of the parts differs, so no vae).
TEST(Autoencoder, MicroBatchesAreTheWholeBatch) {
  const TinyObjective objective = objective_called("autoencoder");
  TrainingRig parts = rig_of(open_reference_backend(), objective, kSlowDescent);
  TrainingRig whole =
      rig_of(open_reference_backend(), objective, kSlowDescent, {"train.accumulate=1"});
  parts.step(2);
  whole.step(2);
  EXPECT_NEAR(parts.metrics().at("e.loss"), whole.metrics().at("e.loss"), 1e-6);
  EXPECT_LT(worst_difference(parts.session().checkpoint(), whole.session().checkpoint()), 1e-6);
}

// The first samples of the data and latents of G's own, there before any step and to stay.
TEST(VirtualBatchNorm, TheReferenceIsOfTheFirstSamples) {
  TrainingRig rig = rig_of(tested_backend(), objective_called("virtual_batch_norm"), kAdam);
  const HostTensor latents = rig.session().checkpoint().tensor("g.reference");
  EXPECT_NE(at(latents, 0), 0);
  const HostTensor reference = rig.session().checkpoint().tensor("d.reference");
  std::vector<float> images(size_t{3} * 8 * 8);
  rig.session().source().read(0, 3, images.data(), nullptr);
  EXPECT_TRUE(std::ranges::equal(reference.as<float>(), images));
  rig.step(4);
  EXPECT_EQ(rig.session().checkpoint().tensor("d.reference"), reference);
  EXPECT_EQ(rig.session().checkpoint().tensor("g.reference"), latents);
}

TEST(HistoricalAveraging, PullsTowardsTheMeanOfThePast) {
  const TinyObjective objective = objective_called("minibatch_discrimination");
  const std::string rule = R"({"type": "sgd", "lr": 0.01, "historical_average": 0.5})";
  TrainingRig pulled = rig_of(open_reference_backend(), objective, rule);
  TrainingRig whole = rig_of(open_reference_backend(), objective, rule);
  const std::string name = "d.dense1.weight", mean = "d.optimizer.historical_mean.dense1.weight";
  const double first = at(pulled.session().checkpoint().tensor(name), 0);
  pulled.step(1);
  const Checkpoint one = pulled.session().checkpoint();
  const double second = at(one.tensor(name), 0);
  EXPECT_DOUBLE_EQ(at(one.tensor(mean), 0), first);
  pulled.step(1);
  EXPECT_DOUBLE_EQ(at(pulled.session().checkpoint().tensor(mean), 0), (first + second) / 2);
  // The pull is lr times (p - mean): without it the second update would have gone further.
  TrainingRig free = rig_of(open_reference_backend(), objective, R"({"type": "sgd", "lr": 0.01})");
  free.step(2);
  EXPECT_NEAR(at(free.session().checkpoint().tensor(name), 0) -
                  at(pulled.session().checkpoint().tensor(name), 0),
              0.01 * (second - (first + second) / 2), 1e-12);
  whole.step(2);
  EXPECT_EQ(whole.session().checkpoint().tensors, pulled.session().checkpoint().tensors);
}

struct Refusal {
  const char *objective, *change, *part;
};

TEST(ReconstructionRules, NonsenseIsRefusedWithTheReason) {
  const Refusal refusals[] = {
      {"ebgan", "discriminator.outputs=[]", "second output"},
      {"feature_matching", "discriminator.outputs=[\"score\"]", "second output"},
      {"feature_matching", "objective.generator_loss=saturating", "minimises no loss of D's score"},
      {"began", "train.accumulate=2", "k moves once per update"},
      {"began", "objective.labels={}", "labels"},
      {"vae_bernoulli", "data.range=[-1,1]", "set data.range=[0,1]"},
      {"vae_bernoulli", "generator.outputs=[\"logits\"]", "sigmoid"},
      {"vae_bernoulli", "generator.outputs=[\"image\"]", "logits"},
      {"vae_gaussian", "latent.size=5", "log variance"},
      {"autoencoder", "latent.size=5", "latent.size"},
      {"autoencoder", "train.d_steps=2", "has no effect"},
      {"autoencoder", "objective.beta=2", "beta"},
      {"autoencoder", "optimizer.d={\"lr\": 1}", "has no part"},
      {"minibatch_discrimination", "objective.real_fake=mixed", "alike"},
      {"ebgan", "discriminator.outputs=[\"code\",\"image\"]", "shape of a sample"},
      {"virtual_batch_norm", "generator.layers.2={\"type\": \"batch_norm\"}", "use one of them"},
      {"ebgan", "encoder={\"layers\":[{\"type\":\"flatten\"}]}", "has no part"},
  };
  for (const Refusal& refusal : refusals) {
    SCOPED_TRACE(concat(refusal.objective, " ", refusal.change));
    try {
      rig_of(open_reference_backend(), objective_called(refusal.objective), kAdam,
             {refusal.change});
      ADD_FAILURE() << "accepted";
    } catch (const ConfigError& error) {
      EXPECT_NE(std::string(error.what()).find(refusal.part), std::string::npos) << error.what();
    }
  }
}

}  // namespace
}  // namespace gantry
