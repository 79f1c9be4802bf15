// SPDX-License-Identifier: Apache-2.0
#include "core/program.h"

namespace gantry {

TensorRef TensorRef::reshaped(const Shape& other) const {
  GANTRY_CHECK(other.elements() == shape.elements(), to_string(shape), " as ", to_string(other));
  TensorRef ref = *this;
  ref.shape = other;
  return ref;
}

TensorRef TensorRef::samples(int64_t first, int64_t count) const {
  GANTRY_CHECK(first >= 0 && count > 0 && first + count <= shape.n, "samples ", first, "+", count,
               " of ", to_string(shape));
  TensorRef ref = *this;
  ref.shape.n = count;
  ref.offset += static_cast<uint64_t>(first * shape.per_sample()) * dtype_bytes(dtype);
  return ref;
}

double Call::bytes() const {
  double sum = 0;
  for (size_t i = 0; i < args.size(); ++i) {
    sum += static_cast<double>(args[i].bytes()) * ((writes(i) ? 1 : 0) + (reads(i) ? 1 : 0));
  }
  return sum;
}

TensorRef Program::temp(const std::string& name, const Shape& shape, DType dtype) {
  GANTRY_CHECK(shape.elements() > 0, prefix_ + name, " has shape ", to_string(shape));
  TensorRef ref{static_cast<uint32_t>(buffers_.size()), 0, shape, dtype};
  buffers_.push_back({prefix_ + name, ref.bytes(), nullptr});
  written_.push_back(false);
  return ref;
}

TensorRef Program::external(const std::string& name, const TensorView& view) {
  GANTRY_CHECK(view.data, name, " has no memory");
  const auto begin = reinterpret_cast<uintptr_t>(view.data);
  for (uint32_t i = 0; i < buffers_.size(); ++i) {
    const auto base = reinterpret_cast<uintptr_t>(buffers_[i].external);
    if (base && base <= begin && begin + view.bytes() <= base + buffers_[i].bytes) {
      return {i, begin - base, view.shape, view.dtype};
    }
  }
  buffers_.push_back({name, view.bytes(), view.data});
  written_.push_back(true);
  return {static_cast<uint32_t>(buffers_.size() - 1), 0, view.shape, view.dtype};
}

void Program::call(const std::string& name, KernelPtr kernel, const TensorRefs& outputs,
                   const TensorRefs& inputs, const TensorRefs& inouts) {
  Call call{prefix_ + name, std::move(kernel), outputs, static_cast<uint32_t>(outputs.size()),
            static_cast<uint32_t>(inouts.size())};
  GANTRY_CHECK(call.kernel, call.name, " has no kernel");
  call.args.insert(call.args.end(), inouts.begin(), inouts.end());
  call.args.insert(call.args.end(), inputs.begin(), inputs.end());
  for (size_t i = 0; i < call.args.size(); ++i) {
    const TensorRef& ref = call.args[i];
    GANTRY_CHECK(ref, call.name, ": argument ", i, " is empty");
    GANTRY_CHECK(ref.offset + ref.bytes() <= buffers_[ref.buffer].bytes, call.name, ": argument ",
                 i, " leaves its buffer ", buffers_[ref.buffer].name);
    GANTRY_CHECK(!call.reads(i) || written_[ref.buffer], call.name, " reads ",
                 buffers_[ref.buffer].name, ", which nothing has written");
  }
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (call.writes(i)) written_[call.args[i].buffer] = true;
  }
  calls_.push_back(std::move(call));
}

double Program::flops() const {
  double sum = 0;
  for (const Call& call : calls_) sum += call.kernel->flops();
  return sum;
}

Program::Scope::Scope(Program& program, const std::string& name)
    : program_(program), length_(program.prefix_.size()) {
  program_.prefix_ += name + ".";
}

Program::Scope::~Scope() { program_.prefix_.resize(length_); }

}  // namespace gantry
