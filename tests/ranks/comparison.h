// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tests/ranks/team.h"

namespace gantry {

// What one rank comes to in some steps.
struct Lone {
  std::vector<std::map<std::string, double>> metrics;  // of each step
  std::vector<std::vector<double>> gradients;          // of each network, after the first step
  std::vector<std::vector<double>> start, end;         // weights of each network
};

Lone train_alone(const Team::Load& load);
Lone train_alone(Team& one);  // of one rank

// How far ranks are from it (tests/tolerances.h). Gradients: the distance relative to their length.
struct Difference {
  double losses = 0, gradients = 0, weights = 0;
};

// Takes as many steps. Expects the state of all ranks to be the same.
Difference compare(const Lone& one, Team& many);

}  // namespace gantry
