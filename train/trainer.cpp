// SPDX-License-Identifier: Apache-2.0
#include "train/trainer.h"

#include <cmath>

#include "core/animation.h"
#include "train/nonfinite.h"
#include "train/report.h"

namespace gantry {
namespace {

constexpr const char* kDiscriminatorLoss = "d.loss";  // on real plus on fake samples

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

}  // namespace

Trainer::Trainer(Session& session, RunDir& run, Log& log)
    : session_(session),
      run_(run),
      log_(log),
      config_(session.gan().config),
      interval_start_(session.steps_done() / config_.train.log_every * config_.train.log_every),
      checkpoints_(run.checkpoints(), log),
      metrics_log_(run.metrics(), static_cast<uint64_t>(interval_start_), log),
      progress_(log, {.first = static_cast<uint64_t>(session.steps_done()),
                      .total = static_cast<uint64_t>(config_.train.steps),
                      .items = static_cast<double>(config_.train.batch)}),
      sampler_(session.gan(), session.stream(), config_.output.samples,
               session.gan().g_optimizer.has_ema()) {
  require_best_metric();
  if (config_.output.tensorboard) {
    tensorboard_.emplace(run.events(), static_cast<uint64_t>(session.steps_done()));
  }
  const std::vector<MetricsRow> rows = read_metrics(run.metrics());
  if (!rows.empty()) last_metrics_.insert(rows.back().values.begin(), rows.back().values.end());
  grid_latents_ = sampler_.draw_latents(session.gan().seed(), 0, sampler_.batch());
}

void Trainer::require_space() const {
  constexpr uint64_t kSamplesAndLogs = 32 << 20;
  uint64_t state = 0;
  for (const Gan::StateTensor& tensor : session_.gan().state()) state += tensor.view.bytes();
  run_.require_space(static_cast<uint64_t>(config_.train.keep_last + 2) * state + kSamplesAndLogs);
}

void Trainer::require_best_metric() const {
  const std::string& wanted = config_.train.best_metric;
  if (wanted.empty() || wanted == kDiscriminatorLoss) return;
  std::string known = kDiscriminatorLoss;
  for (const std::string& name : session_.gan().metrics.names()) {
    if (name == wanted) return;
    if (known.find(name) == std::string::npos) known += ", " + name;
  }
  throw ConfigError(
      concat("/train/best_metric: no metric is called \"", wanted, "\"; this run has ", known));
}

ExitCode Trainer::train(const StopRequest& stop) {
  require_space();
  start_clock_ = Progress::steady_seconds();
  interval_clock_ = Progress::steady_seconds();
  run_.write_status({RunState::kRunning, static_cast<uint64_t>(session_.steps_done()),
                     static_cast<uint64_t>(config_.train.steps), 0, ""});
  if (session_.steps_done() == 0) sample(0);
  while (session_.steps_done() < config_.train.steps) {
    if (stop.received()) {
      save(session_.steps_done());
      finish(RunState::kStopped, ExitCode::kPreempted,
             concat("stopped by ", stop.signal_name(), "; continue with: gantry resume ",
                    run_.path().string()));
      return ExitCode::kPreempted;
    }
    waited_s_ += session_.step();
    after_step(session_.steps_done());
  }
  save(session_.steps_done());
  finish(RunState::kDone, ExitCode::kDone, "");
  return ExitCode::kDone;
}

void Trainer::after_step(int64_t step) {
  const bool last = step == config_.train.steps;
  check_finite(step);
  if (due(step, config_.train.log_every) || last) log_metrics(step);
  progress_.update(static_cast<uint64_t>(step));
  run_.heartbeat();
  if (due(step, config_.train.sample_every) || last) sample(step);
  if (due(step, config_.train.checkpoint_every)) save(step);
}

void Trainer::check_finite(int64_t step) {
  if (!config_.train.check_finite) return;
  Gan& gan = session_.gan();
  for (const auto& [name, value] : gan.metrics.latest(*gan.backend.device, session_.stream())) {
    const bool bad_gradient = name.ends_with(".nonfinite") && value > 0;
    if (std::isfinite(value) && !bad_gradient) continue;
    // The update of a network whose gradient is not finite was left out, so the same step shows
    // the same fault again, call by call.
    const int64_t before = step - 1;
    gan.backend.device->copy_to_device(session_.stream(), gan.step.view().data, &before,
                                       sizeof(before));
    const auto first = first_nonfinite(session_.replay(), *gan.backend.device, session_.stream());
    throw NumericError(concat(
        "step ", step, ": ", bad_gradient ? concat(value, " gradient values") : name,
        bad_gradient ? concat(" of ", name.substr(0, 1)) : concat(" = ", value),
        bad_gradient ? " are not finite" : "",
        "; first: ", first ? *first : "none when the step is repeated",
        ". Nothing was saved at this step; the last checkpoint is of step ",
        saved_step_ < 0 ? 0 : saved_step_,
        ". Try a lower learning rate, optimizer.*.clip_norm, or look at the data of this batch"));
  }
}

void Trainer::log_metrics(int64_t step) {
  Gan& gan = session_.gan();
  MetricsRow row;
  row.step = static_cast<uint64_t>(step);
  row.values = in_log_order(
      gan.metrics.means(*gan.backend.device, session_.stream(), step - interval_start_));
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
  for (const char* name : {kDiscriminatorLoss, "g.loss"}) {
    if (const double* value = row.find(name)) shown.emplace_back(name, *value);
  }
  progress_.set_values(std::move(shown));
  // The last step may cut an interval short. Its sums stay, so that a run that is continued later
  // replaces this row by the whole interval's.
  if (!due(step, config_.train.log_every)) return;
  gan.metrics.start_interval(*gan.backend.device, session_.stream());
  interval_start_ = step;
  interval_clock_ = now;
  waited_s_ = 0;
}

void Trainer::sample(int64_t step) {
  progress_.pause();
  const ValueRange range{config_.data.range[0], config_.data.range[1]};
  const Image grid = picture_of(sampler_.images(grid_latents_), session_.gan().sample, range,
                                config_.output.columns);
  write_png(run_.grid(static_cast<uint64_t>(step)), grid);
  if (tensorboard_) tensorboard_->image("samples", static_cast<uint64_t>(step), grid);
  progress_.resume();
}

void Trainer::save(int64_t step) {
  if (saved_step_ == step) return;
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
