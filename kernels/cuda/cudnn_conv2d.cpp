// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

// The graph is built and used here alone; nothing is read from or written to JSON.
#define CUDNN_FRONTEND_SKIP_JSON_LIB
#include <cudnn_frontend.h>

#include "kernels/cuda/libraries.h"
#include "kernels/cuda/library_kernels.h"
#include "kernels/cuda/startup.h"

namespace gantry::cuda {
namespace {

namespace fe = cudnn_frontend;

// The tensors of a convolution, numbered as their roles; cuDNN wants addresses in this order.
enum Role : int64_t { kX = 1, kW = 2, kY = 3 };

constexpr int64_t kAligned = 16;  // what engines that load vectors need

struct Problem {
  Conv2dDesc desc;
  Conv2dPass pass;
  LibraryTypes types;
  ComputeOptions options;
};

fe::DataType_t type_of(DType dtype) {
  if (dtype == DType::kBF16) return fe::DataType_t::BFLOAT16;
  return dtype == DType::kF16 ? fe::DataType_t::HALF : fe::DataType_t::FLOAT;
}

fe::graph::Tensor_attributes tensor(Role role, const Shape& s, DType dtype, int64_t alignment) {
  return fe::graph::Tensor_attributes()
      .set_uid(role)
      .set_dim({s.n, s.c, s.h, s.w})
      .set_stride({s.per_sample(), 1, s.w * s.c, s.c})
      .set_data_type(type_of(dtype))
      .set_alignment(alignment);
}

int64_t pad_behind(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                   int64_t before) {
  return std::max<int64_t>(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - before - in);
}

// Any of cuDNN's three attribute classes.
template <typename Attributes>
Attributes window(const Conv2dDesc& d) {
  return Attributes()
      .set_pre_padding({d.pad_top, d.pad_left})
      .set_post_padding({pad_behind(d.x.h, d.y.h, d.w.h, d.stride_h, d.dilation_h, d.pad_top),
                         pad_behind(d.x.w, d.y.w, d.w.w, d.stride_w, d.dilation_w, d.pad_left)})
      .set_stride({d.stride_h, d.stride_w})
      .set_dilation({d.dilation_h, d.dilation_w});
}

// Adds the one operation; its result takes the shape that the descriptor gives.
void add_operation(fe::graph::Graph& graph, const Problem& p, int64_t alignment) {
  const Conv2dDesc& d = p.desc;
  const auto given = [&](Role role, const Shape& shape) {
    return graph.tensor(tensor(role, shape, p.types.in, alignment));
  };
  const auto becomes = [&](const auto& result, Role role, const Shape& s) {
    result->set_uid(role)
        .set_output(true)
        .set_dim({s.n, s.c, s.h, s.w})
        .set_stride({s.per_sample(), 1, s.w * s.c, s.c})
        .set_data_type(type_of(p.types.out))
        .set_alignment(std::max(alignment, static_cast<int64_t>(dtype_bytes(p.types.out))));
  };
  switch (p.pass) {
    case Conv2dPass::kForward:
      becomes(graph.conv_fprop(given(kX, d.x), given(kW, d.w),
                               window<fe::graph::Conv_fprop_attributes>(d)),
              kY, d.y);
      return;
    case Conv2dPass::kBackwardData:
      becomes(graph.conv_dgrad(given(kY, d.y), given(kW, d.w),
                               window<fe::graph::Conv_dgrad_attributes>(d)),
              kX, d.x);
      return;
    case Conv2dPass::kBackwardWeights:
      becomes(graph.conv_wgrad(given(kY, d.y), given(kX, d.x),
                               window<fe::graph::Conv_wgrad_attributes>(d)),
              kW, d.w);
      return;
  }
}

// Engines that are left out. On f32 tensors, tensor cores compute in TF32.
std::vector<fe::NumericalNote_t> unwanted(const Problem& p) {
  using Note = fe::NumericalNote_t;
  std::vector<Note> notes = {Note::REDUCED_PRECISION_REDUCTION, Note::DOWN_CONVERT_INPUTS};
  const bool exact = p.types.in == DType::kF32 && p.options.precision != Precision::kTf32;
  if (exact) notes.push_back(Note::TENSOR_CORE);
  if (p.options.deterministic) notes.push_back(Note::NONDETERMINISTIC);
  return notes;
}

using GraphPtr = std::unique_ptr<fe::graph::Graph>;

bool says(const fe::error_t& error, const char* what) {
  return error.err_msg.find(what) != std::string::npos;
}

[[noreturn]] void failed(const char* doing, const fe::error_t& error) {
  const std::string call = concat("cuDNN, ", doing, " a convolution,");
  if (says(error, "ALLOCATION_FAILED") || says(error, "ALLOC_FAILED"))
    out_of_memory(call, error.err_msg);
  device_failed(call, error.err_msg);
}

// Whether to go on with building: not where there is no engine for this problem, which is no
// failure. The frontend has a code of its own for that, but passes some answers of cuDNN on as
// text.
bool supported(const fe::error_t& error) {
  using Code = fe::error_code_t;
  if (error.code == Code::OK) return true;
  const bool none =
      error.code == Code::GRAPH_NOT_SUPPORTED || error.code == Code::HEURISTIC_QUERY_FAILED ||
      error.code == Code::GRAPH_EXECUTION_PLAN_CREATION_FAILED || says(error, "NOT_SUPPORTED");
  if (!none || says(error, "ALLOCATION_FAILED")) failed("planning", error);
  return false;
}

// The graph with a plan, or null where no engine computes it as the options ask.
// workspace: bytes that the plan may need, negative for any number.
GraphPtr build(cudnnHandle_t handle, const Problem& p, int64_t alignment, int64_t workspace) {
  auto graph = std::make_unique<fe::graph::Graph>();
  graph->set_io_data_type(fe::DataType_t::FLOAT)
      .set_intermediate_data_type(fe::DataType_t::FLOAT)
      .set_compute_data_type(fe::DataType_t::FLOAT);
  add_operation(*graph, p, alignment);
  if (!supported(graph->validate()) || !supported(graph->build_operation_graph(handle)) ||
      !supported(graph->create_execution_plans({fe::HeurMode_t::A, fe::HeurMode_t::FALLBACK})))
    return nullptr;
  graph->deselect_numeric_notes(unwanted(p));
  if (workspace >= 0) graph->deselect_workspace_greater_than(workspace);
  if (!supported(graph->check_support()) ||
      !supported(graph->build_plans(fe::BuildPlanPolicy_t::HEURISTICS_CHOICE)))
    return nullptr;
  return graph;
}

// Where the argument of each role stands in the op's argument list.
std::array<size_t, 3> places(Conv2dPass pass) {  // of x, w, y
  if (pass == Conv2dPass::kForward) return {1, 2, 0};
  if (pass == Conv2dPass::kBackwardData) return {0, 2, 1};
  return {1, 0, 2};
}

class CudnnConv2d final : public Kernel {
 public:
  CudnnConv2d(GraphPtr graph, const Problem& problem)
      : graph_(std::move(graph)),
        problem_(problem),
        places_(places(problem.pass)),
        workspace_(graph_->get_workspace_size()) {}

