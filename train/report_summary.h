// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>

namespace gantry {

// How a chart of metrics is headed and what its values are measured in.
struct ChartText {
  std::string title, unit;
};

// `group`: what the names of the metrics of one chart have in common ("loss", "grad_norm"); one
// that is not known stands for itself.
ChartText chart_text(const std::string& group);

// The config of a run in a few lines of a table: data, networks, objective, optimizers, batch.
// Parts that are missing or of another kind are left out; empty when nothing is left.
std::string summarize_config(const std::string& json);

}  // namespace gantry
