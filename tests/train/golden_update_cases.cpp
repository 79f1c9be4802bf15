// SPDX-License-Identifier: Apache-2.0
#include "tests/train/golden_update_cases.h"

#include "core/error.h"
#include "tests/models/random_network.h"

namespace gantry {
namespace {

const std::string kGlyphs = R"("source": "glyphs", "samples": 32, "glyphs": 3, "size": [6, 6])";
const std::string kLatent = R"("latent": {"size": 5})";
const std::string kInit = R"("init": {"weight": {"kind": "he_normal"},
  "bias": {"kind": "uniform", "bound": 0.25},
  "scale": {"kind": "normal", "mean": 1, "std": 0.25}})";

std::string networks(const std::string& g, const std::string& d) {
  return concat("\"generator\": ", g, ",\n\"discriminator\": ", d);
}

// What `input` is to become a sample.
std::string generator(const std::string& head = "", const std::string& inputs = "[\"z\"]") {
  return concat(R"({"inputs": )", inputs, R"(, "layers": [)", head, R"(
    {"type": "dense", "units": 8}, {"type": "batch_norm", "momentum": 0.125, "eps": 0.015625},
    {"type": "leaky_relu", "slope": 0.25}, {"type": "dense", "units": 36},
    {"type": "reshape", "shape": [1, 6, 6]},
    {"type": "conv", "channels": 1, "kernel": 3, "padding": 1}, {"type": "tanh"}], )",
                kInit, "}");
}

std::string with_layers(const std::string& layers, const std::string& outputs = "") {
  return concat("{\"layers\": [", layers, "], ", outputs, kInit, "}");
}

enum class Mixing { kMixed, kApart };  // by batch norms

std::string random_critic(uint64_t seed, Mixing mixing) {
  std::string json = testing::replaced(testing::random_network(seed), "\"image\"", "\"x\"");
  json = testing::replaced(testing::replaced(json, "\"units\": 2", "\"units\": 1"), "0.3", "0.25");
  const bool mixed = mixing == Mixing::kMixed;
  json = testing::replaced(json, "\"batch_norm\"",
                           mixed ? R"("batch_norm", "momentum": 0.125)" : R"("layer_norm")");
  for (const char* norm : {"batch", "layer", "instance", "group"}) {
    const std::string type = concat(R"("type": ")", norm, R"(_norm")");
    json = testing::replaced(json, type, type + R"(, "eps": 0.015625)");
  }
  json.pop_back();
  return concat(json, ", ", kInit, "}");
}

constexpr const char* kConv = R"(
    {"type": "conv", "channels": 4, "kernel": 4, "stride": 2, "padding": 1})";

// A score, and what else reads the features.
std::string with_heads(const std::string& heads, const std::string& outputs) {
  return with_layers(concat(kConv, R"(, {"type": "layer_norm", "eps": 0.015625},
    {"type": "silu"}, {"type": "flatten", "name": "features"},
    {"type": "dense", "units": 1, "name": "score"})",
                            heads),
                     concat(R"("outputs": )", outputs, ", "));
}

const std::string kAutoencoder =
    with_layers(concat(kConv, R"(, {"type": "elu"}, {"type": "flatten"},
    {"type": "dense", "units": 5, "name": "code"}, {"type": "dense", "units": 36},
    {"type": "reshape", "shape": [1, 6, 6], "name": "image"})"),
                R"("outputs": ["image", "code"], )");

const std::string kFeatures = with_layers(
    R"({"type": "pad", "padding": 1, "kind": "reflect"},
    {"type": "conv", "channels": 3, "kernel": 4, "stride": 2},
    {"type": "crop", "padding": [1, 0, 0, 0]},
    {"type": "softplus"}, {"type": "flatten"}, {"type": "dense", "units": 5},
    {"type": "minibatch_discrimination", "features": 3, "dimensions": 2, "name": "features"},
    {"type": "dense", "units": 1, "name": "score"})",
    R"("outputs": ["score", "features"], )");

