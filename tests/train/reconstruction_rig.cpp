// SPDX-License-Identifier: Apache-2.0
#include "tests/train/reconstruction_rig.h"

namespace gantry {
namespace {

constexpr const char* kWithoutNetworks = R"({
  "name": "tiny", "seed": 5, "threads": 2,
  "data": {"source": "glyphs", "samples": 96, "size": [8, 8]},
  "latent": {"size": 12}, "optimizer": {}, "train": {"steps": 10, "batch": 8}})";

// Smooth everywhere: their slopes can be measured by differences.
constexpr const char* kGenerator = R"(generator={"layers": [
    {"type": "dense", "units": 32}, {"type": "tanh"}, {"type": "dense", "units": 64},
    {"type": "reshape", "shape": [1, 8, 8]}, {"type": "tanh"}]})";

constexpr const char* kAutoencodingCritic = R"(discriminator={"layers": [
    {"type": "conv", "channels": 4, "kernel": 4, "stride": 2, "padding": 1}, {"type": "silu"},
    {"type": "flatten"}, {"type": "dense", "units": 6, "name": "code"},
    {"type": "dense", "units": 64}, {"type": "reshape", "shape": [1, 8, 8], "name": "image"}],
    "outputs": ["image", "code"]})";

constexpr const char* kFeatureCritic = R"(discriminator={"layers": [
    {"type": "conv", "channels": 4, "kernel": 4, "stride": 2, "padding": 1}, {"type": "silu"},
    {"type": "flatten"}, {"type": "dense", "units": 6}, {"type": "tanh", "name": "features"},
    {"type": "dense", "units": 1, "name": "score"}], "outputs": ["score", "features"]})";

constexpr const char* kNeighbourCritic = R"(discriminator={"layers": [
    {"type": "flatten"}, {"type": "dense", "units": 9}, {"type": "tanh"},
    {"type": "minibatch_discrimination", "features": 5, "dimensions": 3},
    {"type": "dense", "units": 1}]})";

constexpr const char* kReferencedGenerator = R"(generator={"layers": [
    {"type": "dense", "units": 32}, {"type": "virtual_batch_norm", "eps": 0.01}, {"type": "tanh"},
    {"type": "dense", "units": 64}, {"type": "reshape", "shape": [1, 8, 8]}, {"type": "tanh"}]})";

constexpr const char* kReferencedCritic = R"(discriminator={"layers": [
    {"type": "conv", "channels": 4, "kernel": 4, "stride": 2, "padding": 1},
    {"type": "virtual_batch_norm", "eps": 0.01}, {"type": "silu"}, {"type": "dropout", "rate": 0.2},
    {"type": "flatten"}, {"type": "dense", "units": 1}]})";

constexpr const char* kBernoulliGenerator = R"(generator={"layers": [
    {"type": "dense", "units": 32}, {"type": "tanh"}, {"type": "dense", "units": 64},
    {"type": "reshape", "shape": [1, 8, 8], "name": "logits"},
    {"type": "sigmoid", "name": "image"}], "outputs": ["image", "logits"]})";

std::string encoder(int64_t units) {
  return concat(R"(encoder={"layers": [{"type": "flatten"}, {"type": "dense", "units": 20},
      {"type": "silu"}, {"type": "dense", "units": )",
                units, "}]}");
}

std::string objective(const std::string& keys) { return concat("objective={", keys, "}"); }

std::vector<TinyObjective::Loss> game(std::vector<std::pair<std::string, double>> of_g) {
  return {{"d", {{"d.loss_real", 1}, {"d.loss_fake", 1}}}, {"g", std::move(of_g)}};
}

std::vector<TinyObjective::Loss> reconstruction() {
  return {{"e", {{"e.loss", 1}}}, {"g", {{"e.loss", 1}}}};
}

}  // namespace

std::vector<TinyObjective> tiny_objectives() {
  const std::string pixels = R"(data={"source": "glyphs", "samples": 96, "size": [8, 8],
                                      "range": [0, 1]})";
  return {
      {"virtual_batch_norm",
       {kReferencedGenerator, kReferencedCritic, "train.reference_batch=3",
        "train.generator_batch=5", objective(R"("type": "gan")")},
       game({{"g.loss", 1}})},
      {"virtual_batch_norm_in_parts",
       {kReferencedGenerator, kReferencedCritic, "train.accumulate=2",
        objective(R"("type": "gan")")},
       game({{"g.loss", 1}})},
      {"ebgan",
       {kGenerator, kAutoencodingCritic,
        objective(R"("type": "ebgan", "ebgan": {"margin": 60, "pt_weight": 0.5})")},
       game({{"g.loss", 1}, {"g.pulling_away", 0.5}})},
      {"ebgan_mean",
       {kGenerator, kAutoencodingCritic,
        objective(R"("type": "ebgan", "instance_noise": {"sigma": 0.1},
                     "ebgan": {"margin": 0.9, "mean": true, "pt_weight": 0})")},
       game({{"g.loss", 1}})},
      {"began",
       {kGenerator, kAutoencodingCritic,
        objective(R"("type": "began", "began": {"lambda": 0.1, "k": 0.3, "gamma": 0.7})")},
       game({{"g.loss", 1}})},
      {"feature_matching",
       {kGenerator, kFeatureCritic, objective(R"("type": "feature_matching")")},
       game({{"g.loss", 1}})},
      {"feature_matching_absolute",
       {kGenerator, kFeatureCritic,
        objective(R"("type": "feature_matching", "feature_matching": {"distance": "absolute"})")},
       game({{"g.loss", 1}})},
      {"minibatch_discrimination",
       {kGenerator, kNeighbourCritic, objective(R"("type": "gan")")},
       game({{"g.loss", 1}})},
      {"autoencoder",
       {kGenerator, encoder(12), objective(R"("type": "autoencoder", "variance": 0.5)"),
        "train.accumulate=2"},
       reconstruction()},
      {"vae_gaussian",
       {kGenerator, encoder(24), objective(R"("type": "vae", "variance": 0.5, "beta": 2)")},
       reconstruction()},
      {"vae_bernoulli",
       {kBernoulliGenerator, pixels, encoder(24),
        objective(R"("type": "vae", "likelihood": "bernoulli")")},
       reconstruction()},
  };
}

TrainingRig rig_of(Backend backend, const TinyObjective& objective, const std::string& rule,
                   const std::vector<std::string>& more) {
  std::vector<std::string> overrides = objective.overrides;
  for (const TinyObjective::Loss& loss : objective.losses) {
    overrides.push_back(concat("optimizer.", loss.player, "=", rule));
  }
  overrides.insert(overrides.end(), more.begin(), more.end());
  for (std::string& text : overrides) std::erase(text, '\n');
  return TrainingRig(std::move(backend), kWithoutNetworks, overrides);
}

}  // namespace gantry
