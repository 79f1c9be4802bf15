// SPDX-License-Identifier: Apache-2.0
#include "models/delta_sum.h"
#include "models/narrowing.h"
#include "models/network_impl.h"

namespace gantry {

namespace {

TensorRefs slice(const TensorRefs& refs, size_t first, size_t count) {
  const auto begin = refs.begin() + static_cast<std::ptrdiff_t>(first);
  return {begin, begin + static_cast<std::ptrdiff_t>(count)};
}

void record_clear(Recorder& recorder, const TensorRef& ref) {
  recorder.program.call("clear", recorder.kernels.sum({ref.shape, {}, false}), {ref}, {});
}

// Where one node's parameter gradients go while its kernels are recorded. A normalised weight's
// gradient is first made with respect to w_hat, then transformed, then added.
class NodeGrads {
 public:
  NodeGrads(Recorder& recorder, const NetworkPass& pass, size_t node, TensorRefs grads,
            bool accumulate)
      : recorder_(recorder), grads_(grads), target_{std::move(grads), accumulate} {
    for (const SpectralPass& spectral : pass.spectral) {
      if (spectral.node == node) normalized_.push_back(&spectral);
    }
    if (!accumulate) return;
    for (const SpectralPass* spectral : normalized_) {
      TensorRef& dw = target_.grads[spectral->param];
      dw = recorder_.temp("dw_hat", dw.shape);
      record_clear(recorder_, dw);
    }
  }

  const GradTarget& target() const { return target_; }

  void finish() {
    for (const SpectralPass* spectral : normalized_) {
      const TensorRef& dw_hat = target_.grads[spectral->param];
      record_spectral_norm_backward(recorder_, *spectral, dw_hat);
      if (!target_.accumulate) continue;
      const SumDesc add{dw_hat.shape, {1}, true};
      recorder_.program.call("add_gradient", recorder_.kernels.sum(add), {}, {dw_hat},
                             {grads_[spectral->param]});
    }
  }

 private:
  Recorder& recorder_;
  TensorRefs grads_;  // in the store
  GradTarget target_;
  std::vector<const SpectralPass*> normalized_;
};

// Per node: whether a delta that arrives there leads to anything wanted.
std::vector<bool> nodes_needing_delta(const Network::Impl& impl, bool want_dx, bool want_dw) {
  std::vector<bool> need(impl.nodes.size(), false);
  for (size_t i = 0; i < impl.nodes.size(); ++i) {
    const Network::Node& node = impl.nodes[i];
    bool needed = want_dw && node.params > 0;
    for (const int from : node.inputs) {
      needed =
          needed || (from < 0 ? want_dx && !impl.inputs[static_cast<size_t>(-1 - from)].constant
                              : need[static_cast<size_t>(from)]);
    }
    need[i] = needed;
  }
  return need;
}

// Runs the deltas that were sent to the nodes backward through all of them.
class BackwardPass {
 public:
  BackwardPass(Recorder& recorder, const Network::Impl& impl, const ParamStore& store,
               NetworkPass& pass, const BackwardOptions& options)
      : recorder_(recorder),
        impl_(impl),
        pass_(pass),
        options_(options),
        need_(nodes_needing_delta(impl, options.want_dx, options.want_dw)),
        deltas_(recorder, impl.nodes.size() + impl.inputs.size()) {
    if (options.want_dw) grads_ = store.grad_refs(recorder.program);
  }

  // From a loss.
  void send_output(int node, const TensorRef& delta) {
    if (!delta || !need_[static_cast<size_t>(node)]) return;
    deltas_.send(place_of(node), record_scaled_in(recorder_, delta, type_of(node)));
  }
  // From another node.
  void send(int from, const TensorRef& delta) {
    if (!delta || (from >= 0 && !need_[static_cast<size_t>(from)])) return;
    deltas_.send(place_of(from), record_cast(recorder_, delta, type_of(from)));
  }

  void run() {
    for (size_t i = impl_.nodes.size(); i-- > 0;) {
      if (need_[i]) record(i);
    }
  }