const std::string kNaming =
    with_layers(concat(kConv, R"(, {"type": "layer_norm", "eps": 0.015625}, {"type": "silu"},
    {"type": "flatten"}, {"type": "dense", "units": 5}, {"type": "softplus", "name": "features"},
    {"type": "dense", "units": 3, "name": "class"})"),
                R"("outputs": ["class", "features"], )");

const std::string kReferenced =
    with_layers(concat(kConv, R"(, {"type": "virtual_batch_norm", "eps": 0.015625},
    {"type": "leaky_relu", "slope": 0.25}, {"type": "upsample", "factor": 2}, {"type": "global_average_pool"},
    {"type": "dense", "units": 1})"));

const std::string kProjection = concat(R"({"inputs": ["x", "label"], "layers": [)", kConv, R"(,
    {"type": "tanh"}, {"type": "global_max_pool", "name": "features"},
    {"type": "dense", "units": 1, "name": "marginal"},
    {"type": "embedding", "units": 4, "inputs": ["label"], "name": "classes"},
    {"type": "dot", "inputs": ["features", "classes"], "name": "projection"},
    {"type": "add", "inputs": ["marginal", "projection"]}], )",
                                       kInit, "}");

const std::string kTold =
    generator(R"({"type": "concat", "inputs": ["z", "label"]},)", R"(["z", "label"])");

constexpr const char* kAdam = R"({"lr": 0.0625, "betas": [0.5, 0.75], "eps": 0.0625})";
constexpr const char* kRmsprop = R"({"type": "rmsprop", "lr": 0.015625, "eps": 0.0625,
    "weight_clip": 0.125})";
constexpr const char* kSgd = R"({"type": "sgd", "lr": 0.0009765625, "momentum": 0.5})";

UpdateCase update(const std::string& name, const std::string& objective,
                  const std::string& networks, const std::string& rules,
                  const std::string& latent = kLatent, const std::string& range = "[-1, 1]") {
  return {name, concat(R"({"name": ")", name, R"(", "seed": 3, "threads": 1,
"data": {)",
                       kGlyphs, R"(, "range": )", range, "},\n", latent, ",\n", networks,
                       ",\n\"objective\": ", objective, ",\n\"optimizer\": {", rules, R"(},
"train": {"steps": 1, "batch": 4}})")};
}

std::string rules_of(const char* g, const char* other, const char* player = "d") {
  return concat("\"g\": ", g, ", \"", player, "\": ", other);
}

void add_scores(std::vector<UpdateCase>& all) {
  const auto add = [&](const std::string& name, const std::string& objective, uint64_t seed,
                       Mixing mixing, const char* rule) {
    all.push_back(update(name, objective, networks(generator(), random_critic(seed, mixing)),
                         rules_of(kAdam, rule)));
  };
  add("gan", R"({"type": "gan", "labels": {"smooth_real": 0.25}})", 1, Mixing::kMixed, kAdam);
  add("gan_saturating", R"({"type": "gan", "generator_loss": "saturating"})", 2, Mixing::kMixed,
      kSgd);
  add("lsgan", R"({"type": "lsgan", "labels": {"real": 1, "fake": -1, "generator": 0.5}})", 3,
      Mixing::kMixed, kAdam);
  add("wgan", R"({"type": "wgan"})", 4, Mixing::kMixed, kRmsprop);
  add("hinge", R"({"type": "hinge", "real_fake": "mixed"})", 5, Mixing::kMixed, kAdam);
  add("wgan_gp", R"({"type": "wgan_gp"})", 6, Mixing::kApart, kAdam);
  add("dragan", R"({"type": "dragan"})", 7, Mixing::kApart, kAdam);
  add("r1_r2", R"({"type": "gan", "penalties": {"r1": 10, "r2": 3}})", 8, Mixing::kApart, kSgd);
  add("penalties_alone", R"({"type": "lsgan", "loss_weight": 0.0009765625,
      "penalties": {"gradient": {"weight": 10, "target": 0.25}, "r1": 1}})",
      9, Mixing::kApart, kAdam);
}

