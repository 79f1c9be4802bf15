// SPDX-License-Identifier: Apache-2.0
#include "kernels/cpu/dnnl_conv2d.h"

#include <algorithm>
#include <string>
#include <utility>

#include "kernels/cpu/dnnl_sequence.h"
#include "kernels/cpu/dnnl_shim.h"
#include "kernels/cpu/epilogue.h"

namespace gantry {
namespace {

using dnnl::memory;
constexpr auto kElement = memory::data_type::f32;

struct Geometry {
  memory::dims strides, dilates, pad_begin, pad_end;
  memory::desc x, w, y, b;             // as stored
  memory::desc x_seen, w_any, y_seen;  // as asked for
};

memory::dims activation_dims(const Shape& s) { return {s.n, s.c, s.h, s.w}; }

memory::desc stored_activation(const Shape& s) {
  return {activation_dims(s), kElement, memory::dims{s.per_sample(), 1, s.w * s.c, s.c}};
}

memory::dims filter_dims(const Conv2dDesc& d) {
  if (d.groups == 1) return {d.w.n, d.w.c, d.w.h, d.w.w};
  return {d.groups, d.w.n / d.groups, d.w.c, d.w.h, d.w.w};
}

memory::desc stored_filter(const Conv2dDesc& d) {
  const int64_t filter = d.w.per_sample(), row = d.w.w * d.w.c;
  memory::dims strides = {filter, 1, row, d.w.c};
  if (d.groups > 1) strides.insert(strides.begin(), d.w.n / d.groups * filter);
  return {filter_dims(d), kElement, strides};
}

// Rows or columns of padding after the input; never negative, since rows left unread are allowed.
int64_t pad_after(int64_t in, int64_t out, int64_t kernel, int64_t stride, int64_t dilation,
                  int64_t before) {
  return std::max<int64_t>(0, (out - 1) * stride + (kernel - 1) * dilation + 1 - in - before);
}

Geometry geometry(const Conv2dDesc& d, DnnlLayout layout) {
  Geometry g;
  g.strides = {d.stride_h, d.stride_w};
  g.dilates = {d.dilation_h - 1, d.dilation_w - 1};
  g.pad_begin = {d.pad_top, d.pad_left};
  g.pad_end = {pad_after(d.x.h, d.y.h, d.w.h, d.stride_h, d.dilation_h, d.pad_top),
               pad_after(d.x.w, d.y.w, d.w.w, d.stride_w, d.dilation_w, d.pad_left)};
  g.x = stored_activation(d.x);
  g.y = stored_activation(d.y);
  g.w = stored_filter(d);
  g.b = memory::desc({d.y.c}, kElement, memory::format_tag::a);
  const auto any = memory::format_tag::any;
  g.w_any = memory::desc(filter_dims(d), kElement, any);
  const bool stored = layout == DnnlLayout::kStored;
  g.x_seen = stored ? g.x : memory::desc(activation_dims(d.x), kElement, any);
  g.y_seen = stored ? g.y : memory::desc(activation_dims(d.y), kElement, any);
  return g;
}

// Primitives of one pass, and what is left to do after them.
class DnnlConv2d final : public Kernel {
 public:
  explicit DnnlConv2d(DnnlSequence sequence, Epilogue epilogue = {})
      : sequence_(std::move(sequence)), epilogue_(epilogue) {}

  size_t scratch_bytes() const override { return sequence_.scratch_bytes(); }

  void run(Stream& stream, std::span<const TensorView> args, void* scratch) const override {
    sequence_.run(stream, args, scratch);
    const TensorView& out = args[0];
    epilogue_.run(static_cast<float*>(out.data), out.shape.n * out.shape.pixels(), out.shape.c,
                  static_cast<const float*>(args.back().data));
  }

