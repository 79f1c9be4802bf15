// SPDX-License-Identifier: Apache-2.0
// Whole updates of both players against PyTorch in double: losses, every gradient (a penalty's
// second order among them), one step of the optimizers and all states.
// tools/pytorch/golden_updates.py writes and explains the values; it starts from the traces that
//   GANTRY_KEEP_TRACES=DIR train_tests --gtest_filter='*GoldenUpdate*'
// leaves in DIR.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "core/safetensors.h"
#include "tests/core/scratch_folder.h"
#include "tests/models/worst_error.h"
#include "tests/reference/reference_backend.h"
#include "tests/tolerances.h"
#include "tests/train/golden_update_cases.h"
#include "tests/train/training_rig.h"
#include "train/trace.h"

namespace gantry {
namespace {

using Values = std::vector<double>;
using Tensors = std::map<std::string, Values>;

Values values_of(const HostTensor& tensor) {
  if (tensor.dtype == DType::kF64) return {tensor.as<double>().begin(), tensor.as<double>().end()};
  return {tensor.as<float>().begin(), tensor.as<float>().end()};
}

// Of one case: what PyTorch computed, and the inputs that it was given.
Tensors golden(const std::string& name) {
  static const SafetensorsFile kFile =
      read_safetensors(GANTRY_SOURCE_DIR "/tests/golden/updates.safetensors");
  Tensors found;
  for (const HostTensor& tensor : kFile.tensors) {
    if (!tensor.name.starts_with(name + "/")) continue;
    found[tensor.name.substr(name.size() + 1)] = values_of(tensor);
  }
  return found;
}

// Begins where the golden update did: another build may round its own first weights otherwise.
void start_from(const Tensors& golden, Session& session) {
  Checkpoint start = session.checkpoint();
  for (HostTensor& tensor : start.tensors) {
    const auto first = golden.find("initial." + tensor.name);
    if (first == golden.end()) continue;
    if (tensor.dtype == DType::kF64) {
      std::ranges::copy(first->second, tensor.as<double>().begin());
    } else {
      std::ranges::transform(first->second, tensor.as<float>().begin(),
                             [](double value) { return static_cast<float>(value); });
    }
  }
  session.restore(start, "golden");
}

Tensors traced(const UpdateCase& update, Backend backend, const std::filesystem::path& folder) {
  TrainingRig rig(std::move(backend), update.config);
  start_from(golden(update.name), rig.session());
  write_trace(rig.session(), parse_config(update.config, update.name).resolved, 1, folder);
  Tensors found;
  for (const HostTensor& tensor : read_safetensors(folder / "step-000001.safetensors").tensors) {
    found[tensor.name] = values_of(tensor);
  }
  return found;
}

double norm(const Values& v) {
  double sum = 0;
  for (const double x : v) sum += x * x;
  return std::sqrt(sum);
}

// Gradients and parameters are measured by those of their layer: a bias before a batch norm has no
// gradient but for rounding, nor changes.
std::string group(const std::string& name) {
  const bool of_layer =
      name.find(".grad.") != std::string::npos || name.find(".after.") != std::string::npos;
  return of_layer ? name.substr(0, name.rfind('.')) : name;
}

// The constant of a Gaussian likelihood, log(2 pi variance), is kept in float32.
bool has_constant(const std::string& name) { return name.starts_with("e1.loss_"); }

std::map<std::string, double> sizes(const Tensors& tensors) {
  std::map<std::string, double> result;
  for (const auto& [name, values] : tensors) {
    double& size = result[group(name)];
    size = std::hypot(size, norm(values));
  }
  return result;
}

bool is_result(const std::string& name) {
  for (const char* kind : {".grad.", ".after.", ".loss"}) {
    if (name.find(kind) != std::string::npos) return true;
  }
  return false;
}

testing::WorstError in_double("whole updates, f64"), in_float("whole updates, f32"),
    constants("whole updates, constants");

class GoldenUpdate : public ::testing::TestWithParam<UpdateCase> {
 protected:
  void expect_agreement(Backend backend, double tolerance, testing::WorstError& worst,
                        const std::filesystem::path& folder) {
    const Tensors got = traced(GetParam(), std::move(backend), folder);
    const Tensors want = golden(GetParam().name);
    const auto size = sizes(want);
    for (const auto& [name, values] : want) {
      if (name.starts_with("initial.")) continue;
      ASSERT_TRUE(got.contains(name)) << name;
      Values error = got.at(name);
      ASSERT_EQ(error.size(), values.size()) << name;
      for (size_t i = 0; i < error.size(); ++i) error[i] -= values[i];
      const double scale = std::max(size.at(group(name)), 1e-6);
      if (has_constant(name)) {
        EXPECT_LT(constants.see(norm(error) / scale), kUpdateConstant) << name;
        continue;
      }
      EXPECT_LT(worst.see(norm(error) / scale), tolerance) << name;
    }
    for (const auto& [name, values] : got) {
      if (!is_result(name)) continue;
      EXPECT_TRUE(want.contains(name)) << name << " is compared with nothing";
    }
  }

  testing::ScratchFolder scratch_;
};

TEST_P(GoldenUpdate, ReferenceAgreesWithPyTorch) {
  const char* kept = std::getenv("GANTRY_KEEP_TRACES");
  const std::filesystem::path folder = kept ? kept : scratch_.path();
  expect_agreement(open_reference_backend(), kUpdateGolden, in_double, folder / GetParam().name);
}

TEST_P(GoldenUpdate, CpuAgreesWithPyTorch) {
  expect_agreement(open_backend(BackendChoice::kCpu, 2), kUpdateGoldenF32, in_float,
                   scratch_.path());
}

INSTANTIATE_TEST_SUITE_P(All, GoldenUpdate, ::testing::ValuesIn(golden_update_cases()),
                         [](const auto& param) { return param.param.name; });

TEST(GoldenUpdates, DiscriminatorsHaveEveryLayerType) {
  std::set<std::string> missing;
  for (const char* type : layer_types()) missing.insert(type);
  for (const UpdateCase& update : golden_update_cases()) {
    const RunConfig config = parse_config(update.config, update.name).config;
    for (const LayerConfig& layer : config.discriminator.network.layers) missing.erase(layer.type);
  }
  EXPECT_EQ(missing, std::set<std::string>());
}

}  // namespace
}  // namespace gantry