  TensorRefs input_deltas() {
    TensorRefs dx(impl_.inputs.size());
    if (!options_.want_dx) return dx;
    for (size_t i = 0; i < dx.size(); ++i) {
      const TensorRef delta = deltas_.take(impl_.nodes.size() + i, options_.keep_deltas);
      if (delta) dx[i] = record_scaled_out(recorder_, delta);
    }
    return dx;
  }

 private:
  void record(size_t index) {
    const Network::Node& node = impl_.nodes[index];
    const Program::Scope scope(recorder_.program, node.name);
    const TensorRef dy = deltas_.take(index, options_.keep_deltas);
    const bool want_dw = options_.want_dw && node.params > 0;
    if (!dy) {
      if (want_dw && !options_.accumulate) clear_grads(node);
      return;
    }
    if (options_.keep_deltas) pass_.deltas[index] = dy;
    Layer::BackwardRequest request;
    request.keep_dy = options_.keep_deltas || deltas_.shared(dy);
    for (const int from : node.inputs) {
      request.want_dx.push_back(from < 0 ? wants_input(from) : need_[static_cast<size_t>(from)]);
    }
    const LayerPass& layer_pass = pass_.layers[index];
    Recorder recorder = recorder_for(recorder_, *node.layer);
    TensorRefs dx;
    if (want_dw) {
      NodeGrads grads(recorder_, pass_, index, slice(grads_, node.first_param, node.params),
                      options_.accumulate);
      dx = node.layer->backward(recorder, layer_pass, dy, grads.target(), request);
      grads.finish();
    } else {
      dx = node.layer->backward(recorder, layer_pass, dy, {}, request);
    }
    for (size_t i = 0; i < dx.size(); ++i) {
      if (request.want_dx[i]) send(node.inputs[i], dx[i]);
    }
    deltas_.release(dy);
  }

  bool wants_input(int from) const {
    return options_.want_dx && !impl_.inputs[static_cast<size_t>(-1 - from)].constant;
  }

  // Of the deltas that are added up there: that of what the place holds, or of what reads it.
  DType type_of(int from) const {
    if (from >= 0)
      return recorder_for(recorder_, *impl_.nodes[place_of(from)].layer).kernels.narrow_real();
    for (const Network::Node& node : impl_.nodes) {
      const bool reads =
          std::find(node.inputs.begin(), node.inputs.end(), from) != node.inputs.end();
      if (reads) return recorder_for(recorder_, *node.layer).kernels.narrow_real();
    }
    return recorder_.kernels.real();
  }

  size_t place_of(int from) const {
    return from < 0 ? impl_.nodes.size() + static_cast<size_t>(-1 - from)
                    : static_cast<size_t>(from);
  }

  void clear_grads(const Network::Node& node) {
    for (const TensorRef& grad : slice(grads_, node.first_param, node.params)) {
      record_clear(recorder_, grad);
    }
  }

