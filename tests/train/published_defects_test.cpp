// SPDX-License-Identifier: Apache-2.0
// Defects that popular implementations of these objectives shipped, and the test that fails where
// Gantry has them. Those named here stand elsewhere; the rest are below.
//
// | defect, and where it was seen | test |
// |---|---|
// | D's loss computed but never applied beside a penalty (PyTorch-GAN dragan) |
// Penalty.TheGradientIsThatOfTheWholeLoss, GoldenUpdate dragan | | norm of the slope per pixel
// (PyTorch-GAN dragan, caogang/wgan-gp, Zeleni9), or over the batch (TorchGAN) |
// PenaltyLadder.EverySampleHasANormOfItsOwn, Penalty.TheLoggedNormExplainsTheLoggedPenalty | | one
// alpha for the whole batch (TorchGAN) | PenaltyLadder.OneNumberPerSampleSaysHowFarBetween | | an
// optimizer step of the penalty's own (TorchGAN) | APenaltyHasNoStepOfItsOwn | | NaN where the
// slope is 0 | PenaltyLadder.NoGradientIsNoNumberThatIsNot | | softmax before a cross-entropy that
// has one (PyTorch-GAN acgan, infogan) | Heads.TheClassLossIsTheCrossEntropyOfTheLogits,
// TheCodeLossIsThatOfTheCodesThatGWasGiven | | InfoGAN's term rebuilt from values, without a
// gradient (TorchGAN) | Heads.TheTermsReachBothPlayers | | BatchNorm2d(f, 0.8), which sets eps
// (PyTorch-GAN) | NormsHaveTheirPublishedDefaults | | pulling away: cosine not squared
// (PyTorch-GAN), normalised over the batch, with the diagonal (TorchGAN) |
// CriticLadder.PullingAwayIsTheMeanSquaredCosineOfDifferentSamples | | EBGAN: margin on the mean of
// the batch (PyTorch-GAN) | CriticLadder.TheMarginIsThatOfEachSampleNotOfTheBatch | | EBGAN: G's
// target detached (PyTorch-GAN) | Reconstruction.EachPlayerDescendsTheSlopeOfItsLoss | | G's update
// reuses the critic's z (PyTorch-GAN wgan) | GDrawsLatentsOfItsOwn | | n_critic by the index of the
// iteration (PyTorch-GAN wgan) | Critic.EachStepMakesItsNumberOfUpdates | | batch norm in a
// penalised critic (StudioGAN) | APenalisedCriticHasNoBatchNorm | | the clip reaches batch norm's
// gamma (StudioGAN; the authors' code too) | TheClipIsThatOfTheAuthors | | non-finite gradients
// replaced by numbers (stylegan3) | Training.ANonfiniteGradientChangesNoWeight | | snapshots
// without Adam's moments (stylegan3) | Training.ResumingContinuesBitForBit | | a metric with
// another seed in each run (stylegan3) | Run.EvalOfOneSeedIsOneResult | | label smoothing on by
// default (TF-GAN) | TargetsAreNotSmoothedUnlessAsked | | a sample is its own neighbour in
// minibatch discrimination | CriticLadder.ASampleIsNotItsOwnNeighbour | | virtual batch norm with
// another reference in each call (TorchGAN) | VirtualBatchNorm.TheReferenceIsOfTheFirstStep | |
// losses that overflow at large logits | LossLadder.FarFromZero, Heads.FiniteForLogitsOfTenThousand
// |
//
// Of no concern here: one loss scaler for both players (no half precision), Inception with
// torchvision's weights and resize (no Inception), latent optimisation (not built).
#include <gtest/gtest.h>

#include "core/error.h"
#include "core/json.h"
#include "tests/train/tap_reader.h"
#include "tests/train/training_rig.h"

