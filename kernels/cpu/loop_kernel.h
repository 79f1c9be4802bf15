// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <span>
#include <utility>

#include "core/kernel.h"

namespace gantry::cpu {

// The arguments of one run, by position.
class Args {
 public:
  explicit Args(std::span<const TensorView> views) : views_(views) {}
  DType dtype(size_t i) const { return views_[i].dtype; }
  template <typename T>
  T* as(size_t i) const {
    return views_[i].as<T>();
  }
  float* real(size_t i) const { return views_[i].as<float>(); }
  double* exact(size_t i) const { return views_[i].as<double>(); }
  int64_t* counter(size_t i) const { return views_[i].as<int64_t>(); }
  int32_t* index(size_t i) const { return views_[i].as<int32_t>(); }
  uint8_t* bytes(size_t i) const { return views_[i].as<uint8_t>(); }

 private:
  std::span<const TensorView> views_;
};

template <typename Body>
class LoopKernel : public Kernel {
 public:
  LoopKernel(size_t args, size_t scratch_bytes, Body body)
      : args_(args), scratch_bytes_(scratch_bytes), body_(std::move(body)) {}
  void run(Stream&, std::span<const TensorView> args, void* scratch) const override {
    GANTRY_CHECK(args.size() == args_, "given ", args.size(), " arguments, takes ", args_);
    body_(Args(args), scratch);
  }
  size_t scratch_bytes() const override { return scratch_bytes_; }

 private:
  size_t args_, scratch_bytes_;
  Body body_;
};

// A kernel of `args` arguments that runs body(Args, scratch).
template <typename Body>
std::shared_ptr<Kernel> loop_kernel(size_t args, size_t scratch_bytes, Body body) {
  return std::make_shared<LoopKernel<Body>>(args, scratch_bytes, std::move(body));
}

}  // namespace gantry::cpu
