// SPDX-License-Identifier: Apache-2.0
#include "tests/kernels/golden.h"

#include <gtest/gtest.h>

#include <cmath>

#include "core/safetensors.h"
#include "tests/tolerances.h"

namespace gantry::ladder {

Vec golden_sequence(const std::string& name) {
  static const SafetensorsFile files[] = {
      read_safetensors(GANTRY_SOURCE_DIR "/tests/golden/ops.safetensors"),
      read_safetensors(GANTRY_SOURCE_DIR "/tests/golden/critics.safetensors")};
  for (const SafetensorsFile& file : files) {
    for (const HostTensor& tensor : file.tensors) {
      if (tensor.name != name) continue;
      if (tensor.dtype == DType::kF64)
        return Vec(tensor.as<double>().begin(), tensor.as<double>().end());
      return Vec(tensor.as<float>().begin(), tensor.as<float>().end());
    }
  }
  ADD_FAILURE() << "tests/golden/ has no " << name;
  return {};
}

Golden::Golden(TestBackend& on, const std::string& name)
    : on_(on),
      name_(name),
      in_(golden_sequence(name + "/in")),
      out_(golden_sequence(name + "/out")) {}

Golden::~Golden() {
  EXPECT_EQ(taken_, in_.size()) << name_;
  EXPECT_EQ(compared_, out_.size()) << name_;
}

Vec Golden::take(const Shape& shape) {
  const auto first = in_.begin() + static_cast<ptrdiff_t>(taken_);
  taken_ += static_cast<size_t>(shape.elements());
  GANTRY_CHECK(taken_ <= in_.size(), name_, " has no more inputs");
  return Vec(first, first + shape.elements());
}

void Golden::expect(const Vec& got, const char* what) {
  ASSERT_LE(compared_ + got.size(), out_.size()) << name_ << " " << what;
  double largest = 0, error = 0;
  for (size_t i = 0; i < got.size(); ++i) {
    const double want = out_[compared_ + i];
    largest = std::max(largest, std::fabs(want));
    error = std::max(error, std::isnan(got[i]) ? HUGE_VAL : std::fabs(got[i] - want));
  }
  compared_ += got.size();
  const bool exact = on_.backend.kernels->real() == DType::kF64;
  note_error(concat("golden ", name_, exact ? " f64" : " f32"), 0, error > 0 ? error / largest : 0);
  EXPECT_LE(error, (exact ? kGoldenReference : kGoldenF32) * largest)
      << on_.backend.name << ": " << name_ << " " << what;
}

void Golden::expect_zero(const Shape& shape, const char* what) {
  expect(Vec(static_cast<size_t>(shape.elements())), what);
}

std::vector<Vec> Golden::run(const Maker& make, const std::vector<Arg>& args) {
  return ladder::run(on_, make, args);
}

void on_every_backend(const std::string& name, const std::function<void(Golden&)>& body) {
  std::vector<TestBackend*> all = {&reference_backend()};
  for (TestBackend& backend : tested_backends()) all.push_back(&backend);
  for (TestBackend* backend : all) {
    Golden golden(*backend, name);
    body(golden);
  }
}

}  // namespace gantry::ladder