void add_critics(std::vector<UpdateCase>& all) {
  const std::string adam = rules_of(kAdam, kAdam);
  all.push_back(update("ebgan", R"({"type": "ebgan", "ebgan": {"margin": 64, "pt_weight": 0.5}})",
                       networks(generator(), kAutoencoder), adam));
  all.push_back(update("began",
                       R"({"type": "began", "began": {"k": 0.25, "lambda": 0.125, "gamma": 0.5}})",
                       networks(generator(), kAutoencoder), adam));
  all.push_back(update("feature_matching", R"({"type": "feature_matching"})",
                       networks(generator(), kFeatures), adam));
  all.push_back(update("semi_supervised", R"({"type": "semi_supervised",
      "semi_supervised": {"labels_per_class": 2, "supervised": 0.75}})",
                       networks(generator(), kNaming), adam));
  all.push_back(
      update("virtual_batch_norm", R"({"type": "gan"})", networks(generator(), kReferenced), adam));
  all.push_back(update("projection_with_penalty",
                       R"({"type": "hinge", "penalties": {"gradient": {"weight": 10}, "r2": 2}})",
                       networks(kTold, kProjection), adam,
                       R"("latent": {"size": 5, "labels": "data"})"));
  const std::string classes =
      with_heads(R"(, {"type": "dense", "units": 3, "inputs": ["features"], "name": "class"})",
                 R"(["score", "class"])");
  all.push_back(update("acgan", R"({"type": "acgan"})", networks(kTold, classes), adam));
  all.push_back(update("acgan_with_penalty", R"({"type": "acgan", "loss": "wasserstein",
      "acgan": {"d_fake": 0, "g": 0.125}, "penalties": {"gradient": {"weight": 10}}})",
                       networks(kTold, classes), adam));
  const std::string codes = with_heads(
      R"(, {"type": "dense", "units": 3, "inputs": ["features"], "name": "q1"},
    {"type": "dense", "units": 2, "inputs": ["features"], "name": "q2"})",
      R"(["score", "q1", "q2"])");
  all.push_back(update("infogan", R"({"type": "infogan", "infogan": {"continuous": 0.125}})",
                       networks(generator(), codes), adam, R"("latent": {"size": 4, "codes": [
    {"type": "categorical", "classes": 3}, {"type": "uniform", "size": 2}]})"));
}

void add_autoencoders(std::vector<UpdateCase>& all) {
  const auto encoder = [](const char* units) {
    return concat("\"encoder\": ", with_layers(concat(R"({"type": "flatten"},
    {"type": "dense", "units": 6}, {"type": "sigmoid"}, {"type": "dense", "units": )",
                                                      units, "}")));
  };
  const std::string adam = rules_of(kAdam, kAdam, "e");
  const std::string networks = concat("\"generator\": ", generator(), ",\n", encoder("10"));
  all.push_back(
      update("vae_gaussian", R"({"type": "vae", "variance": 0.5, "beta": 2})", networks, adam));
  const std::string pixels = with_layers(
      R"({"type": "dense", "units": 36}, {"type": "reshape", "shape": [1, 6, 6], "name": "logits"},
    {"type": "sigmoid", "name": "image"})",
      R"("outputs": ["image", "logits"], )");
  all.push_back(update("vae_bernoulli", R"({"type": "vae", "likelihood": "bernoulli"})",
                       concat("\"generator\": ", pixels, ",\n", encoder("10")), adam, kLatent,
                       "[0, 1]"));
}

}  // namespace

std::vector<UpdateCase> golden_update_cases() {
  std::vector<UpdateCase> all;
  add_scores(all);
  add_critics(all);
  add_autoencoders(all);
  return all;
}

}  // namespace gantry
