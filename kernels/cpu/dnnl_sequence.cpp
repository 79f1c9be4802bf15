// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/dnnl_sequence.h"

#include <utility>

#include "core/planner.h"

namespace gantry {

dnnl::primitive_attr dnnl_attributes() {
  dnnl::primitive_attr attributes;
  attributes.set_scratchpad_mode(dnnl::scratchpad_mode::user);
  return attributes;
}

DnnlSlot DnnlSequence::scratch(const dnnl::memory::desc& desc) {
  const DnnlSlot slot{-1, scratch_bytes_};
  scratch_bytes_ += (desc.get_size() + kArenaAlignment - 1) / kArenaAlignment * kArenaAlignment;
  return slot;
}

void DnnlSequence::add(const dnnl::primitive& primitive, const dnnl::memory::desc& scratchpad,
                       std::vector<DnnlArg> args) {
  if (scratchpad.get_size() > 0) {
    args.push_back({DNNL_ARG_SCRATCHPAD, scratchpad, scratch(scratchpad)});
  }
  Step step;
  step.primitive = primitive;
  for (const DnnlArg& arg : args) {
    step.memories.emplace_back(arg.desc, engine_, static_cast<void*>(nullptr));
    step.args.push_back({arg.id, step.memories.back().get()});
    step.slots.push_back(arg.slot);
  }
  steps_.push_back(std::move(step));
}

void DnnlSequence::add_reorder(const dnnl::memory::desc& from_desc, DnnlSlot from,
                               const dnnl::memory::desc& to_desc, DnnlSlot to, bool sum) {
  dnnl::primitive_attr attributes = dnnl_attributes();
  if (sum) {
    dnnl::post_ops post;
    post.append_sum(1.0f);
    attributes.set_post_ops(post);
  }
  const dnnl::reorder::primitive_desc desc(engine_, from_desc, engine_, to_desc, attributes);
  add(dnnl::reorder(desc), desc.scratchpad_desc(),
      {{DNNL_ARG_FROM, from_desc, from}, {DNNL_ARG_TO, to_desc, to}});
}

DnnlSlot DnnlSequence::converted(const dnnl::memory::desc& have, DnnlSlot from,
                                 const dnnl::memory::desc& want) {
  if (have == want) return from;
  const DnnlSlot to = scratch(want);
  add_reorder(have, from, want, to);
  return to;
}

void DnnlSequence::run(Stream& stream, std::span<const TensorView> args, void* scratch) const {
  auto& cpu = static_cast<CpuStream&>(stream);
  cpu.set_threads();
  const dnnl_stream_t queue = cpu.library().stream.get();
  const std::lock_guard<std::mutex> lock(*addressing_);
  for (const Step& step : steps_) {
    for (size_t i = 0; i < step.slots.size(); ++i) {
      const DnnlSlot& slot = step.slots[i];
      void* data = slot.arg >= 0 ? args[static_cast<size_t>(slot.arg)].data
                                 : static_cast<char*>(scratch) + slot.offset;
      dnnl_memory_set_data_handle(step.args[i].memory, data);
    }
    const dnnl_status_t status = dnnl_primitive_execute(
        step.primitive.get(), queue, static_cast<int>(step.args.size()), step.args.data());
    GANTRY_CHECK(status == dnnl_success, "oneDNN status ", static_cast<int>(status));
  }
}

}  // namespace gantry