  Recorder& recorder_;
  const Network::Impl& impl_;
  NetworkPass& pass_;
  const BackwardOptions options_;
  std::vector<bool> need_;
  DeltaSum deltas_;
  TensorRefs grads_;
};

void check_inputs(const Network::Impl& impl, const TensorRefs& inputs,
                  const ForwardOptions& options) {
  GANTRY_CHECK(inputs.size() == impl.inputs.size(), impl.name, " takes ", impl.inputs.size(),
               " inputs, given ", inputs.size());
  const int64_t n = inputs[0].shape.n;
  for (size_t i = 0; i < inputs.size(); ++i) {
    GANTRY_CHECK(inputs[i].shape == impl.inputs[i].shape.with_n(n), impl.name, " input ",
                 impl.inputs[i].name, " is ", to_string(impl.inputs[i].shape), ", given ",
                 to_string(inputs[i].shape));
  }
  GANTRY_CHECK(n % options.batch_groups == 0, n, " samples in ", options.batch_groups, " groups");
}

std::vector<SampleGroup> sample_groups_of(const Recorder& recorder, const ForwardOptions& options,
                                          int64_t n) {
  if (options.sample_groups.empty() || !options.reference.empty()) {
    return {{n, recorder.first_sample}};
  }
  int64_t sum = 0;
  for (const SampleGroup& group : options.sample_groups) sum += group.count;
  GANTRY_CHECK(sum == n, n, " samples, in groups of ", sum, " together");
  return options.sample_groups;
}

// Tangents of a node's inputs, zeros where there is none; empty if all are zero.
TensorRefs input_tangents(Recorder& recorder, const Network::Node& node, const LayerPass& pass,
                          const TensorRefs& network_ux, const TensorRefs& uy) {
  TensorRefs ux;
  bool any = false;
  for (const int from : node.inputs) {
    ux.push_back(from < 0 ? network_ux[static_cast<size_t>(-1 - from)]
                          : uy[static_cast<size_t>(from)]);
    any = any || ux.back();
  }
  if (!any) return {};
  for (size_t i = 0; i < ux.size(); ++i) {
    if (ux[i]) {
      ux[i] = record_cast(recorder, ux[i], pass.x[i].dtype);
      continue;
    }
    ux[i] = recorder.program.temp("ux", pass.x[i].shape, pass.x[i].dtype);
    record_clear(recorder, ux[i]);
  }
  return ux;
}

}  // namespace

namespace {

void record_copy(Recorder& recorder, const TensorRef& to, const TensorRef& from) {
  recorder.program.call("copy", recorder.kernels.sum({to.shape, {1}, false}), {to}, {from});
}

// [reference; x] per input.
TensorRefs with_reference(Recorder& recorder, const TensorRefs& reference, const TensorRefs& x) {
  if (reference.empty()) return x;
  TensorRefs joined;
  for (size_t i = 0; i < x.size(); ++i) {
    const int64_t r = reference[i].shape.n, n = x[i].shape.n;
    joined.push_back(recorder.temp("with_reference", x[i].shape.with_n(r + n)));
    record_copy(recorder, joined[i].samples(0, r), reference[i]);
    record_copy(recorder, joined[i].samples(r, n), x[i]);
  }
  return joined;
}

TensorRef without_reference(const TensorRef& y, int64_t reference) {
  return y && reference > 0 ? y.samples(reference, y.shape.n - reference) : y;
}

// No loss is about the reference's outputs.
TensorRef padded(Recorder& recorder, const TensorRef& dy, int64_t reference) {
  if (!dy || reference == 0) return dy;
  const TensorRef all = recorder.temp("dy", dy.shape.with_n(reference + dy.shape.n));
  record_clear(recorder, all.samples(0, reference));
  record_copy(recorder, all.samples(reference, dy.shape.n), dy);
  return all;
}

}  // namespace

NetworkPass Network::forward(Recorder& recorder, const ParamStore& store, const TensorView& values,
                             const TensorView& states, const TensorRefs& inputs,
                             const ForwardOptions& options) const {
  check_inputs(*impl_, inputs, options);
  GANTRY_CHECK(!needs_reference() || !options.reference.empty(), impl_->name,
               " needs a reference batch");
  const TensorRefs params = store.param_refs(recorder.program, values);
  const TensorRefs state_refs = store.state_refs(recorder.program, states);
  const Program::Scope scope(recorder.program, impl_->name);
  NetworkPass pass;
  pass.inputs = with_reference(recorder, options.reference, inputs);
  pass.reference = options.reference.empty() ? 0 : options.reference[0].shape.n;
  const bool whole = pass.reference > 0;
  const std::vector<SampleGroup> sample_groups =
      sample_groups_of(recorder, options, pass.inputs[0].shape.n);
  const TensorRefs narrow = store.narrow_refs(recorder.program, values);
  Casts casts(recorder);
  pass.deltas.resize(impl_->nodes.size());
  for (size_t i = 0; i < impl_->nodes.size(); ++i) {
    const Node& node = impl_->nodes[i];
    const Program::Scope layer_scope(recorder.program, node.name);
    Recorder own = recorder_for(recorder, *node.layer);
    const DType type = own.kernels.narrow_real();
    LayerPass layer{.name = impl_->name + "." + node.name,
                    .mode = options.mode,
                    .batch_groups = whole ? 1 : options.batch_groups,
                    .sample_groups = sample_groups,
                    .random_id = impl_->random_id(node.name) + options.pass_id,
                    .reference = pass.reference,
                    .track = options.track,
                    .params = slice(params, node.first_param, node.params),
                    .states = slice(state_refs, node.first_state, node.states),
                    .x = {},
                    .y = {},
                    .saved = {}};
    for (const int from : node.inputs) {
      const TensorRef& x = from < 0 ? pass.inputs[static_cast<size_t>(-1 - from)]
                                    : pass.layers[static_cast<size_t>(from)].y;
      layer.x.push_back(casts.cast(x, type));
    }
    for (size_t p = 0; p < node.params; ++p) {
      const ParamInfo& info = impl_->params[node.first_param + p];
      const bool narrowed = is_weight(info.name) && type != recorder.kernels.real();
      const int64_t u = info.u_state;
      if (u < 0) {
        if (!narrowed) continue;
        layer.params[p] =
            narrow.empty() ? casts.cast(layer.params[p], type) : narrow[node.first_param + p];
        continue;
      }
      SpectralPass spectral =
          options.normalized.empty()
              ? record_spectral_norm(recorder, layer.params[p], state_refs[static_cast<size_t>(u)],
                                     options.mode == Mode::kTrain && options.track)
              : options.normalized.at(pass.spectral.size());
      spectral.node = i;
      spectral.param = p;
      layer.params[p] = narrowed ? casts.cast(spectral.w_hat, type) : spectral.w_hat;
      pass.spectral.push_back(spectral);
    }
    layer.y = node.layer->forward(own, layer);
    pass.layers.push_back(std::move(layer));
  }
  for (const int node : impl_->outputs) {
    const TensorRef y = without_reference(pass.layers[static_cast<size_t>(node)].y, pass.reference);
    pass.outputs.push_back(casts.cast(y, recorder.kernels.real()));
  }
  return pass;
}

TensorRefs Network::backward(Recorder& recorder, const ParamStore& store, NetworkPass& pass,
                             const TensorRefs& dy, const BackwardOptions& options) const {
  GANTRY_CHECK(dy.size() == impl_->outputs.size(), impl_->name, " has ", impl_->outputs.size(),
               " outputs, given ", dy.size(), " gradients");
  BackwardPass backward(recorder, *impl_, store, pass, options);
  const Program::Scope scope(recorder.program, impl_->name);
  for (size_t i = 0; i < dy.size(); ++i) {
    backward.send_output(impl_->outputs[i], padded(recorder, dy[i], pass.reference));
  }
  backward.run();
  TensorRefs dx = backward.input_deltas();
  for (TensorRef& delta : dx) delta = without_reference(delta, pass.reference);
  return dx;
}

TensorRefs Network::double_backward(Recorder& recorder, const ParamStore& store, NetworkPass& pass,
                                    const TensorRefs& ux) const {
  GANTRY_CHECK(ux.size() == impl_->inputs.size(), impl_->name, " has ", impl_->inputs.size(),
               " inputs, given ", ux.size(), " tangents");
  const TensorRefs grads = store.grad_refs(recorder.program);
  BackwardOptions options;
  options.accumulate = true;
  BackwardPass curved(recorder, *impl_, store, pass, options);
  const Program::Scope scope(recorder.program, impl_->name);
  TensorRefs uy(impl_->nodes.size());
  for (size_t i = 0; i < impl_->nodes.size(); ++i) {
    const Node& node = impl_->nodes[i];
    const Program::Scope layer_scope(recorder.program, node.name);
    const TensorRefs tangents = input_tangents(recorder, node, pass.layers[i], ux, uy);
    if (!pass.deltas[i] || tangents.empty()) continue;
    NodeGrads node_grads(recorder, pass, i, slice(grads, node.first_param, node.params), true);
    Recorder own = recorder_for(recorder, *node.layer);
    const Tangent tangent = node.layer->double_backward(own, pass.layers[i], pass.deltas[i],
                                                        tangents, node_grads.target());
    node_grads.finish();
    uy[i] = tangent.uy;
    for (size_t k = 0; k < node.inputs.size(); ++k) {
      if (node.inputs[k] >= 0) curved.send(node.inputs[k], tangent.hx[k]);
    }
  }
  curved.run();
  TensorRefs outputs;
  for (const int node : impl_->outputs) {
    const TensorRef& y = uy[static_cast<size_t>(node)];
    outputs.push_back(y ? record_cast(recorder, y, recorder.kernels.real()) : y);
  }
  return outputs;
}

}  // namespace gantry