namespace gantry {
namespace {

using Overrides = std::vector<std::string>;

// Its D has no batch norm.
const std::string kPlainCritic =
    R"(discriminator.layers=[{"type":"conv","channels":4,"kernel":4,"stride":2,"padding":1},)"
    R"({"type":"leaky_relu","slope":0.2},{"type":"flatten"},{"type":"dense","units":1}])";

int64_t updates(TrainingRig& rig, const char* player) {
  const std::string name = concat(player, ".optimizer.updates");
  return rig.session().checkpoint().tensor(name).as<int64_t>()[0];
}

TEST(PublishedDefects, APenaltyHasNoStepOfItsOwn) {
  TrainingRig rig = cpu_rig({R"(objective={"type":"wgan_gp"})", kPlainCritic, "train.d_steps=2"});
  rig.step(3);
  EXPECT_EQ(updates(rig, "d"), 6);
  EXPECT_EQ(updates(rig, "g"), 3);
}

TEST(PublishedDefects, GDrawsLatentsOfItsOwn) {
  for (const bool reuse : {false, true}) {
    TrainingRig rig =
        cpu_rig({R"(objective={"type":"wgan"})", "optimizer.d.weight_clip=0.01", "train.d_steps=2",
                 concat("train.reuse_fakes=", reuse ? "true" : "false")});
    TapReader taps;
    taps.step(rig.session());
    EXPECT_NE(taps.at("d1.m1.latent"), taps.at("d2.m1.latent"));
    ASSERT_EQ(taps.has("g1.m1.latent"), !reuse);  // asked to, it has none
    if (reuse) continue;
    for (const char* of_d : {"d1.m1.latent", "d2.m1.latent"}) {
      EXPECT_NE(taps.at("g1.m1.latent"), taps.at(of_d));
    }
  }
}

TEST(PublishedDefects, NormsHaveTheirPublishedDefaults) {
  const std::string resolved =
      parse_config(kTinyGan, "tiny.json", {R"(generator.layers.2={"type":"batch_norm"})"}).resolved;
  const JsonDocument document = parse_json(resolved, "resolved");
  const JsonValue& norm = document.nearest("/generator/layers/2");
  EXPECT_EQ(norm.find("eps")->real, 1e-5);
  EXPECT_EQ(norm.find("momentum")->real, 0.1);
  EXPECT_TRUE(norm.find("unbiased")->boolean);  // the running variance; that of the batch is not
}

TEST(PublishedDefects, APenalisedCriticHasNoBatchNorm) {
  const Overrides overrides = {
      R"(objective={"type":"wgan_gp"})",
      R"(discriminator.layers=[{"type":"conv","channels":4,"kernel":4},{"type":"batch_norm"},)"
      R"({"type":"leaky_relu"},{"type":"flatten"},{"type":"dense","units":1}])"};
  try {
    parse_config(kTinyGan, "tiny.json", overrides);
    FAIL() << "accepted";
  } catch (const ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("use layer_norm or no norm"), std::string::npos)
        << error.what();
  }
}

// Arjovsky et al. 2017, algorithm 1: w <- clip(w, -c, c) for all of w. The authors' code does so
// with every parameter of the critic, scales of batch norm among them, and so does Gantry.
TEST(PublishedDefects, TheClipIsThatOfTheAuthors) {
  TrainingRig rig = cpu_rig(
      {R"(objective={"type":"wgan"})", "optimizer.d.weight_clip=0.05",
       R"(discriminator.layers=[{"type":"conv","channels":4,"kernel":4},{"type":"batch_norm"},)"
       R"({"type":"leaky_relu"},{"type":"flatten"},{"type":"dense","units":1}])"});
  rig.step(1);
  const Checkpoint after = rig.session().checkpoint();
  for (const ParamRange& range : rig.session().system().player("d").store.params()) {
    for (const float w : after.tensor("d." + range.name).as<float>()) {
      EXPECT_LE(std::abs(w), 0.05f) << range.name;
    }
  }
  for (const float scale : after.tensor("d.batch_norm1.scale").as<float>()) {
    EXPECT_EQ(scale, 0.05f);  // from 1
  }
}

class Targets : public ReplayWatcher {
 public:
  explicit Targets(Session& session) : session_(session) {}
  void after(size_t, const Call& call, std::span<const TensorView> args) override {
    if (call.name.find("target_") == std::string::npos) return;
    values_[call.name] = read_reals(*session_.system().backend.device, session_.stream(), args[0]);
  }
  const std::map<std::string, std::vector<double>>& values() const { return values_; }

 private:
  Session& session_;
  std::map<std::string, std::vector<double>> values_;
};

TEST(PublishedDefects, TargetsAreNotSmoothedUnlessAsked) {
  for (const char* type : {"gan", "dragan", "lsgan"}) {
    TrainingRig rig = cpu_rig({concat(R"(objective={"type":")", type, "\"}"), kPlainCritic});
    Targets targets(rig.session());
    rig.session().step(targets);
    for (const double target : targets.values().at("d1.m1.target_real")) EXPECT_EQ(target, 1);
    for (const double target : targets.values().at("d1.m1.target_fake")) EXPECT_EQ(target, 0);
    for (const double target : targets.values().at("g1.m1.target_fake")) EXPECT_EQ(target, 1);
  }
}

}  // namespace
}  // namespace gantry
