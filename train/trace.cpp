// SPDX-License-Identifier: Apache-2.0
#include "train/trace.h"

#include <algorithm>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>

#include "core/atomic_file.h"
#include "train/call_name.h"
#include "train/host_copy.h"

namespace gantry {
namespace {

// Trace tensors always have four axes, in memory order.
HostTensor on_host(Device& device, Stream& stream, const std::string& name,
                   const TensorView& view) {
  HostTensor host(name, view.dtype, {view.shape.n, view.shape.h, view.shape.w, view.shape.c});
  device.copy_to_host(stream, host.bytes.data(), view.data, host.bytes.size());
  stream.synchronize();
  return host;
}

bool is_network_tensor(const std::string& name) {
  return name.find(".optimizer.") == std::string::npos && name != "step" &&
         name != "metrics.sums" && name != "metrics.counts" &&
         name.find(".ema.") == std::string::npos;
}

class TraceWatcher : public ReplayWatcher {
 public:
  explicit TraceWatcher(Session& session)
      : session_(session), device_(*session.system().backend.device), stream_(session.stream()) {
    for (const Tap& tap : session.next().recorded.taps) taps_.emplace(tap.calls, &tap);
    for (const auto& player : session.system().players) collect_dropouts(*player);
  }

  void before(size_t index, const Call&, std::span<const TensorView>) override {
    const auto range = taps_.equal_range(index);
    for (auto it = range.first; it != range.second; ++it) {
      add(it->second->name, session_.next().replay->view(it->second->ref));
    }
  }

  void after(size_t, const Call& call, std::span<const TensorView> args) override {
    const CallName name = split_call(call.name);
    if (name.pass == "target_real" || name.pass == "target_fake") {
      add(call.name, args[0]);
    } else if (name.pass == "forward" && dropouts_.contains(name.layer)) {
      add_kernel_on({1}, call, args, name.micro + name.penalty + ".mask." + name.layer);
    } else if (name.pass == "between") {
      add_kernel_on({1, 0}, call, args, name.micro + name.penalty + ".share");
    } else if (name.pass == "about") {
      add_kernel_on({0, 1}, call, args, name.micro + name.penalty + ".offset");
    } else if (name.pass.ends_with("_noise")) {
      const std::string side = name.pass.substr(0, name.pass.rfind('_'));
      add_kernel_on({0}, call, args, name.micro + ".noise_" + side);
    } else if (name.pass.starts_with("loss_")) {
      const bool of_generator = call.name[0] == 'g' && name.pass == "loss_fake";
      losses_[update_of(call) + (of_generator ? ".loss" : "." + name.pass)].push_back(
          scalar(args[0]));
    } else if (call.name.ends_with(".optimizer.schedule")) {
      add(update_of(call) + ".lr", args[0]);
    } else if (call.name.ends_with(".optimizer.grad_norm")) {
      add(update_of(call) + ".grad_norm", args[0]);
      add_gradients(update_of(call));
    } else if (call.name.ends_with(".optimizer.update")) {
      finish_update(update_of(call));
    }
  }

  std::vector<HostTensor> take() { return std::move(tensors_); }
  std::string updates() const { return updates_; }

 private:
  static std::string update_of(const Call& call) {
    return call.name.substr(0, call.name.find('.'));
  }

  void collect_dropouts(const Player& player) {
    for (const Network::Node& node : player.network.nodes()) {
      if (std::string(node.layer->type()) != "dropout") continue;
      dropouts_.insert(player.name + "." + node.name);
    }
  }

  void add(const std::string& name, const TensorView& view) {
    tensors_.push_back(on_host(device_, stream_, name, view));
  }

  double scalar(const TensorView& view) {
    const HostTensor host = on_host(device_, stream_, "", view);
    return view.dtype == DType::kF64 ? host.as<double>()[0] : host.as<float>()[0];
  }

  void add_scalar(const std::string& name, double value) {
    HostTensor host(name, DType::kF64, {1, 1, 1, 1});
    host.as<double>()[0] = value;
    tensors_.push_back(std::move(host));
  }

