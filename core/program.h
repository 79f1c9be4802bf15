// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/kernel.h"

namespace gantry {

// A tensor inside a Program: a shaped range of one of its buffers, before it has an address.
struct TensorRef {
  static constexpr uint32_t kNone = UINT32_MAX;

  uint32_t buffer = kNone;
  uint64_t offset = 0;  // bytes from the start of the buffer
  Shape shape;
  DType dtype = DType::kF32;

  explicit operator bool() const { return buffer != kNone; }
  size_t bytes() const { return static_cast<size_t>(shape.elements()) * dtype_bytes(dtype); }
  // The same bytes seen with another shape of as many elements.
  TensorRef reshaped(const Shape& other) const;
  // Samples [first, first + count) along n.
  TensorRef samples(int64_t first, int64_t count) const;
  bool operator==(const TensorRef&) const = default;
};

using TensorRefs = std::vector<TensorRef>;

// One kernel call. args = outputs, in-outs, inputs.
struct Call {
  std::string name;  // "d.conv2.backward_weights"
  KernelPtr kernel;
  TensorRefs args;
  uint32_t outputs = 0;
  uint32_t inouts = 0;

  bool writes(size_t arg) const { return arg < outputs + inouts; }
  bool reads(size_t arg) const { return arg >= outputs; }
  double bytes() const;  // read plus written
};

struct ProgramBuffer {
  std::string name;
  size_t bytes = 0;
  void* external = nullptr;  // set: owned elsewhere and kept over runs; null: placed in the arena
};

// A step written down: a flat list of kernel calls, each naming what it reads and writes.
// Pure data. Record with temp/external/call, then hand it to plan_memory() and Replay.
class Program {
 public:
  // A buffer that lives from its first write to its last read within one run.
  TensorRef temp(const std::string& name, const Shape& shape, DType dtype = DType::kF32);
  // Memory that exists outside and keeps its contents: parameters, states, inputs, metrics.
  // A view inside memory imported before becomes a range of that buffer, so import flat buffers
  // whole before their parts.
  TensorRef external(const std::string& name, const TensorView& view);

  // Appends a call. Refuses (std::logic_error) an input that nothing has written.
  void call(const std::string& name, KernelPtr kernel, const TensorRefs& outputs,
            const TensorRefs& inputs, const TensorRefs& inouts = {});

  // Calls recorded while a Scope lives are named "prefix.name"; scopes nest.
  class Scope {
   public:
    Scope(Program& program, const std::string& name);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Program& program_;
    size_t length_;
  };

  const std::string& prefix() const { return prefix_; }  // "d1.m1." inside two scopes
  const std::vector<Call>& calls() const { return calls_; }
  const std::vector<ProgramBuffer>& buffers() const { return buffers_; }
  double flops() const;

 private:
  std::vector<Call> calls_;
  std::vector<ProgramBuffer> buffers_;
  std::vector<bool> written_;
  std::string prefix_;
};

}  // namespace gantry
