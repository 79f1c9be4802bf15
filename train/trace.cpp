// SPDX-License-Identifier: Apache-2.0
#include "train/trace.h"

#include <iomanip>
#include <map>
#include <set>
#include <sstream>

#include "core/atomic_file.h"
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
         name != "metrics.sums" && name.find(".ema.") == std::string::npos;
}

// "d1.m1.g.dropout1.forward" -> "d1.m1", "g.dropout1", "forward"; "d1.m1.loss_real" has no layer.
struct CallName {
  std::string micro, layer, pass;
};

CallName split_call(const std::string& name) {
  const size_t update = name.find('.');
  const size_t micro = name.find('.', update + 1);
  const size_t pass = name.rfind('.');
  if (micro == std::string::npos) return {};
  const std::string layer = pass > micro ? name.substr(micro + 1, pass - micro - 1) : "";
  return {name.substr(0, micro), layer, name.substr(pass + 1)};
}

class TraceWatcher : public ReplayWatcher {
 public:
  explicit TraceWatcher(Session& session)
      : session_(session), device_(*session.gan().backend.device), stream_(session.stream()) {
    for (const Tap& tap : session.recorded().taps) taps_.emplace(tap.calls, &tap);
    collect_dropouts("g", session.gan().generator);
    collect_dropouts("d", session.gan().discriminator);
  }

  void before(size_t index, const Call& call, std::span<const TensorView>) override {
    const auto range = taps_.equal_range(index);
    for (auto it = range.first; it != range.second; ++it) {
      add(it->second->name, session_.replay().view(it->second->ref));
    }
    if (call.name.ends_with(".optimizer.update")) add_gradients(update_of(call));
  }

  void after(size_t, const Call& call, std::span<const TensorView> args) override {
    const CallName name = split_call(call.name);
    if (name.pass == "target_real" || name.pass == "target_fake") {
      add(call.name, args[0]);
    } else if (name.pass == "forward" && dropouts_.contains(name.layer)) {
      add_kernel_on(1.0f, call, args, name.micro + ".mask." + name.layer);
    } else if (name.pass == "real_noise" || name.pass == "fake_noise") {
      const std::string side = name.pass.substr(0, 4);
      add_kernel_on(0.0f, call, args, name.micro + ".noise_" + side);
    } else if (name.pass == "loss_real" || name.pass == "loss_fake") {
      losses_[update_of(call) + (call.name[0] == 'g' ? ".loss" : "." + name.pass)].push_back(
          scalar(args[0]));
    } else if (call.name.ends_with(".optimizer.schedule")) {
      add(update_of(call) + ".lr", args[0]);
    } else if (call.name.ends_with(".optimizer.grad_norm")) {
      add(update_of(call) + ".grad_norm", args[0]);
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

  void collect_dropouts(const std::string& player, const Network& network) {
    for (const Network::Node& node : network.nodes()) {
      if (std::string(node.layer->type()) == "dropout") dropouts_.insert(player + "." + node.name);
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

  // What a recorded {y | x, step} kernel does to a constant: the mask of a dropout (ones), the
  // noise that is added (zeros).
  void add_kernel_on(float constant, const Call& call, std::span<const TensorView> args,
                     const std::string& name) {
    Tensor x(device_, args[1].shape, args[1].dtype), y(device_, args[0].shape, args[0].dtype);
    Memory scratch(device_, call.kernel->scratch_bytes());
    const std::vector<float> values(static_cast<size_t>(x.shape().elements()), constant);
    write_reals(device_, stream_, x.view(), values);
    const TensorView run_args[] = {y.view(), x.view(), args[2]};
    call.kernel->run(stream_, run_args, scratch.data());
    stream_.synchronize();
    if (tensors_.empty() || tensors_.back().name != name) return add(name, y.view());
    // The second half of [real; fake], by a call of its own.
    const HostTensor half = on_host(device_, stream_, name, y.view());
    HostTensor& whole = tensors_.back();
    whole.shape[0] += half.shape[0];
    whole.bytes.insert(whole.bytes.end(), half.bytes.begin(), half.bytes.end());
  }

  void add_gradients(const std::string& update) {
    const std::string player = update.substr(0, 1);
    const Gan& gan = session_.gan();
    const ParamStore& store = player == "g" ? gan.g : gan.d;
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
    for (const Gan::StateTensor& tensor : session_.gan().state()) {
      if (tensor.name.starts_with("g.ema.") && player == "g") {
        add(update + ".after." + tensor.name.substr(2), tensor.view);
      } else if (is_network_tensor(tensor.name)) {
        const bool of_player = tensor.name.starts_with(player + ".");
        if (of_player || is_state(tensor.name)) add(update + ".after." + tensor.name, tensor.view);
      }
    }
  }

  bool is_state(const std::string& name) const {
    const ParamStore& store = name[0] == 'g' ? session_.gan().g : session_.gan().d;
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
  std::filesystem::create_directories(folder);
  write_file_atomically(folder / "config.json", config_json);
  Device& device = *session.gan().backend.device;
  std::vector<HostTensor> initial;
  for (const Gan::StateTensor& tensor : session.gan().state()) {
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
