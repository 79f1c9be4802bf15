// SPDX-License-Identifier: Apache-2.0
#include "train/classifier_step.h"

#include "train/sharded_update.h"

namespace gantry {

ClassifierStep::ClassifierStep(System& system) : system_(system) {
  if (system.sample.classes == 0) {
    throw ConfigError(
        "/data: has no labels, which a classifier learns from; use labelled data "
        "(data.labels)");
  }
  const NamedShape output = system.player("c").network.outputs()[0];
  const Shape wanted{1, system.sample.classes, 1, 1};
  if (output.shape == wanted) return;
  throw ConfigError(concat("/classifier: the last layer, \"", output.name, "\", makes ",
                           to_string(output.shape), " (NxCxHxW), but the classes of /data need ",
                           to_string(wanted), ", a number for each"));
}

RecordedStep ClassifierStep::record(size_t) {
  RecordedStep step;
  Program& program = step.program;
  Recorder recorder = system_.recorder(program);
  StepInputs inputs(system_, recorder, step.taps);
  record_start(system_, recorder, 1);
  {
    const Program::Scope scope(program, "c1");
    const Player& c = system_.player("c");
    recorder.loss_scale = c.optimizer.loss_scale(program, "c");
    ShardedUpdate(system_, recorder).record({&c}, [&](int64_t shard) {
      for (int64_t micro = 0; micro < system_.config.train.accumulate; ++micro) {
        const Program::Scope micro_scope(program, concat("m", micro + 1));
        learn(recorder, inputs, shard, micro);
      }
    });
    c.optimizer.record(recorder, c.store, system_.metrics, "c");
  }
  record_end(system_, recorder, 1);
  return step;
}

void ClassifierStep::learn(Recorder& recorder, StepInputs& inputs, int64_t shard, int64_t micro) {
  const TrainConfig& train = system_.config.train;
  const int64_t parts = train.accumulate * system_.shards.count, n = train.batch / parts;
  const int64_t first = (shard * train.accumulate + micro) * n;
  recorder.first_sample = static_cast<uint32_t>(system_.shards.offset(train.batch) + first);
  const Shown real = inputs.real(first, n);
  inputs.tap(real);
  Player& c = system_.player("c");
  NetworkPass pass =
      c.network.forward(recorder, c.store, c.store.values(), c.store.state_values(), {real.x}, {});
  inputs.tap("score_real", pass.outputs[0]);
  const double scale = 1.0 / static_cast<double>(parts);
  const LossDesc loss{.kind = LossDesc::Kind::kCrossEntropy,
                      .x = pass.outputs[0].shape,
                      .t = real.label.shape,
                      .scale = static_cast<float>(scale)};
  const TensorRef dy = recorder.temp("d_score", loss.x);
  Program& program = recorder.program;
  program.call("loss_real", recorder.kernels.loss(loss, true),
               {system_.metrics.slot(program, "c.loss", 1 / scale),
                system_.metrics.slot(program, "c.accuracy"), dy},
               {pass.outputs[0], real.label});
  c.network.backward(recorder, c.store, pass, {dy}, {.accumulate = micro > 0});
}

}  // namespace gantry
