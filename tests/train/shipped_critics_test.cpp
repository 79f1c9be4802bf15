// SPDX-License-Identifier: Apache-2.0
// The second-order scheme (docs/second-order.md) on the discriminator of every shipped config,
// against difference quotients of the first order in double. Layers keep their kinds, kernels and
// strides and get a sixteenth of their channels and units, for the sake of the reference's loops.
#include <gtest/gtest.h>

#include <cmath>

#include "core/json.h"
#include "tests/models/network_rig.h"
#include "tests/models/worst_error.h"
#include "tests/tolerances.h"
#include "tests/train/shipped_configs.h"

namespace gantry {
namespace {

using testing::NetworkRig;
using testing::Vec;
using testing::Vecs;

// Small, so that no value of the 10^5 before a ReLU or a maximum crosses it.
constexpr double kShift = 1e-8;
constexpr int64_t kSamples = 4, kClasses = 10;

int64_t thinned(int64_t size) { return size < 32 ? size : size / 16; }

// `units` before a reshape become what the reshape needs.
void thin(JsonValue& layers) {
  for (size_t i = 0; i < layers.items.size(); ++i) {
    JsonValue& layer = layers.items[i];
    for (const char* key : {"channels", "units", "features"}) {
      if (JsonValue* value = layer.find(key)) *value = JsonValue::of(thinned(value->integer));
    }
    JsonValue* shape = layer.find("shape");
    if (!shape) continue;
    shape->items[0] = JsonValue::of(thinned(shape->items[0].integer));
    JsonValue* units = i == 0 ? nullptr : layers.items[i - 1].find("units");
    if (!units) continue;
    int64_t size = 1;
    for (const JsonValue& side : shape->items) size *= side.integer;
    *units = JsonValue::of(size);
  }
}

std::string thin_critic(const LoadedConfig& loaded) {
  JsonDocument document = parse_json(loaded.resolved, "resolved");
  JsonValue& critic = *document.root.find("discriminator");
  thin(*critic.find("layers"));
  return write_json(critic);
}

std::vector<NamedShape> inputs_of(const RunConfig& config) {
  std::vector<NamedShape> inputs = {{"x", sample_shape(config.data)}};
  if (config.discriminator.network.inputs.size() == 2) {
    inputs.push_back({"label", vector_shape(kClasses), true});
  }
  return inputs;
}

// Weights that keep the size of what goes through them, so that every layer counts.
Vec drawn_params(const ParamStore& store, Vec flat) {
  uint64_t seed = 5;
  for (const ParamRange& range : store.params()) {
    const int64_t size = range.shape.elements();
    const double fan_in = static_cast<double>(size) / static_cast<double>(range.shape.n);
    const bool weight = range.name.ends_with("weight");
    const Vec noise = testing::random_values(size, ++seed, weight ? std::sqrt(2 / fan_in) : 0.1);
    for (int64_t i = 0; i < size; ++i) {
      const auto at = static_cast<size_t>(range.first + i);
      flat[at] = noise[static_cast<size_t>(i)] + (range.name.ends_with("scale") ? 1 : 0);
    }
  }
  return flat;
}

Vecs moved(const Vecs& at, const Vecs& direction, double by) {
  Vecs result = at;
  for (size_t i = 0; i < at.size(); ++i) {
    for (size_t k = 0; k < at[i].size(); ++k) result[i][k] += by * direction[i][k];
  }
  return result;
}

Vec slope(const Vec& above, const Vec& below) {
  Vec result(above.size());
  for (size_t i = 0; i < above.size(); ++i) result[i] = (above[i] - below[i]) / (2 * kShift);
  return result;
}

Vec part(const Vec& flat, const ParamRange& range) {
  const auto first = flat.begin() + static_cast<std::ptrdiff_t>(range.first);
  return {first, first + static_cast<std::ptrdiff_t>(range.shape.elements())};
}

testing::WorstError tangent("critics of configs, tangent"),
    second_difference("critics of configs, second order");

class ShippedCritic : public ::testing::TestWithParam<std::string> {
 protected:
  ShippedCritic() : loaded_(load_config(path_of_config(GetParam()))) {}

  const std::vector<LayerConfig>& layers() const {
    return loaded_.config.discriminator.network.layers;
  }

  LoadedConfig loaded_;
};

// dL/dw of v . grad_x <y, dy> is what double_backward adds; here L's slope along v.
TEST_P(ShippedCritic, DoubleBackwardIsTheSlopeOfBackward) {
  for (const LayerConfig& layer : layers()) {
    if (layer.layer->has_double_backward()) continue;
    GTEST_SKIP() << GetParam() << ": no penalty reaches D: " << layer.type
                 << " has no second derivative";
  }
  for (const LayerConfig& layer : layers()) {
    if (!layer.layer->mixes_samples()) continue;
    std::printf("%s: a penalty is refused, since %s mixes samples; compared all the same\n",
                GetParam().c_str(), layer.type.c_str());
    break;
  }
  ForwardOptions options;
  options.batch_groups = 2;
  options.sample_groups = {{kSamples / 2, 0}, {kSamples / 2, 0}};
  options.track = false;  // spectral norm's u stays
  NetworkRig rig(testing::reference(), thin_critic(loaded_), inputs_of(loaded_.config), kSamples,
                 options);
  rig.set_params(drawn_params(rig.store(), rig.params()));
  const Vecs x = rig.random_inputs(11), dy = rig.random_outputs(13);
  Vecs v = rig.random_inputs(17);
  if (v.size() == 2) v[1].assign(v[1].size(), 0);  // the label does not move

  const auto at = rig.second_order(x, dy, v);
  const auto above = rig.first_order(moved(x, v, kShift), dy);
  const auto below = rig.first_order(moved(x, v, -kShift), dy);
  for (size_t i = 0; i < dy.size(); ++i) {
    const Vec want = slope(above.y[i], below.y[i]);
    EXPECT_LT(tangent.see(testing::relative_error(at.uy[i], want)), kCriticDifference);
  }
  const Vec want = slope(above.dw, below.dw);
  // What is (almost) 0, as for a bias, has the rounding of the whole quotient.
  const double floor = 1e-2 * std::sqrt(testing::dot(want, want));
  for (const ParamRange& range : rig.store().params()) {
    const Vec got = part(at.dw, range), wanted = part(want, range);
    Vec error = got;
    for (size_t i = 0; i < error.size(); ++i) error[i] -= wanted[i];
    const double size = std::max(floor, std::sqrt(testing::dot(wanted, wanted)));
    EXPECT_LT(second_difference.see(std::sqrt(testing::dot(error, error)) / size),
              kCriticDifference)
        << range.name;
  }
}

std::vector<std::string> with_critics() {
  std::vector<std::string> names = shipped_configs();
  std::erase_if(names, [](const std::string& name) {
    return !load_config(path_of_config(name)).config.objective.has_discriminator();
  });
  return names;
}

INSTANTIATE_TEST_SUITE_P(All, ShippedCritic, ::testing::ValuesIn(with_critics()),
                         [](const auto& param) { return test_name(param.param); });

}  // namespace
}  // namespace gantry
