// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "core/error.h"

namespace gantry {

enum class DType : uint8_t { kF32, kF64, kBF16, kF16, kI32, kI64, kU8 };

size_t dtype_bytes(DType dtype);
const char* dtype_name(DType dtype);  // "f32", "bf16", ...

template <typename T>
struct DTypeOf;
template <>
struct DTypeOf<float> {
  static constexpr DType kValue = DType::kF32;
};
template <>
struct DTypeOf<double> {
  static constexpr DType kValue = DType::kF64;
};
template <>
struct DTypeOf<int32_t> {
  static constexpr DType kValue = DType::kI32;
};
template <>
struct DTypeOf<int64_t> {
  static constexpr DType kValue = DType::kI64;
};
template <>
struct DTypeOf<uint8_t> {
  static constexpr DType kValue = DType::kU8;
};

// Logical N x C x H x W. Memory is always N, H, W, C (C fastest), on every device and for every
// kind of tensor, so one type serves
//   activations  n = samples, c = channels, h, w
//   features     n = samples, c = features, h = w = 1
//   filters      n = output channels, c = input channels (per group), h, w = kernel
//   vectors      c = length, the rest 1
struct Shape {
  int64_t n = 1, c = 1, h = 1, w = 1;

  int64_t elements() const { return n * c * h * w; }
  int64_t per_sample() const { return c * h * w; }
  int64_t pixels() const { return h * w; }
  Shape with_n(int64_t samples) const { return {samples, c, h, w}; }
  bool operator==(const Shape&) const = default;
};

inline Shape vector_shape(int64_t length) { return {1, length, 1, 1}; }
std::string to_string(const Shape& shape);  // "64x3x32x32"

// An address with a shape. Never owns; trivially copyable.
struct TensorView {
  void* data = nullptr;
  Shape shape;
  DType dtype = DType::kF32;

  size_t bytes() const { return static_cast<size_t>(shape.elements()) * dtype_bytes(dtype); }
  template <typename T>
  T* as() const {
    GANTRY_CHECK(dtype == DTypeOf<T>::kValue, "tensor holds ", dtype_name(dtype), ", asked for ",
                 dtype_name(DTypeOf<T>::kValue));
    return static_cast<T*>(data);
  }
};

}  // namespace gantry
