// SPDX-License-Identifier: Apache-2.0
// Whole recorded steps read no memory that holds no value: stale, freed or not yet written.
#include <gtest/gtest.h>

#include "tests/poison_watcher.h"
#include "tests/train/training_rig.h"
#include "train/system_state.h"

namespace gantry {
namespace {

struct Technique {
  const char* name;
  std::vector<std::string> overrides;
};

const Technique kTechniques[] = {
    {"plain", {}},
    {"mixed", {"objective.real_fake=mixed"}},
    {"alternating", {"objective.real_fake=alternating"}},
    {"micro_batches", {"train.accumulate=2"}},
    {"several_steps", {"train.d_steps=2", "train.g_steps=2"}},
    {"g_first", {"train.order=g_first"}},
    {"reused_fakes", {"train.reuse_fakes=true"}},
    {"uneven_batches", {"train.fake_batch=8", "train.generator_batch=24"}},
    {"spectral_norm", {"discriminator.spectral_norm=true"}},
    {"clipping", {"optimizer.g.clip_norm=1", "optimizer.d.clip_value=0.01"}},
    {"clipping_by_tensor", {"optimizer.g.clip_tensor_norm=1", "optimizer.d.clip_tensor_norm=0.01"}},
    {"saturating", {"objective.generator_loss=saturating"}},
    {"least_squares", {"objective={\"type\":\"lsgan\"}"}},
    {"wasserstein", {"objective={\"type\":\"wgan\"}", "optimizer.d.weight_clip=0.01"}},
    {"hinge", {"objective={\"type\":\"hinge\"}"}},
};

class Poison : public ::testing::TestWithParam<Technique> {};

TEST_P(Poison, ChangesNothingInATrainingStep) {
  TrainingRig clean = cpu_rig(GetParam().overrides), poisoned = cpu_rig(GetParam().overrides);
  for (int i = 0; i < 3; ++i) {
    clean.step(1);
    const Replay& replay = *poisoned.session().next().replay;
    PoisonWatcher poison(replay, replay.arena());
    poisoned.session().step(poison);
    ASSERT_TRUE(clean.session().checkpoint().tensors == poisoned.session().checkpoint().tensors)
        << "step " << i;
  }
}

std::string name_of(const ::testing::TestParamInfo<Technique>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Step, Poison, ::testing::ValuesIn(kTechniques), name_of);

// One step of a session from a fixed state, over a plan that may be wrong about a lifetime.
class FaultyStep {
 public:
  explicit FaultyStep(TrainingRig& rig) : session_(rig.session()) {
    rig.step(1);
    start_ = session_.checkpoint();
    const Program& program = session_.usual().recorded.program;
    plan_ = plan_memory(program);
    arena_ = std::make_shared<Memory>(*session_.system().backend.device, plan_.arena_bytes);
  }

  const Program& program() const { return session_.usual().recorded.program; }
  const MemoryPlan& plan() const { return plan_; }

  // What the step leaves behind when the watcher believes `plan`.
  std::vector<HostTensor> run(const MemoryPlan& plan) {
    restore_system(session_.system(), session_.stream(), start_, "memory");
    const Replay replay(program(), plan, arena_);
    PoisonWatcher poison(replay, *arena_);
    replay.run(session_.stream(), poison);
    return session_.checkpoint().tensors;
  }

 private:
  Session& session_;
  Checkpoint start_;
  MemoryPlan plan_;
  std::shared_ptr<Memory> arena_;
};

// Whether call `index` reads the buffer, and not into a result that nothing uses.
bool reads(const Call& call, uint32_t buffer) {
  for (size_t i = 0; i < call.args.size(); ++i) {
    if (call.args[i].buffer == buffer && call.reads(i)) return true;
  }
  return false;
}

// The watcher is worth its name only if it finds faults: it is told of each temporary of a whole
// step, one at a time, that its life ends before its last read, or begins after its first write.
TEST(PoisonOfAStep, FindsEachLifeCutShort) {
  TrainingRig rig = cpu_rig();
  FaultyStep step(rig);
  const std::vector<HostTensor> good = step.run(step.plan());
  ASSERT_TRUE(step.run(step.plan()) == good) << "or the comparisons below would say nothing";
  size_t tried = 0;
  for (uint32_t buffer = 0; buffer < step.program().buffers().size(); ++buffer) {
    const Lifetime life = step.plan().lifetimes[buffer];
    if (step.plan().buffer_offsets[buffer] == MemoryPlan::kUnplaced) continue;
    if (life.first == life.last || !reads(step.program().calls()[life.last], buffer)) continue;
    MemoryPlan short_lived = step.plan(), late = step.plan();
    short_lived.lifetimes[buffer].last -= 1;
    late.lifetimes[buffer].first += 1;
    ++tried;
    const std::string& name = step.program().buffers()[buffer].name;
    EXPECT_FALSE(step.run(short_lived) == good) << name << " is freed before its last read";
    EXPECT_FALSE(step.run(late) == good) << name << " is read before it is written";
  }
  EXPECT_GT(tried, 40u);
}

}  // namespace
}  // namespace gantry