  size_t scratch_bytes() const override { return static_cast<size_t>(workspace_); }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    const cudnnHandle_t handle = static_cast<CudaStream&>(stream).libraries().cudnn;
    std::array<void*, 3> addresses{};
    bool aligned = true;
    for (size_t role = 0; role < addresses.size(); ++role) {
      addresses[role] = args[places_[role]].data;
      aligned = aligned && reinterpret_cast<uintptr_t>(addresses[role]) % kAligned == 0;
    }
    const fe::graph::Graph& graph = aligned ? *graph_ : unaligned(handle);
    const fe::error_t status = graph.execute(handle, addresses.data(), 3, scratch);
    if (status.code != fe::error_code_t::OK) failed("running", status);
  }

 private:
  // Parameters and activations are aligned; a slice of samples of odd size may not be. Its plan is
  // made when it is met first, which is in the first, unrecorded run of a program.
  const fe::graph::Graph& unaligned(cudnnHandle_t handle) const {
    std::call_once(unaligned_made_, [&] {
      const auto bytes = static_cast<int64_t>(dtype_bytes(problem_.types.in));
      unaligned_ = build(handle, problem_, bytes, workspace_);
    });
    if (!unaligned_) {
      throw EnvironmentError(
          "cuDNN has no convolution for memory that does not begin at a multiple of 16 bytes; "
          "choose numbers of channels that are multiples of 8");
    }
    return *unaligned_;
  }

  GraphPtr graph_;
  Problem problem_;
  std::array<size_t, 3> places_;
  int64_t workspace_;
  mutable std::once_flag unaligned_made_;
  mutable GraphPtr unaligned_;
};

}  // namespace

std::shared_ptr<Kernel> make_cudnn_conv2d(CudaDevice& device, const Conv2dDesc& desc,
                                          Conv2dPass pass, const LibraryTypes& types) {
  const Problem problem{desc, pass, types, device.options()};
  GraphPtr graph = build(device.planning().cudnn, problem, kAligned, -1);
  if (!graph) return nullptr;
  return std::make_shared<CudnnConv2d>(std::move(graph), problem);
}

}  // namespace gantry::cuda