 private:
  DnnlSequence sequence_;
  Epilogue epilogue_;
};

using Forward = dnnl::convolution_forward;
using BackwardData = dnnl::convolution_backward_data;
using BackwardWeights = dnnl::convolution_backward_weights;
constexpr auto kDirect = dnnl::algorithm::convolution_direct;

template <typename PrimitiveDesc>
bool is_reference(const PrimitiveDesc& desc) {
  return std::string(desc.impl_info_str()).rfind("ref", 0) == 0;
}

Forward::primitive_desc forward_desc(const dnnl::engine& engine, const Geometry& g, bool bias,
                                     const dnnl::primitive_attr& attributes) {
  if (bias) {
    return dnnl_shim::describe<Forward>(engine, attributes, dnnl::prop_kind::forward_training,
                                        kDirect, g.x_seen, g.w_any, g.b, g.y_seen, g.strides,
                                        g.dilates, g.pad_begin, g.pad_end);
  }
  return dnnl_shim::describe<Forward>(engine, attributes, dnnl::prop_kind::forward_training,
                                      kDirect, g.x_seen, g.w_any, g.y_seen, g.strides, g.dilates,
                                      g.pad_begin, g.pad_end);
}

std::shared_ptr<Kernel> forward(const dnnl::engine& engine, const Conv2dDesc& d,
                                const Geometry& g) {
  dnnl::primitive_attr attributes = dnnl_attributes();
  const Epilogue epilogue{d.bias, d.activation};
  if (d.activation.kind != ActivationKind::kIdentity) {
    dnnl::post_ops post;
    dnnl_shim::append_eltwise(post, dnnl::algorithm::eltwise_relu, epilogue.slope());
    attributes.set_post_ops(post);
  }
  const auto desc = forward_desc(engine, g, d.bias, attributes);
  if (is_reference(desc)) return nullptr;
  DnnlSequence s(engine);
  const DnnlSlot x = s.converted(g.x, DnnlSlot::argument(1), desc.src_desc());
  const DnnlSlot w = s.converted(g.w, DnnlSlot::argument(2), desc.weights_desc());
  const bool direct = desc.dst_desc() == g.y;
  const DnnlSlot y = direct ? DnnlSlot::argument(0) : s.scratch(desc.dst_desc());
  std::vector<DnnlArg> args = {{DNNL_ARG_DST, desc.dst_desc(), y},
                               {DNNL_ARG_SRC, desc.src_desc(), x},
                               {DNNL_ARG_WEIGHTS, desc.weights_desc(), w}};
  if (d.bias) args.push_back({DNNL_ARG_BIAS, g.b, DnnlSlot::argument(3)});
  s.add(Forward(desc), desc.scratchpad_desc(), args);
  if (!direct) s.add_reorder(desc.dst_desc(), y, g.y, DnnlSlot::argument(0));
  return std::make_shared<DnnlConv2d>(std::move(s));
}

std::shared_ptr<Kernel> backward_data(const dnnl::engine& engine, const Conv2dDesc& d,
                                      const Geometry& g) {
  const auto attributes = dnnl_attributes();
  const auto hint = forward_desc(engine, g, false, attributes);
  const auto desc = dnnl_shim::describe_backward<BackwardData>(
      engine, attributes, hint, kDirect, g.x_seen, g.w_any, g.y_seen, g.strides, g.dilates,
      g.pad_begin, g.pad_end);
  if (is_reference(desc)) return nullptr;
  DnnlSequence s(engine);
  const DnnlSlot dy = s.converted(g.y, DnnlSlot::argument(1), desc.diff_dst_desc());
  const DnnlSlot w = s.converted(g.w, DnnlSlot::argument(2), desc.weights_desc());
  const bool direct = desc.diff_src_desc() == g.x;
  const DnnlSlot dx = direct ? DnnlSlot::argument(0) : s.scratch(desc.diff_src_desc());
  s.add(BackwardData(desc), desc.scratchpad_desc(),
        {{DNNL_ARG_DIFF_SRC, desc.diff_src_desc(), dx},
         {DNNL_ARG_DIFF_DST, desc.diff_dst_desc(), dy},
         {DNNL_ARG_WEIGHTS, desc.weights_desc(), w}});
  if (!direct) s.add_reorder(desc.diff_src_desc(), dx, g.x, DnnlSlot::argument(0));
  return std::make_shared<DnnlConv2d>(std::move(s), Epilogue{d.bias, d.activation});
}

std::shared_ptr<Kernel> backward_weights(const dnnl::engine& engine, const Conv2dDesc& d,
                                         const Geometry& g) {
  const auto attributes = dnnl_attributes();
  const auto hint = forward_desc(engine, g, false, attributes);
  const auto desc = dnnl_shim::describe_backward<BackwardWeights>(
      engine, attributes, hint, kDirect, g.x_seen, g.w_any, g.y_seen, g.strides, g.dilates,
      g.pad_begin, g.pad_end);
  if (is_reference(desc)) return nullptr;
  DnnlSequence s(engine);
  const DnnlSlot x = s.converted(g.x, DnnlSlot::argument(1), desc.src_desc());
  const DnnlSlot dy = s.converted(g.y, DnnlSlot::argument(2), desc.diff_dst_desc());
  const bool direct = desc.diff_weights_desc() == g.w && !d.accumulate;
  const DnnlSlot dw = direct ? DnnlSlot::argument(0) : s.scratch(desc.diff_weights_desc());
  s.add(BackwardWeights(desc), desc.scratchpad_desc(),
        {{DNNL_ARG_DIFF_WEIGHTS, desc.diff_weights_desc(), dw},
         {DNNL_ARG_SRC, desc.src_desc(), x},
         {DNNL_ARG_DIFF_DST, desc.diff_dst_desc(), dy}});
  if (!direct) {
    s.add_reorder(desc.diff_weights_desc(), dw, g.w, DnnlSlot::argument(0), d.accumulate);
  }
  return std::make_shared<DnnlConv2d>(std::move(s));
}

}  // namespace

std::shared_ptr<Kernel> make_dnnl_conv2d(const CpuDevice& device, const Conv2dDesc& desc,
                                         Conv2dPass pass, DnnlLayout layout) {
  device.set_threads();
  const dnnl::engine& engine = device.library().engine;
  const Geometry g = geometry(desc, layout);
  try {
    switch (pass) {
      case Conv2dPass::kForward:
        return forward(engine, desc, g);
      case Conv2dPass::kBackwardData:
        return backward_data(engine, desc, g);
      case Conv2dPass::kBackwardWeights:
        return backward_weights(engine, desc, g);
    }
  } catch (const dnnl::error&) {
  }
  return nullptr;
}

}  // namespace gantry
