// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "kernels/kernels.h"
#include "tests/kernels/closeness.h"
#include "tests/kernels/sampler.h"

namespace gantry::ladder {

enum class Role : uint8_t { kOutput, kInOut, kInput };
// kernels.real(), kernels.narrow_real(), i64, i32, u8
enum class Kind : uint8_t { kReal, kNarrow, kCounter, kIndex, kByte };

// One argument of a kernel. `values` are what an input or in-out holds before the run.
struct Arg {
  Role role;
  Shape shape;
  Vec values;
  Kind kind = Kind::kReal;
};

inline Arg out(const Shape& shape, Kind kind = Kind::kReal) {
  return {Role::kOutput, shape, {}, kind};
}
inline Arg inout(const Shape& shape, Vec values, Kind kind = Kind::kReal) {
  return {Role::kInOut, shape, std::move(values), kind};
}
inline Arg in(const Shape& shape, Vec values, Kind kind = Kind::kReal) {
  return {Role::kInput, shape, std::move(values), kind};
}
inline Arg scalar(double value) { return in(vector_shape(1), {value}); }
inline Arg counter(int64_t value) {
  return in(vector_shape(1), {static_cast<double>(value)}, Kind::kCounter);
}

// The same argument as what layers hand on: kernels.narrow_real().
inline Arg narrow(Arg arg) {
  arg.kind = Kind::kNarrow;
  return arg;
}

inline std::vector<Arg> all_narrow(std::vector<Arg> args) {
  for (Arg& arg : args)
    if (arg.kind == Kind::kReal) arg.kind = Kind::kNarrow;
  return args;
}

using Maker = std::function<KernelPtr(Kernels&)>;

// One kernel with one set of arguments.
struct OpCase {
  std::string op;    // row of the tolerance table: "conv2d.forward"
  std::string name;  // what this case is: "4x3x8x8 k3 s2"
  Maker make;
  std::vector<Arg> args;
  std::vector<std::pair<size_t, size_t>> in_place;  // {output, input} that may share memory
};

struct TestBackend {
  Backend backend;
  std::unique_ptr<Stream> stream;
};

TestBackend& reference_backend();
// Every backend that is compared with the reference; the one list to extend. The environment
// variable GANTRY_TEST_BACKENDS=cpu or cuda takes one alone.
std::vector<TestBackend>& tested_backends();

// Runs a kernel once; returns the contents of its outputs and in-outs in argument order.
std::vector<Vec> run(TestBackend& on, const Maker& make, const std::vector<Arg>& args);

// Compares every tested backend with the reference: values within the tolerance table (from
// aligned memory and from memory one element off), nothing written outside the outputs, no element
// left out, inputs untouched, a second run equal bit for bit and without allocation, in-place
// variants equal to the others. Ops with a narrow argument also in 16 bits, where a backend has
// that; the reference is then given the rounded values.
void check_parity(const OpCase& test);

// overwrite + old = accumulate, on the reference.
void check_accumulate(const OpCase& overwrite, const OpCase& accumulate);

}  // namespace gantry::ladder