  // What a recorded {y | x, ..., step} kernel makes of constants in the place of its first inputs:
  // of ones, the mask of a dropout; of zeros, the noise that is added.
  void add_kernel_on(const std::vector<float>& constants, const Call& call,
                     std::span<const TensorView> args, const std::string& name) {
    Tensor y(device_, args[0].shape, args[0].dtype);
    std::vector<Tensor> inputs;
    std::vector<TensorView> run_args(args.begin(), args.end());
    run_args[0] = y.view();
    for (size_t i = 0; i < constants.size(); ++i) {
      const TensorView& like = args[1 + i];
      inputs.emplace_back(device_, like.shape, like.dtype);
      const std::vector<float> values(static_cast<size_t>(like.shape.elements()), constants[i]);
      write_reals(device_, stream_, inputs.back().view(), values);
      run_args[1 + i] = inputs.back().view();
    }
    Memory scratch(device_, call.kernel->scratch_bytes());
    call.kernel->run(stream_, run_args, scratch.data());
    stream_.synchronize();
    const auto first = std::find_if(tensors_.begin(), tensors_.end(),
                                    [&](const HostTensor& tensor) { return tensor.name == name; });
    if (first == tensors_.end()) return add(name, y.view());
    // Another part of the micro-batch, by a call of its own: the second half of [real; fake].
    const HostTensor half = on_host(device_, stream_, name, y.view());
    HostTensor& whole = *first;
    whole.shape[0] += half.shape[0];
    whole.bytes.insert(whole.bytes.end(), half.bytes.begin(), half.bytes.end());
  }

  void add_gradients(const std::string& update) {
    const std::string player = update.substr(0, 1);
    const ParamStore& store = session_.system().player(player).store;
    for (const ParamRange& range : store.params()) {
      const TensorView flat = store.grads();
      auto* data = static_cast<char*>(flat.data) +
                   static_cast<size_t>(range.first) * dtype_bytes(flat.dtype);
      add(concat(update, ".grad.", player, ".", range.name), {data, range.shape, flat.dtype});
    }
  }

  void finish_update(const std::string& update) {
    updates_ += (updates_.empty() ? "" : " ") + update;
    const std::string player = update.substr(0, 1);
    for (auto& [name, values] : losses_) {
      double sum = 0;
      for (const double value : values) sum += value;
      add_scalar(name, sum);
    }
    losses_.clear();
    for (const System::StateTensor& tensor : session_.system().state()) {
      if (tensor.name.starts_with("objective.")) {
        add(update + ".after." + tensor.name, tensor.view);
      } else if (tensor.name.starts_with("g.ema.") && player == "g") {
        add(update + ".after." + tensor.name.substr(2), tensor.view);
      } else if (is_network_tensor(tensor.name)) {
        const bool of_player = tensor.name.starts_with(player + ".");
        if (of_player || is_state(tensor.name)) add(update + ".after." + tensor.name, tensor.view);
      }
    }
  }

  bool is_state(const std::string& name) const {
    const ParamStore& store = session_.system().player(name.substr(0, 1)).store;
    for (const ParamRange& range : store.states()) {
      if (name.substr(2) == range.name) return true;
    }
    return false;
  }

  Session& session_;
  Device& device_;
  Stream& stream_;
  std::multimap<size_t, const Tap*> taps_;
  std::set<std::string> dropouts_;
  std::vector<HostTensor> tensors_;
  std::map<std::string, std::vector<double>> losses_;
  std::string updates_;
};

}  // namespace

void write_trace(Session& session, const std::string& config_json, int64_t steps,
                 const std::filesystem::path& folder) {
  if (session.system().backend.narrow_kernels) {
    throw ConfigError(
        "/precision: a trace is of networks that learn in fp32 or tf32; say "
        "precision=fp32");
  }
  make_folders(folder);
  write_file_atomically(folder / "config.json", config_json);
  Device& device = *session.system().backend.device;
  std::vector<HostTensor> initial;
  for (const System::StateTensor& tensor : session.system().state()) {
    if (is_network_tensor(tensor.name)) {
      initial.push_back(on_host(device, session.stream(), tensor.name, tensor.view));
    }
  }
  write_safetensors(folder / "initial.safetensors", initial);
  for (int64_t i = 0; i < steps; ++i) {
    TraceWatcher watcher(session);
    session.step(watcher);
    std::ostringstream name;
    name << "step-" << std::setw(6) << std::setfill('0') << session.steps_done() << ".safetensors";
    write_safetensors(
        folder / name.str(), watcher.take(),
        {{"step", std::to_string(session.steps_done())}, {"updates", watcher.updates()}});
  }
}

}  // namespace gantry
