// SPDX-License-Identifier: Apache-2.0
// What must hold of a training step, whatever the networks: exactness, equivalences, refusals.
#include <gtest/gtest.h>

#include <cmath>

#include "tests/malloc_count.h"
#include "tests/reference/reference_backend.h"
#include "tests/train/training_rig.h"
#include "train/nonfinite.h"

namespace gantry {
namespace {

// Largest difference between two checkpoints' real tensors, relative to each tensor's largest
// value.
double worst_difference(const Checkpoint& a, const Checkpoint& b, const std::string& prefix) {
  double worst = 0;
  for (const HostTensor& tensor : a.tensors) {
    if (!tensor.name.starts_with(prefix) || tensor.dtype == DType::kI64) continue;
    const HostTensor& other = b.tensor(tensor.name);
    const auto value = [](const HostTensor& t, size_t i) {
      return t.dtype == DType::kF64 ? t.as<double>()[i] : double{t.as<float>()[i]};
    };
    double scale = 1e-3, difference = 0;
    for (size_t i = 0; i < static_cast<size_t>(tensor.elements()); ++i) {
      scale = std::max(scale, std::abs(value(other, i)));
      difference = std::max(difference, std::abs(value(tensor, i) - value(other, i)));
    }
    worst = std::max(worst, difference / scale);
  }
  return worst;
}

TEST(Training, TheSameRunTwiceGivesTheSameBytes) {
  TrainingRig a = tested_rig(), b = tested_rig({"data.prefetch_threads=2"});
  a.step(6);
  b.step(6);
  EXPECT_EQ(a.session().checkpoint().tensors, b.session().checkpoint().tensors);
}

TEST(Training, ResumingContinuesBitForBit) {
  TrainingRig whole = tested_rig(), first = tested_rig(), second = tested_rig({"seed=5"});
  whole.step(7);
  first.step(3);
  second.step(1);  // dirt that restore() must replace
  second.session().restore(first.session().checkpoint(), "memory");
  second.step(4);
  EXPECT_EQ(whole.session().checkpoint().tensors, second.session().checkpoint().tensors);
}

TEST(Training, AnotherSeedGivesAnotherRun) {
  TrainingRig a = tested_rig(), b = tested_rig({"seed=6"});
  a.step(1);
  b.step(1);
  EXPECT_NE(a.session().checkpoint().tensors, b.session().checkpoint().tensors);
}

// Two steps of sgd with large gradients would hide nothing; Adam's first steps are sign-like, so
// the comparison uses sgd.
TEST(Training, FollowsTheDoublePrecisionReference) {
  const std::vector<std::string> sgd = {"optimizer.g={\"type\":\"sgd\",\"lr\":0.05}",
                                        "optimizer.d={\"type\":\"sgd\",\"lr\":0.05}"};
  TrainingRig tested = tested_rig(sgd);
  TrainingRig reference(open_reference_backend(), kTinyGan, sgd);
  tested.step(3);
  reference.step(3);
  const Checkpoint a = tested.session().checkpoint(), b = reference.session().checkpoint();
  EXPECT_LT(worst_difference(a, b, "g."), 2e-4);
  EXPECT_LT(worst_difference(a, b, "d."), 2e-4);
}

constexpr const char* kNoMixing[] = {
    "generator.layers=[{\"type\":\"dense\",\"units\":64},{\"type\":\"tanh\"},"
    "{\"type\":\"reshape\",\"shape\":[1,8,8]}]",
    "discriminator.layers=[{\"type\":\"conv\",\"channels\":6,\"kernel\":4,\"stride\":2,"
    "\"padding\":1},{\"type\":\"leaky_relu\",\"slope\":0.2},{\"type\":\"flatten\"},"
    "{\"type\":\"dense\",\"units\":1}]",
    "objective={}", "optimizer.g={\"type\":\"sgd\",\"lr\":0.05}",
    "optimizer.d={\"type\":\"sgd\",\"lr\":0.05}"};

std::vector<std::string> without_mixing(std::vector<std::string> more) {
  more.insert(more.begin(), std::begin(kNoMixing), std::end(kNoMixing));
  return more;
}

// Without layers that mix samples, how D's batch is put together cannot matter.
TEST(Training, MixedAndSeparateBatchesAgreeWithoutBatchNorm) {
  TrainingRig separate = tested_rig(without_mixing({}));
  TrainingRig mixed = tested_rig(without_mixing({"objective.real_fake=mixed"}));
  separate.step(2);
  mixed.step(2);
  EXPECT_EQ(separate.session().checkpoint().tensors, mixed.session().checkpoint().tensors);
}

// With statistics per half, [real; fake] is two passes: a batch of 16 + 16 in one pass equals the
// two passes that unequal sizes take, up to the samples that differ. Here: the same sizes through
// both paths, by micro-batches of the whole.
TEST(Training, AccumulatedMicroBatchesAreTheWholeBatchInTheFirstUpdateOfD) {
  // Draws depend on the global sample index alone, so micro-batches are a cut of the same batch.
  TrainingRig whole = tested_rig(without_mixing({}));
  TrainingRig parts = tested_rig(without_mixing({"train.accumulate=4"}));
  whole.step(1);
  parts.step(1);
  EXPECT_NEAR(whole.metrics().at("d.loss_real"), parts.metrics().at("d.loss_real"), 1e-6);
  EXPECT_NEAR(whole.metrics().at("d.loss_fake"), parts.metrics().at("d.loss_fake"), 1e-6);
  EXPECT_NEAR(whole.metrics().at("g.loss"), parts.metrics().at("g.loss"), 1e-6);
  EXPECT_GT(whole.session().usual().replay->plan().arena_bytes,
            parts.session().usual().replay->plan().arena_bytes);
}

// Plain descent with a rate of 1 takes the clipped gradient itself off the weights.
TEST(Training, EachTensorIsClippedByItsOwnNorm) {
  constexpr double kClip = 1e-3;
  TrainingRig rig = cpu_rig({R"(optimizer.g={"type": "sgd", "lr": 1, "clip_tensor_norm": 1e-3})"});
  const Checkpoint before = rig.session().checkpoint();
  rig.step(1);
  const Checkpoint after = rig.session().checkpoint();
  int clipped = 0;
  for (const ParamRange& param : rig.session().system().player("g").store.params()) {
    const auto old = before.tensor("g." + param.name).as<float>();
    const auto now = after.tensor("g." + param.name).as<float>();
    double sum = 0;
    for (size_t i = 0; i < old.size(); ++i) {
      sum += (double{now[i]} - double{old[i]}) * (double{now[i]} - double{old[i]});
    }
    EXPECT_LE(std::sqrt(sum), 1.01 * kClip) << param.name;
    clipped += std::sqrt(sum) > 0.99 * kClip;
  }
  EXPECT_GE(clipped, 3);
  EXPECT_GT(rig.metrics().at("g.grad_norm"), 2 * kClip);
}

TEST(Training, EveryWayOfComposingAStepTrains) {
  const std::vector<std::vector<std::string>> variants = {
      {"train.d_steps=3"},
      {"train.g_steps=2"},
      {"train.order=g_first"},
      {"train.reuse_fakes=true"},
      {"train.fake_batch=8"},
      {"train.fake_batch=8", "objective.real_fake=mixed"},
      {"train.generator_batch=32"},
      {"train.accumulate=2", "train.reuse_fakes=true"},
      {"objective.real_fake=alternating"},
      {"objective.real_fake=mixed", "objective.combine=mean"},
      {"objective.loss=least_squares", "objective.labels={\"real\":1,\"fake\":-1}"},
      {"objective.generator_loss=saturating"},
      {"objective={\"type\":\"lsgan\"}"},
      {"objective={\"type\":\"wgan\"}", "optimizer.d.weight_clip=0.05"},
      {"objective={\"type\":\"hinge\"}"},
      {"optimizer.g.clip_norm=0.5", "optimizer.d.weight_clip=0.05"},
      {"optimizer.g.clip_tensor_norm=0.5", "optimizer.d.clip_tensor_norm=0.05"},
      {R"(optimizer.g={"type": "sgd", "variant": "keras", "lr": 0.1, "momentum": 0.5})"},
  };
  for (const auto& overrides : variants) {
    SCOPED_TRACE(overrides.front());
    TrainingRig rig = tested_rig(overrides);
    const Checkpoint before = rig.session().checkpoint();
    rig.step(2);
    const Checkpoint after = rig.session().checkpoint();
    for (const auto& [name, value] : rig.metrics()) EXPECT_TRUE(std::isfinite(value)) << name;
    for (const HostTensor& tensor : before.tensors) {
      if (!tensor.name.ends_with(".weight")) continue;
      EXPECT_NE(tensor, after.tensor(tensor.name)) << tensor.name;
    }
  }
}

// Reused fakes leave out one pass of G: fewer calls, and the same first update of D.
TEST(Training, ReusedFakesSaveAGeneratorPass) {
  TrainingRig fresh = tested_rig(), reused = tested_rig({"train.reuse_fakes=true"});
  EXPECT_LT(reused.session().usual().recorded.program.flops(),
            fresh.session().usual().recorded.program.flops());
  fresh.step(1);
  reused.step(1);
  EXPECT_EQ(fresh.metrics().at("d.loss_fake"), reused.metrics().at("d.loss_fake"));
}

TEST(Training, AReplayedStepAllocatesNothing) {
  if (!MallocCount::supported()) GTEST_SKIP() << "a sanitizer owns malloc";
  TrainingRig rig = cpu_rig();
  rig.step(2);
  const MallocCount count;
  for (int i = 0; i < 3; ++i) (*rig.session().usual().replay).run(rig.session().stream());
  EXPECT_EQ(count.count(), 0);
}

TEST(Training, TheFirstNonfiniteTensorIsNamed) {
  TrainingRig rig = tested_rig();
  rig.step(1);
  Checkpoint broken = rig.session().checkpoint();
  for (HostTensor& tensor : broken.tensors) {
    if (tensor.name == "d.conv2.weight") tensor.as<float>()[3] = NAN;
  }
  rig.session().restore(broken, "memory");
  const auto first = first_nonfinite((*rig.session().usual().replay), *rig.backend().device,
                                     rig.session().stream());
  ASSERT_TRUE(first);
  EXPECT_TRUE(first->starts_with("d1.m1.d.conv2.forward")) << *first;
}

TEST(Training, ANonfiniteGradientChangesNoWeight) {
  TrainingRig rig = tested_rig();
  rig.step(1);
  Checkpoint broken = rig.session().checkpoint();
  for (HostTensor& tensor : broken.tensors) {
    if (tensor.name == "g.conv_transpose1.bias") tensor.as<float>()[0] = NAN;
  }
  rig.session().restore(broken, "memory");
  rig.step(1);
  EXPECT_GT(rig.metrics().at("d.nonfinite"), 0);
  EXPECT_EQ(rig.session().checkpoint().tensor("d.conv1.weight"), broken.tensor("d.conv1.weight"));
}

TEST(Training, ACheckpointOfAnotherNetworkIsRefusedWithATable) {
  TrainingRig a = tested_rig(),
              b = tested_rig({"generator.layers.0.units=256", "generator.layers.1.shape=[16,4,4]"});
  try {
    b.session().restore(a.session().checkpoint(), "runs/a/checkpoints/step-00000000");
    FAIL() << "restored";
  } catch (const CheckpointError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("runs/a"), std::string::npos) << message;
    EXPECT_NE(message.find("g.dense1.weight"), std::string::npos) << message;
  }
}

TEST(Training, AGeneratorThatDoesNotFitTheDataIsRefused) {
  try {
    tested_rig({"data.size=[16,16]"});
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("1x1x8x8"), std::string::npos) << message;
    EXPECT_NE(message.find("1x1x16x16"), std::string::npos) << message;
  }
}

}  // namespace
}  // namespace gantry
