// SPDX-License-Identifier: Apache-2.0
#include "models/initializer.h"

#include <cmath>
#include <vector>

#include "core/philox.h"

namespace gantry {

namespace {

using InitializerKind = Initializer::Kind;

constexpr const char* kKinds[] = {"zeros",          "ones",          "constant",
                                  "normal",         "uniform",       "truncated_normal",
                                  "glorot_uniform", "glorot_normal", "he_uniform",
                                  "he_normal",      "lecun_uniform", "lecun_normal",
                                  "pytorch",        "orthogonal"};

// Standard deviation of a standard normal cut at two standard deviations.
constexpr double kTruncatedStd = 0.87962566103423978;

// Standard normals for elements 0, 1, ...; attempt k of an element is step k of its stream, so an
// element's value does not depend on how often its neighbours were drawn again.
double normal_at(RandomKey key, int64_t element, uint64_t attempt) {
  const PhiloxBlock block = random_block(key, attempt, static_cast<uint32_t>(element >> 34),
                                         static_cast<uint32_t>(element >> 2));
  const size_t pair = (element & 2) != 0 ? 2 : 0;
  float first = 0, second = 0;
  normal_pair(block.v[pair], block.v[pair + 1], &first, &second);
  return (element & 1) != 0 ? second : first;
}

double uniform_at(RandomKey key, int64_t element) {
  const PhiloxBlock block = random_block(key, 0, static_cast<uint32_t>(element >> 34),
                                         static_cast<uint32_t>(element >> 2));
  return uniform01(block.v[element & 3]);
}

// normal_at(key, first .. first + 3, 0), for a quarter of the work.
void normals_at(RandomKey key, int64_t first, double draws[4]) {
  const PhiloxBlock block =
      random_block(key, 0, static_cast<uint32_t>(first >> 34), static_cast<uint32_t>(first >> 2));
  for (int pair = 0; pair < 4; pair += 2) {
    float a = 0, b = 0;
    normal_pair(block.v[pair], block.v[pair + 1], &a, &b);
    draws[pair] = a;
    draws[pair + 1] = b;
  }
}

void fill_normal(RandomKey key, double mean, double std, bool truncated, int64_t size,
                 float* values) {
  double draws[4];
  for (int64_t i = 0; i < size; ++i) {
    if (i % 4 == 0) normals_at(key, i, draws);
    double draw = draws[i % 4];
    for (uint64_t attempt = 1; truncated && std::abs(draw) > 2; ++attempt) {
      draw = normal_at(key, i, attempt);
    }
    values[i] = static_cast<float>(mean + std * draw);
  }
}

void fill_uniform(RandomKey key, double bound, int64_t size, float* values) {
  for (int64_t i = 0; i < size; ++i) {
    values[i] = static_cast<float>((2 * uniform_at(key, i) - 1) * bound);
  }
}

// Makes vector k orthogonal to the ones before it and of length 1. Twice is enough (Kahan,
// Parlett).
void orthonormalize(std::vector<double>& vectors, int64_t k, int64_t length) {
  double* v = vectors.data() + k * length;
  for (int pass = 0; pass < 2; ++pass) {
    for (int64_t j = 0; j < k; ++j) {
      const double* q = vectors.data() + j * length;
      double dot = 0;
      for (int64_t i = 0; i < length; ++i) dot += q[i] * v[i];
      for (int64_t i = 0; i < length; ++i) v[i] -= dot * q[i];
    }
  }
  double squares = 0;
  for (int64_t i = 0; i < length; ++i) squares += v[i] * v[i];
  const double scale = 1 / std::sqrt(squares);
  for (int64_t i = 0; i < length; ++i) v[i] *= scale;
}

// Rows of the weight, seen as n x (c h w), are orthonormal if there are not more rows than columns;
// else its columns are.
void fill_orthogonal(RandomKey key, double gain, const Shape& shape, float* values) {
  const int64_t rows = shape.n, columns = shape.per_sample();
  const bool by_rows = rows <= columns;
  const int64_t count = by_rows ? rows : columns, length = by_rows ? columns : rows;
  std::vector<double> vectors(static_cast<size_t>(count * length));
  for (int64_t i = 0; i < count * length; ++i) {
    vectors[static_cast<size_t>(i)] = normal_at(key, i, 0);
  }
  for (int64_t k = 0; k < count; ++k) orthonormalize(vectors, k, length);
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < columns; ++c) {
      const int64_t at = by_rows ? r * length + c : c * length + r;
      values[r * columns + c] = static_cast<float>(gain * vectors[static_cast<size_t>(at)]);
    }
  }
}

