// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "core/kernel.h"
#include "kernels/cpu/dnnl_engine.h"

namespace gantry {

// Where a primitive finds one of its tensors: an argument of the kernel or a range of its scratch.
struct DnnlSlot {
  int arg = -1;       // position among the kernel's arguments; -1: in scratch
  size_t offset = 0;  // bytes into scratch
  static DnnlSlot argument(int position) { return {position, 0}; }
};

struct DnnlArg {
  int id;  // DNNL_ARG_*
  dnnl::memory::desc desc;
  DnnlSlot slot;
};

// oneDNN primitives run one after the other, all made beforehand. Reorders between the layout in
// which a tensor is stored and the one that a primitive prefers are primitives of the list.
class DnnlSequence {
 public:
  explicit DnnlSequence(const dnnl::engine& engine) : engine_(engine) {}

  DnnlSlot scratch(const dnnl::memory::desc& desc);
  // Appends a primitive. Its scratchpad, if any, becomes a range of scratch.
  void add(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
           std::vector<DnnlArg> args);
  // Appends a copy of `from`, and where `sum` adds to what is there instead.
  void add_reorder(const dnnl::memory::desc& from_desc, DnnlSlot from,
                   const dnnl::memory::desc& to_desc, DnnlSlot to, bool sum = false);
  // `from` in the layout `want`: itself where it has that layout, else a copy in scratch.
  DnnlSlot converted(const dnnl::memory::desc& have, DnnlSlot from, const dnnl::memory::desc& want);

  size_t scratch_bytes() const { return scratch_bytes_; }
  size_t size() const { return steps_.size(); }
  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const;

 private:
  struct Step {
    dnnl::primitive primitive;
    std::vector<dnnl::memory> memories;
    std::vector<dnnl_exec_arg_t> args;
    std::vector<DnnlSlot> slots;
  };
  dnnl::engine engine_;
  size_t scratch_bytes_ = 0;
  std::vector<Step> steps_;
  // The memory objects above are set to the addresses of the run in progress; one run at a time
  // may do so. Nothing of it outlives the run.
  mutable std::unique_ptr<std::mutex> addressing_ = std::make_unique<std::mutex>();
};

// Attributes that every primitive of Gantry has: scratchpad memory comes from the plan.
dnnl::primitive_attr dnnl_attributes();

}  // namespace gantry
