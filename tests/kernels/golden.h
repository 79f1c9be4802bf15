// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "tests/kernels/op_case.h"

namespace gantry::ladder {

// A tensor of tests/golden/*.safetensors, which tools/pytorch/golden_*.py write and explain.
Vec golden_sequence(const std::string& name);

// One case on one backend: hands out the inputs and compares results, both in file order. At its
// end all of both must have been used.
class Golden {
 public:
  Golden(TestBackend& on, const std::string& name);
  ~Golden();
  Golden(const Golden&) = delete;
  Golden& operator=(const Golden&) = delete;

  Vec take(const Shape& shape);
  // The next results of the file, to kGoldenReference or kGoldenF32 relative to the largest of
  // them.
  void expect(const Vec& got, const char* what);
  void expect_zero(const Shape& shape, const char* what);
  std::vector<Vec> run(const Maker& make, const std::vector<Arg>& args);

 private:
  TestBackend& on_;
  std::string name_;
  Vec in_, out_;
  size_t taken_ = 0, compared_ = 0;
};

// The reference first: it is what everything else is measured by.
void on_every_backend(const std::string& name, const std::function<void(Golden&)>& body);

}  // namespace gantry::ladder