// The standard deviation of the kinds that scale with the fans, without gain.
double scaled_std(InitializerKind kind, const Fans& fans) {
  const auto in = static_cast<double>(fans.in), out = static_cast<double>(fans.out);
  switch (kind) {
    case InitializerKind::kGlorotUniform:
    case InitializerKind::kGlorotNormal:
      return std::sqrt(2 / (in + out));
    case InitializerKind::kHeUniform:
    case InitializerKind::kHeNormal:
      return std::sqrt(2 / in);
    case InitializerKind::kLecunUniform:
    case InitializerKind::kLecunNormal:
      return std::sqrt(1 / in);
    case InitializerKind::kPyTorch:
      return std::sqrt(1 / (3 * in));
    default:
      GANTRY_CHECK(false, "initialiser ", kKinds[static_cast<size_t>(kind)]);
  }
  return 0;
}

}  // namespace

Fans fans_of(const Shape& weight) {
  return {weight.c * weight.pixels(), weight.n * weight.pixels()};
}

void Initializer::describe(Fields& f) {
  std::string selected = kKinds[static_cast<size_t>(kind)];
  const auto select = [this](const std::string& name) {
    for (size_t i = 0; i < std::size(kKinds); ++i) {
      if (name == kKinds[i]) kind = static_cast<InitializerKind>(i);
    }
  };
  const auto describe_kind = [this](Fields& g) {
    if (kind == InitializerKind::kConstant)
      g.real({"value", "The value of every element.", true}, value);
    if (kind == InitializerKind::kNormal || kind == InitializerKind::kTruncatedNormal) {
      g.real({"mean", "Mean of the draws."}, mean);
      g.real({"std", "Standard deviation of the draws."}, std, {.min = 0});
    }
    if (kind == InitializerKind::kUniform) {
      g.real({"bound", "Draws lie between -bound and bound."}, bound, {.min = 0});
    }
    if (kind >= InitializerKind::kGlorotUniform && kind != InitializerKind::kPyTorch) {
      g.real({"gain", "Factor on the scale that follows from the shape."}, gain, {.min = 0});
    }
    if (kind == InitializerKind::kGlorotNormal || kind == InitializerKind::kHeNormal ||
        kind == InitializerKind::kLecunNormal) {
      g.flag({"truncated", "Cut at two standard deviations, as Keras does."}, truncated);
    }
  };
  f.variant({"kind", "How the values are drawn.", true}, selected, kKinds, select, describe_kind);
}

void initialize(const Initializer& init, const Shape& shape, const Fans& fans, uint64_t seed,
                uint32_t id, float* values) {
  const RandomKey key = random_key(seed, Purpose::kInit, id);
  const int64_t size = shape.elements();
  switch (init.kind) {
    case InitializerKind::kZeros:
      std::fill(values, values + size, 0.0f);
      return;
    case InitializerKind::kOnes:
      std::fill(values, values + size, 1.0f);
      return;
    case InitializerKind::kConstant:
      std::fill(values, values + size, static_cast<float>(init.value));
      return;
    case InitializerKind::kNormal:
      fill_normal(key, init.mean, init.std, false, size, values);
      return;
    case InitializerKind::kTruncatedNormal:
      fill_normal(key, init.mean, init.std, true, size, values);
      return;
    case InitializerKind::kUniform:
      fill_uniform(key, init.bound, size, values);
      return;
    case InitializerKind::kOrthogonal:
      fill_orthogonal(key, init.gain, shape, values);
      return;
    case InitializerKind::kGlorotUniform:
    case InitializerKind::kHeUniform:
    case InitializerKind::kLecunUniform:
    case InitializerKind::kPyTorch: {
      const double gain = init.kind == InitializerKind::kPyTorch ? 1 : init.gain;
      fill_uniform(key, gain * std::sqrt(3.0) * scaled_std(init.kind, fans), size, values);
      return;
    }
    default: {
      const double std = init.gain * scaled_std(init.kind, fans);
      fill_normal(key, 0, init.truncated ? std / kTruncatedStd : std, init.truncated, size, values);
    }
  }
}

}  // namespace gantry
