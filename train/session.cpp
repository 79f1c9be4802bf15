// SPDX-License-Identifier: Apache-2.0
#include "train/session.h"

#include <algorithm>
#include <cstring>
#include <iomanip>

#include "train/adversarial_objective.h"
#include "train/gan_state.h"
#include "train/host_copy.h"

namespace gantry {
namespace {

double mib(size_t bytes) { return static_cast<double>(bytes) / (1 << 20); }

std::unique_ptr<Replay> plan_replay(const Program& program, Device& device) {
  MemoryPlan plan = plan_memory(program);
  if (plan.arena_bytes + plan.external_bytes > device.memory_bytes()) {
    throw MemoryError(concat("the step needs ", mib(plan.arena_bytes + plan.external_bytes),
                             " MiB and ", device.name(), " has ", mib(device.memory_bytes()),
                             " MiB; a smaller train.batch, or a larger train.accumulate, shrinks "
                             "it. What takes the room:\n",
                             describe_memory(program, plan)));
  }
  auto arena = std::make_shared<Memory>(device, plan.arena_bytes);
  return std::make_unique<Replay>(program, std::move(plan), std::move(arena));
}

}  // namespace

std::unique_ptr<Objective> make_objective(const RunConfig& config) {
  return std::make_unique<AdversarialObjective>(config.objective,
                                                static_cast<uint64_t>(config.seed));
}

Session::Session(RunConfig config, Backend& backend, std::unique_ptr<DataSource> data)
    : data_(std::move(data)),
      stream_(backend.device->make_stream()),
      gan_(std::move(config), data_->info().sample, backend),
      objective_(make_objective(gan_.config)),
      recorded_(record_training_step(gan_, *objective_)),
      replay_(plan_replay(recorded_.program, *backend.device)) {}

double Session::load_batch() {
  if (!prefetcher_) {
    const DataConfig& data = gan_.config.data;
    prefetcher_ = std::make_unique<Prefetcher>(
        *data_, PrefetchOptions{.batch = gan_.real_samples_per_step(),
                                .threads = data.prefetch_threads,
                                .depth = data.prefetch_depth,
                                .first_batch = static_cast<uint64_t>(steps_)});
  }
  const Prefetcher::Batch batch = prefetcher_->next();
  const auto count = static_cast<size_t>(gan_.real_data.shape().elements());
  write_reals(*gan_.backend.device, *stream_, gan_.real_data.view(), {batch.images, count});
  return batch.waited_s;
}

double Session::step() {
  const double waited = load_batch();
  replay_->run(*stream_);
  ++steps_;
  return waited;
}

double Session::step(ReplayWatcher& watcher) {
  const double waited = load_batch();
  replay_->run(*stream_, watcher);
  ++steps_;
  return waited;
}

Checkpoint Session::checkpoint() {
  Checkpoint checkpoint = checkpoint_of(gan_, *stream_);
  checkpoint.step = static_cast<uint64_t>(steps_);
  if (!config_digest_.empty()) checkpoint.meta["config"] = config_digest_;
  return checkpoint;
}

void Session::restore(const Checkpoint& checkpoint, const std::string& place) {
  restore_gan(gan_, *stream_, checkpoint, place);
  steps_ = static_cast<int64_t>(checkpoint.step);
  prefetcher_.reset();
}

std::string describe_memory(const Program& program, const MemoryPlan& plan) {
  std::vector<std::pair<size_t, std::string>> rows;
  for (size_t i = 0; i < program.buffers().size(); ++i) {
    const ProgramBuffer& buffer = program.buffers()[i];
    rows.emplace_back(buffer.bytes, concat(buffer.name, buffer.external ? " (kept)" : ""));
  }
  std::stable_sort(rows.begin(), rows.end(),
                   [](const auto& a, const auto& b) { return a.first > b.first; });
  std::ostringstream out;
  out << std::fixed << std::setprecision(1);
  constexpr size_t kRows = 12;
  for (size_t i = 0; i < std::min(kRows, rows.size()); ++i) {
    out << std::setw(10) << mib(rows[i].first) << " MiB  " << rows[i].second << "\n";
  }
  out << std::setw(10) << mib(plan.arena_bytes) << " MiB  arena, " << mib(plan.lower_bound)
      << " MiB alive at once\n"
      << std::setw(10) << mib(plan.external_bytes) << " MiB  kept over steps\n";
  return out.str();
}

}  // namespace gantry
