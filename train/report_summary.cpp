// SPDX-License-Identifier: Apache-2.0
#include "train/report_summary.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "core/error.h"
#include "train/report_chart.h"

namespace gantry {
namespace {

using Json = nlohmann::ordered_json;

std::string text_of(const Json& json) {
  if (json.is_string()) return json.get<std::string>();
  if (json.is_number_float()) return short_number(json.get<double>());
  return json.dump();
}

const Json& at(const Json& json, const char* key) {
  static const Json kNothing;
  if (!json.is_object()) return kNothing;
  const auto found = json.find(key);
  return found == json.end() ? kNothing : *found;
}

// "key value, key value" of those keys that say something: there, not null, false, 0 or empty.
std::string some_of(const Json& json, const std::vector<const char*>& keys) {
  std::string text;
  for (const char* key : keys) {
    const Json& value = at(json, key);
    const std::string said = text_of(value);
    const bool off = value.is_null() || value == false || value == 0 || said.empty() ||
                     (value.is_structured() && value.empty());
    if (off) continue;
    text += concat(text.empty() ? "" : ", ", key, value == true ? "" : concat(" ", said));
  }
  return text;
}

std::string row(const std::string& label, const std::string& value) {
  if (value.empty()) return "";
  return concat("<tr><th>", escape_html(label), "</th><td>", escape_html(value), "</td></tr>\n");
}

std::string head(const Json& json, const char* key, const std::string& rest) {
  const std::string first = at(json, key).is_string() ? text_of(at(json, key)) : "";
  return concat(first, first.empty() || rest.empty() ? "" : ", ", rest);
}

// "dense 6272 > reshape 128x7x7 > batch_norm > relu"
std::string layers_of(const Json& network) {
  std::string text;
  for (const Json& layer : at(network, "layers")) {
    text += concat(text.empty() ? "" : " \u2192 ", text_of(at(layer, "type")));
    for (const char* key : {"units", "channels"}) {
      if (at(layer, key).is_number()) text += concat(" ", text_of(at(layer, key)));
    }
    const Json& shape = at(layer, "shape");
    for (size_t i = 0; shape.is_array() && i < shape.size(); ++i) {
      text += concat(i == 0 ? " " : "x", text_of(shape[i]));
    }
  }
  return text;
}

std::string optimizer_row(const Json& config, const char* player) {
  const Json& optimizer = at(at(config, "optimizer"), player);
  std::string text = head(optimizer, "type",
                          some_of(optimizer, {"lr", "betas", "momentum", "weight_decay",
                                              "clip_norm", "clip_tensor_norm", "weight_clip"}));
  const Json& schedule = at(at(optimizer, "schedule"), "type");
  if (schedule.is_string() && schedule != "constant")
    text += concat(", schedule ", text_of(schedule));
  return row(concat("optimizer of ", player), text);
}

}  // namespace

ChartText chart_text(const std::string& group) {
  struct Known {
    const char* group;
    ChartText text;
  };
  static const Known kKnown[] = {
      {"loss", {"Losses", "loss"}},
      {"accuracy", {"Accuracy of D", "share of samples that D judges rightly"}},
      {"fooled", {"Fooled", "share of fakes that D takes for real"}},
      {"grad_norm", {"Gradient norms", "norm, before clipping"}},
      {"lr", {"Learning rates", "learning rate"}},
      {"nonfinite", {"Gradients that are not finite", "values per step"}},
      {"loss_scale", {"Scale of the losses", "factor"}},
      {"skipped", {"Updates left out", "in all"}},
      {"images_per_s", {"Speed", "images per second"}},
      {"data_wait_s", {"Waiting for data", "seconds per logging interval"}},
  };
  for (const Known& known : kKnown) {
    if (group == known.group) return known.text;
  }
  return {group, ""};
}

std::string summarize_config(const std::string& json) {
  const Json config = Json::parse(json, nullptr, false);
  if (!config.is_object()) return "";
  const Json &data = at(config, "data"), &latent = at(config, "latent");
  const Json &train = at(config, "train"), &objective = at(config, "objective");
  std::string rows = row("data", head(data, "source",
                                      some_of(data, {"path", "split", "size", "channels", "modes",
                                                     "samples", "classes", "subset", "range"})));
  rows += row("latent", head(latent, "distribution", some_of(latent, {"size"})));
  rows += row("generator", layers_of(at(config, "generator")));
  rows += row("discriminator", layers_of(at(config, "discriminator")));
  rows += row("objective",
              head(objective, "type", some_of(objective, {"loss", "generator_loss", "real_fake"})));
  rows += optimizer_row(config, "g") + optimizer_row(config, "d");
  rows += row("training", some_of(train, {"steps", "batch", "d_steps", "g_steps", "accumulate"}));
  rows += row("averaged weights", some_of(at(train, "ema"), {"decay", "start"}));
  rows += row("seed", at(config, "seed").is_number() ? text_of(at(config, "seed")) : "");
  return rows.empty() ? "" : concat("<table>\n", rows, "</table>\n");
}

}  // namespace gantry
