// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <algorithm>

#include "core/animation.h"
#include "train/finite_check.h"
#include "train/report.h"

namespace gantry {
namespace {

bool due(int64_t step, int64_t every) { return every > 0 && step % every == 0; }

// Names as the metrics file spells them: the losses first, then the rest in alphabetical order.
std::vector<std::pair<std::string, double>> in_log_order(
    const std::map<std::string, double>& values) {
  std::vector<std::pair<std::string, double>> rows(values.begin(), values.end());
  const auto d_real = values.find("d.loss_real");
  const auto d_fake = values.find("d.loss_fake");
  if (d_real != values.end() && d_fake != values.end()) {
    rows.insert(rows.begin(), {kDiscriminatorLoss, d_real->second + d_fake->second});
  }
  return rows;
}

std::string newest_checkpoint(const CheckpointStore& checkpoints) {
  const std::vector<uint64_t> steps = checkpoints.steps();
  if (steps.empty()) return "there is no checkpoint yet";
  return concat("the newest checkpoint is of step ", steps.back());
}

// The last step whose row an undisturbed run would have, too: rows off the interval are the end's.
int64_t last_logged(int64_t done, const TrainConfig& train) {
  return done == train.steps ? done : done / train.log_every * train.log_every;
}

}  // namespace

Trainer::Trainer(Session& session, RunDir& run, Log& log)
    : session_(session),
      run_(run),
      log_(log),
      config_(session.system().config),
      interval_start_(session.steps_done() / config_.train.log_every * config_.train.log_every),
      checkpoints_(run.checkpoints(), log),
      metrics_log_(run.metrics(),
                   static_cast<uint64_t>(last_logged(session.steps_done(), config_.train)), log),
      progress_(log, {.first = static_cast<uint64_t>(session.steps_done()),
                      .total = static_cast<uint64_t>(config_.train.steps),
                      .items = static_cast<double>(config_.train.batch)}),
      picture_(session.system().sample.shape, {config_.data.range[0], config_.data.range[1]},
               &session.source()) {
  if (config_.output.tensorboard) {
    tensorboard_.emplace(run.events(), static_cast<uint64_t>(session.steps_done()));
  }
  const std::vector<MetricsRow> rows = read_metrics(run.metrics());
  if (!rows.empty()) last_metrics_.insert(rows.back().values.begin(), rows.back().values.end());
  System& system = session.system();
  if (system.has("g")) {
    sampler_.emplace(system, session.stream(), config_.output.samples,
                     system.player("g").optimizer.has_ema());
    grid_latents_ =
        sampler_->draw_latents(system.seed(), 0, picture_.samples(config_.output.samples));
  }
  if (naming_player(system) && config_.has_evaluation_data()) {
    held_out_.emplace(system, session.stream());
  }
}

void Trainer::require_space() const {
  constexpr uint64_t kSamplesAndLogs = 32 << 20;
  uint64_t state = 0;
  for (const System::StateTensor& tensor : session_.system().state()) state += tensor.view.bytes();
  run_.require_space(static_cast<uint64_t>(config_.train.keep_last + 2) * state + kSamplesAndLogs);
}

ExitCode Trainer::train(const StopRequest& stop) {
  require_space();
  start_clock_ = Progress::steady_seconds();
  interval_clock_ = Progress::steady_seconds();
  run_.write_status({RunState::kRunning, static_cast<uint64_t>(session_.steps_done()),
                     static_cast<uint64_t>(config_.train.steps), 0, ""});
  if (session_.steps_done() == 0) sample(0);
  while (session_.steps_done() < config_.train.steps) {
    if (session_.agree_to_stop(stop.received())) {
      save(session_.steps_done());
      finish(RunState::kStopped, ExitCode::kPreempted,
             concat("stopped by ", stop.received() ? stop.signal_name() : "another rank",
                    "; continue with: gantry resume ", run_.path().string()));
      return ExitCode::kPreempted;
    }
    waited_s_ += session_.advance(steps_to_next_look());
    after_step(session_.steps_done());
  }
  save(session_.steps_done());
  finish(RunState::kDone, ExitCode::kDone, "");
  return ExitCode::kDone;
}

// Steps until the host has to look at the device: for a log, a picture, a checkpoint, the end.
int64_t Trainer::steps_to_next_look() const {
  const int64_t done = session_.steps_done();
  int64_t steps = config_.train.steps - done;
  for (const int64_t every : {config_.evaluation.every, config_.train.log_every,
                              config_.train.sample_every, config_.train.checkpoint_every}) {
    if (every > 0) steps = std::min(steps, every - done % every);
  }
  return steps;
}

void Trainer::after_step(int64_t step) {
  const bool last = step == config_.train.steps;
  if (is_finite_check_due(session_)) check_finite();
  if (due(step, config_.evaluation.every) || last) evaluate(step);
  if (due(step, config_.train.log_every) || last) log_metrics(step);
  progress_.update(static_cast<uint64_t>(step));
  run_.heartbeat();
  if (due(step, config_.train.sample_every) || last) sample(step);
  if (due(step, config_.train.checkpoint_every)) save(step);
}

void Trainer::check_finite() {
  require_finite(session_, [this] { return newest_checkpoint(checkpoints_); });
}

void Trainer::evaluate(int64_t step) {
  if (!held_out_) return;
  progress_.pause();
  evaluated_ = held_out_->measure();
  log_.info("step ", step, ": ", 100 * evaluated_.at(held_out_->accuracy_name()),
            " % of the held-out samples are classified rightly");
  progress_.resume();
}

void Trainer::log_metrics(int64_t step) {
  System& system = session_.system();
  MetricsRow row;
  row.step = static_cast<uint64_t>(step);
  row.values = in_log_order(system.metrics.means(*system.backend.device, session_.stream()));
  row.values.insert(row.values.end(), evaluated_.begin(), evaluated_.end());
  evaluated_.clear();
  last_metrics_ = {row.values.begin(), row.values.end()};
  const double now = Progress::steady_seconds();
  const double seconds = now - interval_clock_;
  const auto items = static_cast<double>((step - interval_start_) * config_.train.batch);
  row.times = {{"images_per_s", seconds > 0 ? items / seconds : 0}, {"data_wait_s", waited_s_}};
  metrics_log_.write(row);
  if (tensorboard_) {
    for (const auto& [name, value] : row.values) tensorboard_->scalar(name, row.step, value);
    for (const auto& [name, value] : row.times) {
      tensorboard_->scalar("time." + name, row.step, value);
    }
  }
  Progress::Values shown;
  for (const char* name : {kDiscriminatorLoss, "g.loss", "e.loss", "c.loss", "c.accuracy"}) {
    if (const double* value = row.find(name)) shown.emplace_back(name, *value);
  }
  progress_.set_values(std::move(shown));
  // The last step may cut an interval short. Its sums stay, so that a run that is continued later
  // replaces this row by the whole interval's.
  if (!due(step, config_.train.log_every)) return;
  system.metrics.start_interval(*system.backend.device, session_.stream());
  interval_start_ = step;
  interval_clock_ = now;
  waited_s_ = 0;
}

void Trainer::sample(int64_t step) {
  if (!sampler_) return;
  progress_.pause();
  const int64_t columns = config_.output.columns_for(session_.system().classes_of_samples());
  const int64_t count = picture_.samples(config_.output.samples);
  const std::vector<float> labels = session_.system().labels_by_column(count, columns);
  const Image grid = picture_.draw(sampler_->images(grid_latents_, labels), columns);
  write_png(run_.grid(static_cast<uint64_t>(step)), grid);
  if (tensorboard_) tensorboard_->image("samples", static_cast<uint64_t>(step), grid);
  progress_.resume();
}

void Trainer::save(int64_t step) {
  if (saved_step_ == step) return;
  check_finite();
  progress_.pause();
  metrics_log_.sync();
  Checkpoint checkpoint = session_.checkpoint();
  const Retention retention{.last = config_.train.keep_last,
                            .metric = config_.train.best_metric,
                            .higher_is_better = config_.train.best_is_highest};
  std::optional<double> score;
  if (const auto found = last_metrics_.find(retention.metric); found != last_metrics_.end()) {
    score = found->second;
  }
  checkpoints_.save(checkpoint, retention, score);
  saved_step_ = step;
  run_.write_status({RunState::kRunning, static_cast<uint64_t>(step),
                     static_cast<uint64_t>(config_.train.steps), 0, ""});
  progress_.resume();
}

void Trainer::finish(RunState state, ExitCode code, const std::string& message) {
  run_.write_status({state, static_cast<uint64_t>(session_.steps_done()),
                     static_cast<uint64_t>(config_.train.steps), static_cast<int>(code), message});
  // What is trained is trained and saved: pictures of it that fail are no failure of the run.
  try {
    const std::vector<std::filesystem::path> grids = run_.grids();
    if (config_.output.animation && !grids.empty()) write_animation(run_.animation(), grids);
    write_report(run_);
  } catch (const Error& error) {
    log_.warning("no animation or report: ", error.what());
  }
  if (message.empty()) {
    log_.info("done    ", session_.steps_done(), " steps, ",
              format_duration(Progress::steady_seconds() - start_clock_), ", ",
              run_.report().string());
  } else {
    log_.warning(message);
  }
}

}  // namespace gantry
