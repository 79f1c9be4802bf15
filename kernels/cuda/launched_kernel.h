// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "core/half.h"
#include "core/kernel.h"

namespace gantry::cuda {

// The arguments of one run, by position.
class Args {
 public:
  Args(std::span<const TensorView> views, void* scratch) : views_(views), scratch_(scratch) {}
  const TensorView& view(size_t i) const { return views_[i]; }
  DType dtype(size_t i) const { return views_[i].dtype; }
  template <typename T>
  T* as(size_t i) const {
    return views_[i].as<T>();
  }
  float* real(size_t i) const { return views_[i].as<float>(); }
  int64_t* counter(size_t i) const { return views_[i].as<int64_t>(); }
  int32_t* index(size_t i) const { return views_[i].as<int32_t>(); }
  uint8_t* bytes(size_t i) const { return views_[i].as<uint8_t>(); }
  // What lies `offset` bytes into the scratch memory.
  template <typename T>
  T* scratch(size_t offset = 0) const {
    return reinterpret_cast<T*>(static_cast<char*>(scratch_) + offset);
  }

 private:
  std::span<const TensorView> views_;
  void* scratch_;
};

// run(T()) with the type T of floating-point numbers that dtype names.
template <typename Run>
void with_real(DType dtype, const Run& run) {
  if (dtype == DType::kBF16) return run(BFloat16());
  if (dtype == DType::kF16) return run(Float16());
  GANTRY_CHECK(dtype == DType::kF32, "a GPU does not compute in ", dtype_name(dtype));
  run(float());
}

template <typename Body>
class LaunchedKernel : public Kernel {
 public:
  LaunchedKernel(size_t args, size_t scratch_bytes, Body body)
      : args_(args), scratch_bytes_(scratch_bytes), body_(std::move(body)) {}
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    GANTRY_CHECK(args.size() == args_, "given ", args.size(), " arguments, takes ", args_);
    body_(stream, Args(args, scratch));
  }
  size_t scratch_bytes() const override { return scratch_bytes_; }

 private:
  size_t args_, scratch_bytes_;
  Body body_;
};

// A kernel of `args` arguments that runs body(Stream&, Args), which launches.
template <typename Body>
std::shared_ptr<Kernel> launched(size_t args, size_t scratch_bytes, Body body) {
  return std::make_shared<LaunchedKernel<Body>>(args, scratch_bytes, std::move(body));
}

}  // namespace gantry::cuda
